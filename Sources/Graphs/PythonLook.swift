import JSON

/// What came of looking at a Python file (`look.py`).
package enum PythonLook: Sendable, Equatable {
    case graph(PythonGraph)
    /// It makes none, which is no fault.
    case nothing
    case refused(GraphFaults)

    /// Nil for what `look.py` would not say.
    package init?(_ answer: JSONText) {
        guard answer.object != nil else { return nil }
        if let error = answer["error"] {
            guard let message = error["message"]?.string else { return nil }
            let place = error["line"]?.int.map { TextPlace(line: $0, column: 1) }
            self = .refused(GraphFaults(message, place: place))
            return
        }
        guard let document = answer["document"] else {
            self = .nothing
            return
        }
        guard let members = document.object, let name = answer["name"]?.string else { return nil }
        self = .graph(
            PythonGraph(
                members: members, name: name,
                notes: answer["notes"]?.array?.compactMap(\.string) ?? [], drawing: answer["drawing"]))
    }

    /// The files that the file's import has pulled in, by their paths below its folder.
    package static func imports(of answer: JSONText) -> Set<String> {
        Set(answer["imports"]?.array?.compactMap(\.string) ?? [])
    }
}

/// A graph that a Python file makes.
package struct PythonGraph: Sendable, Equatable {
    /// Of the document, which has no id yet.
    let members: JSONObject
    /// What the graph is called in the module.
    package let name: String
    /// What of it was not understood, and left aside.
    package let notes: [String]
    /// How LangGraph draws it, if it is one of its graphs.
    let drawing: JSONText?

    /// The same graph under another name and description, where there is one.
    package func called(_ name: String?, _ description: String?) -> PythonGraph {
        var members = members
        if let name { members["name"] = JSONText(name) }
        if let description { members["description"] = JSONText(description) }
        return PythonGraph(members: members, name: self.name, notes: notes, drawing: drawing)
    }

    /// The whole document.
    package func document(id: String) -> JSONText {
        var document: JSONObject = ["id": JSONText(id)]
        for (key, value) in members where documentKeys.contains(key) { document[key] = value }
        document["drawing"] = drawing
        return document.text
    }
}

extension GraphDocument {
    /// The id of the graph of a file of this stem: in lower case, other characters `-`; nil where nothing would be left.
    package static func id(ofStem stem: String) -> String? {
        let characters = stem.lowercased().unicodeScalars.map { scalar -> Character in
            let isFit =
                scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789._-".unicodeScalars.contains(scalar))
            return isFit ? Character(scalar) : "-"
        }
        let id = String(String(characters).drop { "._-".contains($0) }.prefix(GraphBounds.idLengthMax))
        return isID(id) ? id : nil
    }
}
