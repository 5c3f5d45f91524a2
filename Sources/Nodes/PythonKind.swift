import Executions
import Graphs
import JSON

/// `python`: calls a function of a file beside the graph document, or of code in the document, in a worker process.
package struct PythonKind: NodeKind {
    package let name = "python"
    package let title = "Python"
    package let summary = """
        Calls a function of yours in Python, with the state and any library that is installed. The mapping that it returns is \
        its update, as it stands, with what it changed in the state besides; None, or the state itself: what it changed there. \
        Functions may be async, and may yield what is to be streamed; import millrace offers emit and log.
        """
    package let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "file": [
                "title": "File", "description": "A file beside the graph document.", "type": "string", "minLength": 1,
                "format": "graph-file",
            ],
            "function": [
                "title": "Function", "description": "A function of the file, or a path to one: steps[0].run.",
                "type": "string", "minLength": 1,
            ],
            "class": [
                "title": "Class",
                "description": "A class of the file with a method execute(state); made once per process.",
                "type": "string", "minLength": 1,
            ],
            "args": [
                "title": "Arguments", "description": "The keyword arguments that the class is made with.",
                "type": "object",
            ],
            "object": [
                "title": "Object",
                "description":
                    "An object of the file with a method execute(state), or a path to one: graph.nodes['load'].",
                "type": "string", "minLength": 1,
            ],
            "code": [
                "title": "Code", "description": "Python that defines execute(state).", "type": "string", "minLength": 1,
                "examples": ["def execute(state):\n    return {\"total\": state[\"a\"] + state[\"b\"]}\n"],
            ],
        ],
        "oneOf": [
            ["required": ["file", "function"]], ["required": ["file", "class"]], ["required": ["file", "object"]],
            ["required": ["code"]],
        ],
        "additionalProperties": false,
    ]
    package let runsCode = true

    private let workers: PythonWorkers

    package init(workers: PythonWorkers) {
        self.workers = workers
    }

    package func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        if config["code"] != nil,
            let other = ["file", "function", "class", "object"].first(where: { config[$0] != nil })
        {
            throw GraphFaults(pointer: "/\(other)", "code and \(other) exclude each other")
        }
        if config["args"] != nil, config["class"] == nil {
            throw GraphFaults(pointer: "/args", "args are those of a class, and none is named")
        }
        for key: JSONKey in ["function", "class", "object"] {
            guard let path = config[key]?.string, !PythonPath.isPath(path) else { continue }
            throw GraphFaults(
                pointer: "/\(key.string)", "must be a name, or a path such as `graph.nodes['load']` or `steps[0].run`")
        }
        return PythonBody(target: PythonTarget(config), workers: workers)
    }

    package func code(in config: JSONObject) -> [NodeCode] {
        if let file = config["file"]?.string { return [NodeCode(pointer: "/file", source: .file(file))] }
        return config["code"]?.string.map { [NodeCode(pointer: "/code", source: .inline($0))] } ?? []
    }
}

/// Which function a node calls, as the worker is told it.
struct PythonTarget: Sendable {
    let json: JSONText
    /// Inline code is the node's own: the same text in two nodes makes two modules.
    let isCode: Bool
    /// The folder of its file, below the graph's: "" is that itself.
    let ownFolder: String

    init(_ config: JSONObject) {
        json = config.text
        isCode = config["code"] != nil
        let file = config["file"]?.string ?? ""
        ownFolder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? ""
    }

    /// What a program other than Python's worker makes sense of.
    init(anything json: JSONText) {
        (self.json, isCode, ownFolder) = (json, false, "")
    }
}

private struct PythonBody: NodeBody {
    let target: PythonTarget
    let workers: PythonWorkers
    let startsLater = true

    func start(_ call: NodeCall) -> NodeStart {
        .waiting { await workers.run(call, target) }
    }
}
