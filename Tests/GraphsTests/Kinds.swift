import Graphs
import JSON

/// A small vocabulary, built of real schemas: what the tests' documents may say.
struct Kinds: NodeVocabulary {
    private static let schemas: [(name: String, schema: ConfigSchema)] = [
        (
            "delay",
            schema(
                #"{"type":"object","properties":{"duration_ms":{"type":"integer","minimum":0}},"required":["duration_ms"],"additionalProperties":false}"#
            )
        ),
        (
            "process",
            schema(
                #"{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},"minItems":1},"input":{"enum":["state","none"]}},"required":["command"],"additionalProperties":false}"#
            )
        ),
        (
            "python",
            schema(
                #"{"type":"object","properties":{"file":{"type":"string","format":"graph-file"},"code":{"type":"string"}},"additionalProperties":false,"oneOf":[{"required":["file"]},{"required":["code"]}]}"#
            )
        ),
        ("noop", schema(#"{"type":"object"}"#)),
    ]

    static func schema(_ text: String) -> ConfigSchema {
        do {
            return try ConfigSchema(JSONText(parsing: text))
        } catch {
            fatalError("\(error)")
        }
    }

    var kindNames: [String] { Self.schemas.map(\.name) }

    func schema(ofKind name: String) -> ConfigSchema? {
        Self.schemas.first { $0.name == name }?.schema
    }

    /// Of `python`, the word `import` alone is no program.
    func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault] {
        guard name == "python" else { return [] }
        let isBroken = config["file"]?.string.flatMap { files[$0] } == Array("import".utf8)
        return isBroken ? [GraphFault(pointer: "/file", message: "line 1: invalid syntax")] : []
    }

    func code(inConfig config: JSONObject, ofKind name: String) -> [NodeCode] {
        guard name == "python" else { return [] }
        if let file = config["file"]?.string { return [NodeCode(pointer: "/file", source: .file(file))] }
        return config["code"]?.string.map { [NodeCode(pointer: "/code", source: .inline($0))] } ?? []
    }

    func fault(inCondition source: String) -> String? {
        source.contains("((") ? "does not compile: unexpected symbol near `(`" : nil
    }
}

/// Parses a document and gives the graph.
func graph(
    _ text: String, _ format: GraphFormat = .yaml, files: GraphFiles = GraphFiles()
) throws(GraphFaults) -> Graph {
    try Graph.parse(Array(text.utf8), format: format, vocabulary: Kinds(), files: files).graph
}

/// The faults of a document, each as "pointer: message".
func faults(_ text: String, _ format: GraphFormat = .yaml, files: GraphFiles = GraphFiles()) -> [String] {
    do {
        _ = try graph(text, format, files: files)
        return []
    } catch {
        return error.faults.map { "\($0.pointer): \($0.message)" }
    }
}
