import Executions
import Glibc
import Graphs
import JSON

/// `worker`: asks a long-lived process in any language, by the line protocol of millrace-worker(7), which Python's workers
/// speak too.
struct WorkerKind: NodeKind {
    let name = "worker"
    let title = "Worker"
    let summary = """
        Runs nodes in long-lived processes of a program in any language, which reads calls as JSON lines and writes updates: \
        see millrace-worker(7). A process serves call after call of a graph; several run side by side.
        """
    let runsCode = true
    let workers: PythonWorkers

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "command": [
                "title": "Command",
                "description":
                    "Program and arguments; no shell is involved. Paths such as ./worker are those of the graph's folder.",
                "type": "array", "items": ["type": "string"], "minItems": 1, "examples": [["./my-worker"]],
            ],
            "target": [
                "title": "Target", "description": "Any JSON: what the program is told to run.",
            ],
        ],
        "required": ["command"], "additionalProperties": false,
    ]

    func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        let command = config["command"]?.array?.compactMap(\.string) ?? []
        let faults = ProcessConfig.faults(command)
        guard faults.isEmpty else { throw GraphFaults(faults) }
        return WorkerBody(
            command: WorkerCommand(words: command), target: PythonTarget(anything: config["target"] ?? .null),
            workers: workers)
    }
}

/// A program that speaks the protocol.
struct WorkerCommand: Hashable, Sendable {
    /// Those that are looked at as files, for each call: an interpreter, its options and the program are among the first.
    private static let fileWordsMax = 16

    let words: [String]

    /// Which files stand behind it: a process goes on with what it was started from, and a program that is edited is
    /// another one.
    func fingerprint(in folder: String?) -> String {
        words.prefix(Self.fileWordsMax).compactMap { word -> String? in
            guard let folder, !word.isEmpty, !word.hasPrefix("-") else { return nil }
            var status = stat()
            guard stat(word.hasPrefix("/") ? word : "\(folder)/\(word)", &status) == 0,
                status.st_mode & S_IFMT == S_IFREG
            else { return nil }
            return "\(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        }.joined(separator: ", ")
    }
}

private struct WorkerBody: NodeBody {
    let command: WorkerCommand
    let target: PythonTarget
    let workers: PythonWorkers
    let startsLater = true

    func start(_ call: NodeCall) -> NodeStart {
        .waiting { await workers.run(call, target, by: command) }
    }
}
