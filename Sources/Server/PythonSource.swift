import Graphs
import JSON

/// One graph that Python files of the graphs folder may make.
struct PythonSource: Sendable, Equatable {
    /// The file below the graphs folder; `FILE:NAME` for one that a `langgraph.json` names.
    let name: String
    /// The working directory below the graphs folder, "" for that itself.
    let folder: String
    /// The Python file, below `folder`.
    let file: String
    /// Which of the module's names.
    var graph: String?
    /// What its id is made of.
    let stem: String
    /// What the `langgraph.json` that names it says of its graphs: `env` and `dependencies`.
    var project = JSONText.emptyObject

    /// The id that it would have, if no other had it.
    var id: String? { GraphDocument.id(ofStem: stem) }

    /// The id that it has where that is taken. Files of the graphs folder itself go by its name.
    func secondID(inFolder path: String) -> String? {
        let parent = folder.isEmpty ? path : folder
        let name = parent.split(separator: "/").last.map(String.init) ?? ""
        return GraphDocument.id(ofStem: "\(name)-\(stem)")
    }

    /// A Python file of that path.
    init(file path: String) {
        name = path
        (folder, file) = Self.split(path)
        stem = file.hasSuffix(".py") ? String(file.dropLast(3)) : file
    }

    /// One of the graphs of a file, `FILE.py:NAME`; nil for what is not written so.
    init?(chosen name: String) {
        guard let colon = name.lastIndex(of: ":"), name[..<colon].hasSuffix(".py") else { return nil }
        let graph = String(name[name.index(after: colon)...])
        guard !graph.isEmpty else { return nil }
        let (folder, file) = Self.split(String(name[..<colon]))
        self.init(name: name, folder: folder, file: file, graph: graph, stem: "\(file.dropLast(3))-\(graph)")
    }

    private init(name: String, folder: String, file: String, graph: String, stem: String) {
        (self.name, self.folder, self.file, self.graph, self.stem) = (name, folder, file, graph, stem)
    }

    /// The graphs that a `langgraph.json` names, as `langgraph dev` reads it.
    static func sources(ofManifest path: String, _ bytes: [UInt8]) throws(GraphFaults) -> [PythonSource] {
        let manifest = try Graph.source(bytes, .json)
        let folder = split(path).folder
        var project = JSONObject()
        for key: JSONKey in ["env", "dependencies"] {
            if let value = manifest[key], value != .null { project[key] = value }
        }
        var faults: [GraphFault] = []
        var sources: [PythonSource] = []
        for (key, value) in manifest["graphs"]?.object ?? [:] {
            let name = key.string
            do throws(GraphFaults) {
                let (file, graph) = try place(value)
                var source = PythonSource(
                    name: "\(path):\(name)", folder: folder, file: file, graph: graph, stem: name)
                source.project = project.text
                sources.append(source)
            } catch {
                faults += error.faults.map { GraphFault(pointer: "/graphs/\(name)", message: $0.message) }
            }
        }
        guard faults.isEmpty else { throw GraphFaults(faults).placed(in: bytes, .json) }
        return sources
    }

    /// `./src/agent.py:graph`, `src.agent:graph`, or an object that has one of these as its `path`.
    private static func place(_ value: JSONText) throws(GraphFaults) -> (file: String, graph: String) {
        let form = "must be FILE.py:NAME, or have that as its `path`"
        guard let text = value.string ?? value["path"]?.string, let colon = text.lastIndex(of: ":") else {
            throw GraphFaults(form)
        }
        var file = String(text[..<colon])
        let graph = String(text[text.index(after: colon)...])
        if !file.hasSuffix(".py"), !file.contains("/") {
            file = file.split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/") + ".py"
        }
        guard file.hasSuffix(".py"), !graph.isEmpty else { throw GraphFaults(form) }
        let parts = file.split(separator: "/").filter { $0 != "." }
        guard !file.hasPrefix("/"), !parts.contains("..") else {
            throw GraphFaults("leads out of the folder of the file")
        }
        return (parts.joined(separator: "/"), graph)
    }

    private static func split(_ path: String) -> (folder: String, file: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }
}
