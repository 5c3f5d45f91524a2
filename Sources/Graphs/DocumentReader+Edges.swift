import JSON

let edgeKeys: [JSONKey] = ["from", "to", "when"]
let requiredEdgeKeys: [JSONKey] = ["from", "to"]

/// Edges: their ends among the document's nodes, and their conditions.
extension DocumentReader {
    func edge(_ edge: JSONText, _ place: Int) -> GraphEdge? {
        var (from, to, when): (String?, String?, String?)
        var python: GraphEdge.PythonCondition?
        faults.members(of: edge, known: edgeKeys, required: requiredEdgeKeys) { key, value in
            switch key {
            case "from": from = end(value)
            case "to": to = end(value)
            default:
                if value.kind == .object {
                    python = pythonCondition(value, ofSource: edge["from"]?.string)
                    when = python.map { "\($0.path) of \($0.file)" }
                } else {
                    when = condition(value)
                }
            }
        }
        guard let from, let to else { return nil }
        let read = GraphEdge(from: from, to: to, when: when, python: python)
        join(read, place)
        return read
    }

    /// The id that one end of an edge names.
    private func end(_ value: JSONText) -> String? {
        guard let id = faults.string(value) else { return nil }
        if placeOfID[id] == nil {
            let hint = faults.isKeeping ? Suggestion.hint(for: id, among: idOfPlace) : ""
            faults.add("no node has the id \(Suggestion.quoted(id))\(hint)")
        }
        return id
    }

    private func condition(_ value: JSONText) -> String? {
        guard let source = faults.string(value) else { return nil }
        for fault in compile({ vocabulary.fault(inCondition: source).map { [$0] } ?? [] }) { faults.add(fault) }
        return source
    }

    /// `{"python": PATH}`: a callable of the file of the node that the edge leads from, or of another `file`.
    private func pythonCondition(_ value: JSONText, ofSource source: String?) -> GraphEdge.PythonCondition? {
        var (path, said): (String?, String?)
        faults.members(of: value, known: ["python", "file"], required: ["python"]) { key, value in
            if key == "python" {
                path = faults.string(value)
                if let path, let fault = vocabulary.fault(inPythonCondition: path) { faults.add(fault) }
            } else {
                said = faults.string(value)
                if let said, let fault = files.read(said) { faults.add(fault) }
                if let said { code.append(NodeCode(pointer: faults.pointer, source: .file(said))) }
            }
        }
        guard let path else { return nil }
        guard let file = said ?? source.flatMap({ fileOfID[$0] }) else {
            faults.add("says no `file`, and the node that the edge leads from has none")
            return nil
        }
        return GraphEdge.PythonCondition(file: file, path: path)
    }

    private func join(_ edge: GraphEdge, _ place: Int) {
        guard let from = placeOfID[edge.from], let to = placeOfID[edge.to] else { return }
        guard from != to else { return faults.add("joins `\(edge.from)` to itself") }
        let key = EdgeKey(from: from, to: to, when: edge.when)
        if let first = edgePlaces[key] { return faults.add("says the same as /edges/\(first)") }
        edgePlaces[key] = place
        joined.append(TopologicalOrder.Edge(from: from, to: to))
        joinedPlaces.append(place)
    }
}

/// What makes two edges the same.
struct EdgeKey: Hashable {
    let from: Int
    let to: Int
    let when: String?
}
