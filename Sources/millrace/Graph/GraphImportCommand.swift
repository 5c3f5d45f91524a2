import ArgumentParser
import Executions
import Glibc
import Graphs
import JSON
import Nodes
import ReactorServices

struct GraphImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Show the document of a graph that a Python file makes.",
        prose: """
            Runs the file in a process of its own, as the daemon does with those of the graphs folder, and prints the document.
            Nothing is stored: a file in the graphs folder is a graph by itself. Exit status 1 if it makes no graph.

              millrace graph import flow.py
              millrace graph import flow.py:other --explain
            """)

    @Argument(
        help: ArgumentHelp(
            "The file, and the name of the graph in it, if there are several.", valueName: "FILE.py[:NAME]"),
        completion: .file(extensions: ["py"]))
    var file: String

    @Flag(help: "Say of each node and edge where it comes from, and what was not understood.")
    var explain = false

    @Flag(help: "Print JSON in one line.")
    var json = false

    @Option(help: "What runs it. Default: .venv beside the file, or python3.")
    var interpreter: String?

    func run() throws {
        try reportingFailures {
            let (path, name) = Self.split(file)
            let (folder, base) = try Self.place(path)
            let answer = try look(folder, base, name)
            switch PythonLook(answer) {
            case .refused(let faults):
                let lines = faults.faults.map { fault in
                    "\(path):\(fault.place.map { "\($0.line): " } ?? " ")\(fault.message)"
                }
                throw CommandFailure(lines.joined(separator: "\n"))
            case .nothing: throw CommandFailure("\(path) makes no graph")
            case nil: throw CommandFailure("\(path): what it makes cannot be read")
            case .graph(let graph):
                guard let id = GraphDocument.id(ofStem: String(base.dropLast(base.hasSuffix(".py") ? 3 : 0))) else {
                    throw CommandFailure("\(path): nothing of its name can stand in the id of a graph")
                }
                let document = graph.document(id: id)
                if explain {
                    for line in Self.explanation(of: document, graph) { try Terminal.print(TerminalText.line(line)) }
                } else if json {
                    try Terminal.print(json: document)
                } else {
                    try Terminal.write(document.yaml())
                }
            }
            return .success
        }
    }

    /// - Returns: what `look.py` says of it.
    private func look(_ folder: String, _ file: String, _ name: String?) throws(CommandFailure) -> JSONText {
        let installation = Installation.find()
        let settings = PythonSettings()
        let program = interpreter ?? GraphDocument.interpreter(ofFilesIn: folder) ?? settings.interpreter
        let command = PythonLooks.command(
            PythonLookOrder(folder: folder, file: file, graph: name, program: program), settings, .daemon,
            pythonFolder: installation.pythonFolder)
        let output = HelperRunner(helperPath: installation.helper, confinement: ChildConfinement()).run(
            command, input: [], outputBytesMax: PythonLooks.answerBytesMax,
            timeoutMilliseconds: settings.lookMilliseconds)
        guard let output, let answer = try? JSONText(parsing: output) else {
            throw CommandFailure(
                "\(folder)/\(file) could not be looked at: \(program) did not start, or was not done after \(settings.lookMilliseconds) ms"
            )
        }
        return answer
    }

    private static func split(_ file: String) -> (path: String, name: String?) {
        guard let colon = file.lastIndex(of: ":"), file[..<colon].hasSuffix(".py") else { return (file, nil) }
        let name = String(file[file.index(after: colon)...])
        return (String(file[..<colon]), name.isEmpty ? nil : name)
    }

    private static func place(_ path: String) throws(CommandFailure) -> (folder: String, file: String) {
        guard let resolved = realpath(path, nil) else {
            throw CommandFailure("\(path): \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        let whole = String(cString: resolved)
        let slash = whole.lastIndex(of: "/") ?? whole.startIndex
        return (String(whole[..<slash]), String(whole[whole.index(after: slash)...]))
    }

    private static func explanation(of document: JSONText, _ graph: PythonGraph) -> [String] {
        var lines = ["\(graph.name) is the graph \(document["id"]?.string ?? "")"]
        for node in document["nodes"]?.array ?? [] {
            let config = node["config"]
            let place = ["object", "function", "graph"].compactMap { config?[JSONKey($0)]?.string }.first ?? ""
            lines.append("node \(node["id"]?.string ?? ""): kind \(node["kind"]?.string ?? ""), \(place)")
        }
        for edge in document["edges"]?.array ?? [] {
            let condition = edge["when"]?["python"]?.string.map { ", if \($0)(state)" } ?? ""
            lines.append("edge \(edge["from"]?.string ?? "") → \(edge["to"]?.string ?? "")\(condition)")
        }
        if document["drawing"] != nil { lines.append("LangGraph runs it, and says what is in it") }
        return lines + graph.notes.map { "not understood: \($0)" }
    }
}
