import ArgumentParser
import Client
import HTTP
import JSON

struct ExecutionDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show what nodes changed in the state, or how two executions differ.",
        prose: """
            For one node, or for all that ran in topological order: + added, ~ changed, - removed. With --json it prints
            JSON Patches (RFC 6902), of a single node just its patch.

              millrace execution diff 01930b1c-7d2e-7cc3-98c4-dc0c0c07398f
              millrace execution diff "$id" classify --json
              millrace execution diff "$id" --against "$other"

            --against compares final states, or the states behind one node: what would have to be done to the other
            execution's state to make it this one's.
            """)

    @Argument(
        help: ArgumentHelp("The execution's id, or a part of it.", valueName: "execution"),
        completion: Completions.executions)
    var id: String

    @Argument(help: "A node's id.")
    var node: String?

    @Option(help: ArgumentHelp("Another execution.", valueName: "execution"), completion: Completions.executions)
    var against: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var server: ServerOptions

    func run() throws {
        try reportingFailures {
            let client = try server.client()
            let id = try ExecutionReference.resolve(id, client)
            if let against {
                try compare(id, with: try ExecutionReference.resolve(against, client), client)
            } else if let node {
                let seen = try Self.inspect(id, node, client)
                if json {
                    try Terminal.print(json: seen["diff"] ?? .null)
                } else {
                    try show(seen)
                }
            } else {
                try showAll(id, client)
            }
            return .success
        }
    }

    private static func inspect(_ id: String, _ node: String, _ client: APIClient) throws(ClientError) -> JSONObject {
        try client.call(ClientRequest(.get, ["api", "executions", id, "nodes", node])).object()
    }

    /// In topological order, those that ended.
    private func showAll(_ id: String, _ client: APIClient) throws {
        let profile = try client.call(ClientRequest(.get, ["api", "executions", id, "profile"])).object()
        var patches: [JSONText] = []
        for node in profile["nodes"]?.array ?? [] {
            let status = node["status"]?.string ?? ""
            guard !["pending", "running", "interrupted"].contains(status), let nodeID = node["node_id"]?.string else {
                continue
            }
            // Of a skipped node nothing is to be had that this does not say.
            if status == "skipped", !json {
                try print("\(nodeID)  skipped", .dim)
                continue
            }
            let seen = try Self.inspect(id, nodeID, client)
            if json {
                patches.append([
                    "node_id": JSONText(nodeID), "status": seen["status"] ?? .null, "diff": seen["diff"] ?? .null,
                ])
            } else {
                try show(seen)
            }
        }
        guard json else { return }
        let isFinal = profile["is_final"] ?? .null
        try Terminal.print(
            json: ["execution_id": JSONText(id), "is_final": isFinal, "nodes": JSONText(array: patches)])
    }

    private func show(_ seen: JSONObject) throws(OutputFailure) {
        let status = seen["status"]?.string ?? ""
        let style: StyledLine.Style = status == "error" ? .red : .dim
        var line = StyledLine(seen["node_id"]?.string ?? "", .bold)
        line.append("  \(status)", style)
        let lines = seen["diff"].map { StateDiff(patch: $0, old: seen["input_state"] ?? .emptyObject).lines } ?? []
        if lines.isEmpty { line.append("  changed nothing", .dim) }
        for line in [line] + lines { try print(line) }
    }

    private func compare(_ id: String, with other: String, _ client: APIClient) throws {
        let (new, old) = (try state(of: id, client), try state(of: other, client))
        let patch = JSONPatch.diff(from: old.object ?? [:], to: new.object ?? [:], whole: [])
        if json { return try Terminal.print(json: patch) }
        let lines = StateDiff(patch: patch, old: old).lines
        if lines.isEmpty { try print("no difference", .dim) }
        for line in lines { try print(line) }
    }

    /// The state behind the node, or the final one.
    private func state(of id: String, _ client: APIClient) throws -> JSONText {
        if let node {
            let state = try Self.inspect(id, node, client)["output_state"] ?? .null
            guard !state.isNull else { throw CommandFailure("node \(node) of execution \(id) has not ended") }
            return state
        }
        let summary = try client.call(ClientRequest(.get, ["api", "executions", id])).object()
        let lastSeq = summary["last_seq"]?.int ?? 0
        let request = ClientRequest(
            .get, ["api", "executions", id, "events"],
            query: [("after", String(max(lastSeq - 1, 0))), ("state", StreamDetail.update.rawValue)])
        let last = try client.call(request).json().array?.last
        guard let state = last?["final_state"] else {
            throw CommandFailure(
                "execution \(id) is \(summary["status"]?.string ?? "unknown"), and has no final state; name a node")
        }
        return state
    }

    private func print(_ text: String, _ style: StyledLine.Style) throws(OutputFailure) {
        try print(StyledLine(text, style))
    }

    private func print(_ line: StyledLine) throws(OutputFailure) {
        let usesColor = Terminal.isInteractive && Terminal.wantsColor(environment: ProcessEnvironment.current)
        try Terminal.print(line.rendered(usesColor: usesColor))
    }
}
