import Executions
import Graphs
import JSON

/// `langgraph`: a graph of LangGraph, run by LangGraph itself in a worker, its tasks shown as they run.
struct LangGraphKind: NodeKind {
    let name = "langgraph"
    let title = "LangGraph"
    let summary = """
        Runs a graph of LangGraph that a Python file makes, by LangGraph itself in the Python of the node: cycles, conditional \
        edges, reducers, Send and subgraphs are its own. Its nodes show in the same events, with a path of this node and the \
        step. The update is what the graph made of the state.
        """
    let runsCode = true
    let workers: PythonWorkers

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "file": [
                "title": "File", "description": "A file beside the graph document.", "type": "string", "minLength": 1,
                "format": "graph-file",
            ],
            "graph": [
                "title": "Graph",
                "description":
                    "What the file calls its graph: a compiled graph, a StateGraph, or a function that makes one.",
                "type": "string", "minLength": 1,
            ],
            "config": [
                "title": "Config",
                "description": "What LangGraph takes as the config of a run: recursion_limit, configurable, tags.",
                "type": "object",
            ],
            "context": [
                "title": "Context", "description": "What nodes find as runtime.context.", "type": "object",
            ],
            "env": [
                "title": "Environment",
                "description":
                    "Variables for the nodes of the graph, by name, or a file beside it with KEY=VALUE lines, as langgraph.json has it.",
                "oneOf": [
                    ["type": "string", "minLength": 1, "title": "A file"],
                    ["type": "object", "title": "Variables"],
                ],
            ],
            "dependencies": [
                "title": "Dependencies",
                "description":
                    "Folders that modules are imported from, such as ./src, as langgraph.json has them; packages are for the interpreter to have.",
                "type": "array", "items": ["type": "string", "minLength": 1],
            ],
        ],
        "required": ["file", "graph"],
        "additionalProperties": false,
    ]

    func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        guard let path = config["graph"]?.string, PythonPath.isPath(path) else {
            throw GraphFaults(pointer: "/graph", "must be a name, or a path such as `agents['support']`")
        }
        return LangGraphBody(target: PythonTarget(config), workers: workers)
    }

    func code(in config: JSONObject) -> [NodeCode] {
        config["file"]?.string.map { [NodeCode(pointer: "/file", source: .file($0))] } ?? []
    }
}

private struct LangGraphBody: NodeBody {
    let target: PythonTarget
    let workers: PythonWorkers
    let startsLater = true
    let hosts = true

    func start(_ call: NodeCall) -> NodeStart {
        .waiting {
            do throws(NodeFailure) {
                return await workers.run(try call.opened(), target, hosts: true)
            } catch {
                return .failure(error)
            }
        }
    }
}
