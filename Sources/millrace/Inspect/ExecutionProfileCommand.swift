import ArgumentParser
import Client
import HTTP
import JSON

struct ExecutionProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Show where the time of an execution went.",
        prose: """
            A chart with a row for each node: when it waited for a place, ran, and waited for its next attempt. The critical
            path is marked: the nodes whose time is the time of the whole, each with the one that it waited for before it.
            Only a shorter node on that path makes the execution shorter.

              millrace execution profile 01930b1c-7d2e-7cc3-98c4-dc0c0c07398f
              millrace execution profile "$id" --json | jq .bottleneck
              watch -n1 millrace execution profile "$id"

            An execution that goes on is told as far as it has come.
            """)

    /// Rows beyond which the shortest nodes are left out.
    private static let rowsMax = 100

    @OptionGroup var execution: ExecutionReference

    @Flag(help: "Show every node, however many there are.")
    var all = false

    @Flag(help: "Print JSON in one line.")
    var json = false

    @OptionGroup var server: ServerOptions

    func run() throws {
        try reportingFailures {
            let client = try server.client()
            let id = try execution.resolve(client)
            let profile = try client.call(ClientRequest(.get, ["api", "executions", id, "profile"])).object()
            if json {
                try Terminal.print(json: JSONText(profile))
                return .success
            }
            let isTerminal = Terminal.isInteractive
            let columns = isTerminal ? Terminal.size.columns : Self.plainColumns
            let chart = ProfileChart(
                profile: profile, columns: columns, isPlain: !isTerminal, rowsMax: all ? .max : Self.rowsMax)
            let usesColor = isTerminal && Terminal.wantsColor(environment: ProcessEnvironment.current)
            for line in chart.lines { try Terminal.print(line.rendered(usesColor: usesColor)) }
            return .success
        }
    }

    private static let plainColumns = 100
}

struct GraphProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Show how long a graph's nodes take, and what got slower.",
        prose: """
            Medians and 95th percentiles over the last finished executions. A node counts as slower if the median of the
            recent third of its runs is at least 1.25 times that of the runs before.

              millrace graph profile triage --last 100
              millrace graph profile triage --json | jq '.slower[].node_id'
            """)

    @Argument(help: "The graph's id.", completion: Completions.graphs)
    var id: String

    @Option(help: ArgumentHelp("How many executions to look at.", valueName: "1-500"))
    var last = 50

    @Flag(help: "Print JSON in one line.")
    var json = false

    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard 1...500 ~= last else { throw ValidationError("--last takes a number from 1 to 500.") }
    }

    func run() throws {
        try reportingFailures {
            let request = ClientRequest(.get, ["api", "graphs", id, "profile"], query: [("last", String(last))])
            let profile = try server.client().call(request).object()
            if json {
                try Terminal.print(json: JSONText(profile))
            } else {
                try Self.table(profile).print()
                for line in Self.slower(profile) { try Terminal.print(line) }
            }
            return .success
        }
    }

    static func table(_ profile: JSONObject) -> TextTable {
        var table = TextTable(["NODE", "KIND", "RUNS", "ERRORS", "RUN P50", "P95", "QUEUE P50", "P95", "CHANGE"])
        for node in profile["nodes"]?.array ?? [] {
            let times = ["run_p50_ms", "run_p95_ms", "queue_p50_ms", "queue_p95_ms"].map {
                ReadableText.duration(node[JSONKey($0)])
            }
            let change = node["change"]?.double.map {
                "\($0 >= 0 ? "+" : "")\(ReadableText.fixed($0 * 100, digits: 0)) %"
            }
            table.add(
                [
                    node["node_id"]?.string ?? "", node["node_kind"]?.string ?? "", node["runs"]?.description ?? "",
                    node["errors"]?.description ?? "",
                ] + times + [change ?? ""])
        }
        return table
    }

    static func slower(_ profile: JSONObject) -> [String] {
        let count = profile["executions"]?.int ?? 0
        let nodes = profile["slower"]?.array ?? []
        let words = nodes.map { node in
            let (before, now) = (node["earlier_run_p50_ms"], node["recent_run_p50_ms"])
            return TerminalText.line(
                "slower: \(node["node_id"]?.string ?? ""), \(ReadableText.duration(before)) → \(ReadableText.duration(now))"
            )
        }
        return ["", count == 1 ? "1 execution" : "\(count) executions"] + words
    }
}
