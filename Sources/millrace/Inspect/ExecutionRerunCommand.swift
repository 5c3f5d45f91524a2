import ArgumentParser
import Client
import HTTP
import JSON

struct ExecutionRerunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rerun", abstract: "Run an execution again, from a node on.",
        discussion: """
            A new execution that takes over the results of all nodes but the one named and those behind it; without --from
            everything runs again. It prints the new execution's id, or shows it with --watch.

              millrace execution rerun 01930b1c-7d2e-7cc3-98c4-dc0c0c07398f --from reply --watch
              millrace execution rerun "$id" --from reply --state score=0.9 --state customer='{"name": "Ada"}'
              millrace execution rerun "$id" --from reply --revision 7

            --state edits the state that the node and those behind it see. --revision runs another revision of the graph,
            such as the one with the mistake mended.

            \(CommandStatus.help)
            """)

    @Argument(help: ArgumentHelp("The execution's id; it must have ended.", valueName: "execution"))
    var id: String

    @Option(help: ArgumentHelp("The first node to run again.", valueName: "node"))
    var from: String?

    @Option(
        help: ArgumentHelp(
            "One key of the state to edit; JSON, or else a string. May be repeated.", valueName: "key=value"))
    var state: [String] = []

    @Option(help: ArgumentHelp("A revision of the graph (default: the one that ran).", valueName: "number"))
    var revision: Int?

    @Flag(help: "Show the new execution until it ends.")
    var watch = false

    @OptionGroup var server: ServerOptions
    @OptionGroup var viewing: RunViewOptions

    func validate() throws {
        if let revision, revision < 1 { throw ValidationError("--revision takes a number from 1 on.") }
        _ = try InitialState.read(nil, assignments: state, option: "--state")
    }

    func run() throws {
        try reportingFailures {
            let interrupts = watch ? try Interrupts() : nil
            let client = try server.client(interrupt: interrupts?.descriptor)
            let request = ClientRequest(.post, ["api", "executions", id, "rerun"], body: .json(JSONText(try order)))
            let summary = try client.call(request).object()
            guard let new = summary["execution_id"]?.string else {
                throw CommandFailure("the daemon has not said which execution this is")
            }
            guard let interrupts else {
                if viewing.json {
                    Terminal.print(json: JSONText(summary))
                } else {
                    Terminal.print(TerminalText.line(new))
                }
                return .success
            }
            let stream = try client.events(of: new, detail: viewing.streamDetail)
            let source = DaemonEvents(stream, of: new, client: client)
            let follower = RunFollower(
                source: source, view: viewing.view(), interrupts: interrupts, onInterrupt: .cancel)
            return try follower.follow()
        }
    }

    /// The body of the request.
    private var order: JSONObject {
        get throws {
            var order: JSONObject = [:]
            if let from { order["from_node"] = JSONText(from) }
            let edits = try InitialState.read(nil, assignments: state, option: "--state")
            if !edits.isEmpty { order["state"] = JSONText(edits) }
            if let revision { order["revision"] = JSONText(revision) }
            return order
        }
    }
}
