import ArgumentParser
import Client
import HTTP
import JSON

struct ExecutionRerunCommand: ParsableCommand {
    enum FailedItems: String, ExpressibleByArgument, CaseIterable {
        case failed
    }

    static let configuration = CommandConfiguration(
        commandName: "rerun", abstract: "Run an execution again, from a node on.",
        prose: """
            A new execution that takes over the results of all nodes but those named and what is behind them, with the edges
            that were taken: nothing else is decided or run again, a failure is taken over with its error. Nodes without a
            result, such as those that are new in another revision, run too. Without --from everything runs again. It prints the new execution's id, or shows it with --watch.

              millrace execution rerun 98f2c1 --from reply --watch
              millrace execution rerun "$id" --from reply --set score=0.9 --set ok=true
              millrace execution rerun "$id" --from reply --revision 7
              millrace execution rerun "$id" --from fetch --from rates
              millrace execution rerun "$id" --from failed
              millrace execution rerun "$id" --from each --items failed
              millrace execution rerun "$id" --from graph --step 3 --set draft=shorter

            --from failed begins with every node that failed. --items failed runs the items of a map that failed, and takes
            over the results of the others. --step takes over the steps of a graph of LangGraph before one; --state and --set
            are what update_state changes there then. --state and --set edit the state that the nodes named and those
            behind them see. --revision runs another revision of the graph,
            such as the one with the mistake mended.

            \(CommandStatus.help)
            """)

    @Argument(
        help: ArgumentHelp("The execution's id, or a part of it; it must have ended.", valueName: "execution"),
        completion: Completions.executions)
    var id: String

    @Option(
        help: ArgumentHelp(
            "A node to run again, or `failed`: all that failed. May be repeated.", valueName: "node"))
    var from: [String] = []

    @Option(help: ArgumentHelp("Of a map, these items alone: `failed`.", valueName: "which"))
    var items: FailedItems?

    @Option(help: ArgumentHelp("Of a graph of LangGraph, the step to begin with.", valueName: "number"))
    var step: Int?

    @Option(
        help: ArgumentHelp(
            "Edits of the state, as an object; @- is stdin.", valueName: "JSON|@FILE"))
    var state: [String] = []

    @Option(
        help: ArgumentHelp(
            "One key of the state to edit; JSON, or else a string. May be repeated.", valueName: "key=value"))
    var set: [String] = []

    @Option(help: ArgumentHelp("A revision of the graph (default: the one that ran).", valueName: "number"))
    var revision: Int?

    @Flag(help: "Show the new execution until it ends.")
    var watch = false

    @OptionGroup var server: ServerOptions
    @OptionGroup var viewing: RunViewOptions

    func validate() throws {
        if let revision, revision < 1 { throw ValidationError("--revision takes a number from 1 on.") }
        if items != nil, from.count != 1 || from == ["failed"] {
            throw ValidationError("--items goes with one --from, which names a map.")
        }
        _ = try InitialState.read(nil, assignments: assignments)
        if documents.count > 1 { throw ValidationError("--state takes one object; --set takes one key at a time.") }
    }

    func run() throws {
        try reportingFailures {
            let order = try order
            let interrupts = watch ? try Interrupts() : nil
            let client = try server.client(interrupt: interrupts?.descriptor)
            let id = try ExecutionReference.resolve(id, client)
            let request = ClientRequest(.post, ["api", "executions", id, "rerun"], body: .json(JSONText(order)))
            let summary = try client.call(request).object()
            guard let new = summary["execution_id"]?.string else {
                throw CommandFailure("the daemon has not said which execution this is")
            }
            guard let interrupts else {
                if viewing.json {
                    try Terminal.print(json: JSONText(summary))
                } else {
                    try Terminal.print(TerminalText.line(new))
                }
                return .success
            }
            let stream = try client.events(of: new, detail: viewing.streamDetail)
            let source = DaemonEvents(stream, of: new, client: client)
            let follower = try RunFollower(
                source: source, view: viewing.view(), interrupts: interrupts, onInterrupt: .cancel)
            return try follower.follow()
        }
    }

    /// Before there was --set, --state took key=value; what is written so is no object.
    private var documents: [String] { state.filter { $0.hasPrefix("{") || $0.hasPrefix("@") } }
    private var assignments: [String] { state.filter { !documents.contains($0) } + set }

    /// The body of the request.
    private var order: JSONObject {
        get throws {
            var order: JSONObject = [:]
            if from.count == 1 {
                order["from_node"] = JSONText(from[0])
            } else if !from.isEmpty {
                order["from_node"] = JSONText(array: from.map { JSONText($0) })
            }
            if let items { order["items"] = JSONText(items.rawValue) }
            if let step { order["path"] = JSONText(array: from.map { JSONText($0) } + [JSONText(step)]) }
            let edits = try InitialState.read(documents.first, assignments: assignments)
            if !edits.isEmpty { order["state"] = JSONText(edits) }
            if let revision { order["revision"] = JSONText(revision) }
            return order
        }
    }
}
