import ArgumentParser
import Client
import Executions
import Glibc
import Graphs
import HTTP
import JSON
import Linux

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a graph and watch it.",
        prose: """
            A file is run in this process, without a daemon, and leaves nothing behind; graphs that its nodes name are
            documents beside it. With --server it is stored in that
            daemon first, if it is new there or differs. A graph's id is run by the daemon, and stays in its history.

              millrace run hello.yaml --set name=World
              millrace run triage --state @ticket.json
              make-ticket | millrace run triage --state @- --detach
              millrace run support --thread "customer 17" --set question=Why?
              millrace run triage --json | jq -c 'select(.type == "node_complete")'

            What the graph's input_schema requires and was not given is asked for on a terminal; elsewhere it is an error.

            On a terminal it draws the nodes as they run; elsewhere, and with --plain, it prints a line for each event.
            Ctrl-C cancels the execution and shows its end; a second one leaves without waiting.

            \(CommandStatus.help)
            """)

    @Argument(
        help: ArgumentHelp("A graph document, - for one on stdin, or the id of a graph.", valueName: "file|id"),
        completion: Completions.graphs)
    var graph: String

    @Option(
        help: ArgumentHelp(
            "The initial state, laid over the graph's own; @- is stdin.", valueName: "JSON|@FILE"))
    var state: String?

    @Option(
        help: ArgumentHelp(
            "One key of the initial state; JSON, or else a string. May be repeated.", valueName: "key=value"))
    var set: [String] = []

    @Option(
        help: ArgumentHelp(
            "Go on with this thread of a graph of LangGraph, and leave the state there; the daemon's.",
            valueName: "name"))
    var thread: String?

    @Flag(
        name: .shortAndLong,
        help: "Start it in the daemon, print the execution's id, and leave it to itself; a file is stored there first.")
    var detach = false

    @OptionGroup var server: ServerOptions
    @OptionGroup var viewing: RunViewOptions

    func validate() throws {
        if let fault = StandardInput.fault(in: [graph, state ?? ""]) { throw ValidationError(fault) }
        if detach, viewing.plain || viewing.detail != nil {
            throw ValidationError("--detach shows no events, so --plain and --detail say nothing there.")
        }
    }

    func run() throws {
        try reportingFailures {
            let given = try InitialState.read(state, assignments: set)
            let isFile = GraphFile.exists(graph)
            // Before signals are taken, so that Ctrl-C ends the wait for stdin.
            let text = isFile ? try GraphFile.read(graph) : nil
            let initialState = InputDialogue.isPossible ? complete(given, text) : given
            if detach { return try start(initialState) { client in try id(text, client) } }
            let interrupts = try Interrupts()
            let source = try source(initialState, text, interrupts)
            let view = try viewing.view()
            return try RunFollower(source: source, view: view, interrupts: interrupts, onInterrupt: .cancel).follow()
        }
    }

    private func source(
        _ initialState: JSONObject, _ text: GraphText?, _ interrupts: Interrupts
    ) throws -> any EventSource {
        if let text, server.server == nil {
            guard thread == nil else {
                throw CommandFailure("a thread lies in the history of a daemon; name a graph of one, or --server")
            }
            return try LocalRun.events(
                of: text, from: graph, initialState,
                StateDetail(rawValue: viewing.streamDetail.rawValue) ?? .full, interrupts)
        }
        return try asking {
            let client = try server.client(interrupt: interrupts.descriptor)
            let stream = try client.execute(
                try id(text, client), initialState: initialState, thread: thread, detail: viewing.streamDetail)
            return DaemonEvents(stream, of: nil, client: client)
        }
    }

    /// Asks for what is missing in the state. What is wrong with the graph itself is told by whoever runs it.
    private func complete(_ state: JSONObject, _ text: GraphText?) -> JSONObject {
        let document: JSONText?
        if let text {
            document = try? Graph.source(text.bytes, text.format)
        } else {
            let client = try? server.client()
            let answer = try? client?.call(ClientRequest(.get, ["api", "graphs", graph]))
            document = answer.flatMap { try? JSONText(parsing: $0.body) }
        }
        guard let questions = document.flatMap({ InputQuestions($0) }) else { return state }
        return InputDialogue.complete(state, questions)
    }

    /// Asks the daemon for the graph that the argument names.
    private func asking<Answer>(_ work: () throws -> Answer) throws -> Answer {
        GraphFile.exists(graph) ? try work() : try GraphFile.byID(graph, work)
    }

    /// The graph's id; a document is stored first.
    private func id(_ text: GraphText?, _ client: APIClient) throws -> String {
        guard let text else { return graph }
        let upload = GraphUpload(client)
        let document = try upload.check(graph, text.bytes, text.format)
        _ = try upload.put(document)
        return document.id
    }

    /// Starts it and says which execution it is.
    private func start(_ initialState: JSONObject, _ id: (APIClient) throws -> String) throws -> CommandStatus {
        let summary = try asking {
            let client = try server.client()
            return try client.start(try id(client), initialState: initialState, thread: thread)
        }
        guard let execution = summary["execution_id"]?.string else {
            throw CommandFailure("the daemon has not said which execution this is")
        }
        if viewing.json {
            try Terminal.print(json: JSONText(summary))
        } else {
            try Terminal.print(TerminalText.line(execution))
        }
        return .success
    }
}

/// What an execution starts with, as the command line says it.
enum InitialState {
    /// - Parameters:
    ///   - state: an object as JSON, or `@` and the name of a file with one.
    ///   - assignments: `key=value` each, laid over it in order.
    static func read(
        _ state: String?, assignments: [String]
    ) throws -> JSONObject {
        var object = try state.map { try read($0) } ?? [:]
        for assignment in assignments {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ValidationError("--set takes key=value, not \(TerminalText.line(assignment))")
            }
            let value = String(parts[1])
            object[String(parts[0])] = (try? JSONText(parsing: value)) ?? JSONText(value)
        }
        return object
    }

    private static func read(_ text: String) throws -> JSONObject {
        var bytes = Array(text.utf8)
        if text == "@\(StandardInput.name)" {
            bytes = try StandardInput.read(bytesMax: JSONLimits.bytesMaxDefault)
        } else if text.hasPrefix("@") {
            let path = String(text.dropFirst())
            do {
                bytes = try SmallFile.read(path, bytesMax: JSONLimits.bytesMaxDefault)
            } catch {
                throw CommandFailure("--state: cannot read \(path): \(error.code)")
            }
        }
        do {
            return try JSONObject(parsing: bytes)
        } catch {
            let isFile = text.hasPrefix("@")
            throw CommandFailure(
                "--state: \(isFile ? String(text.dropFirst()) : "this") is no JSON object: \(error.message)",
                status: isFile ? .error : .usage)
        }
    }
}
