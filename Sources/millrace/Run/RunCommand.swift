import ArgumentParser
import Client
import Executions
import Glibc
import JSON
import Linux

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a graph and watch it.",
        discussion: """
            A file is run in this process, without a daemon, and leaves nothing behind. With --server it is stored in that
            daemon first, if it is new there or differs. A graph's id is run by the daemon, and stays in its history.

              millrace run hello.yaml --set name=World
              millrace run triage --state @ticket.json
              millrace run triage --json | jq -c 'select(.type == "node_complete")'

            On a terminal it draws the nodes as they run; elsewhere, and with --plain, it prints a line for each event.
            Ctrl-C cancels the execution and shows its end; a second one leaves without waiting.

            \(CommandStatus.help)
            """)

    @Argument(help: ArgumentHelp("A graph document, or the id of a graph.", valueName: "file|id"))
    var graph: String

    @Option(help: ArgumentHelp("The initial state, laid over the graph's own.", valueName: "JSON|@FILE"))
    var state: String?

    @Option(
        help: ArgumentHelp(
            "One key of the initial state; JSON, or else a string. May be repeated.", valueName: "key=value"))
    var set: [String] = []

    @OptionGroup var server: ServerOptions
    @OptionGroup var viewing: RunViewOptions

    func run() throws {
        try reportingFailures {
            let initialState = try InitialState.read(state, assignments: set)
            let interrupts = try Interrupts()
            let source = try source(initialState, interrupts)
            let view = viewing.view()
            return try RunFollower(source: source, view: view, interrupts: interrupts, onInterrupt: .cancel).follow()
        }
    }

    private func source(_ initialState: JSONObject, _ interrupts: Interrupts) throws -> any EventSource {
        let isFile = GraphFile.exists(graph)
        if isFile, server.server == nil {
            return try LocalRun.events(
                ofFile: graph, initialState, StateDetail(rawValue: viewing.streamDetail.rawValue) ?? .full, interrupts)
        }
        if !isFile, GraphFile.looksLikePath(graph) {
            throw CommandFailure("there is no file \(graph); give a graph document or the id of a graph")
        }
        var client = try server.client(interrupt: interrupts.descriptor)
        var id = graph
        if isFile {
            let file = try GraphFile(path: graph)
            _ = try GraphUpload(client).put(file)
            id = file.id
        }
        client.interruptDescriptor = interrupts.descriptor
        let stream = try client.execute(id, initialState: initialState, detail: viewing.streamDetail)
        return DaemonEvents(stream, of: nil, client: client)
    }
}

/// What an execution starts with, as the command line says it.
enum InitialState {
    /// - Parameters:
    ///   - state: an object as JSON, or `@` and the name of a file with one.
    ///   - assignments: `key=value` each, laid over it in order.
    ///   - option: that took them.
    static func read(
        _ state: String?, assignments: [String], option: String = "--set"
    ) throws -> JSONObject {
        var object = try state.map { try read($0) } ?? [:]
        for assignment in assignments {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ValidationError("\(option) takes key=value, not \(TerminalText.line(assignment))")
            }
            let value = String(parts[1])
            object[String(parts[0])] = (try? JSONText(parsing: value)) ?? JSONText(value)
        }
        return object
    }

    private static func read(_ text: String) throws -> JSONObject {
        var bytes = Array(text.utf8)
        if text.hasPrefix("@") {
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
            throw CommandFailure("--state: this is no JSON object: \(error.message)")
        }
    }
}
