import ArgumentParser
import Client
import HTTP
import JSON

struct ExecutionCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare two runs of a graph, node by node.",
        prose: """
            A row for each node: how it ended in both, how long it took, and whether its update is another one. Below it, where
            the two part first. What differs in a node, and in the final states, stands in the JSON as patches (RFC 6902).

              millrace execution compare 98c4dc0c 73981f02
              millrace execution compare "$good" "$bad" --json | jq .parts_at
              millrace execution diff "$bad" --against "$good"
            """)

    @Argument(
        help: ArgumentHelp("The id of the one, or a part of it.", valueName: "first"),
        completion: Completions.executions)
    var first: String

    @Argument(
        help: ArgumentHelp("The id of the other, or a part of it.", valueName: "second"),
        completion: Completions.executions)
    var second: String

    @Flag(help: "Print JSON in one line.")
    var json = false

    @OptionGroup var server: ServerOptions

    func run() throws {
        try reportingFailures {
            let client = try server.client()
            let ids = [first, second]
            let whole = try ids.map { try ExecutionReference.resolve($0, client) }
            let path = ["api", "executions", whole[0], "compare", whole[1]]
            let comparison = try client.call(ClientRequest(.get, path)).object()
            if json {
                try Terminal.print(json: JSONText(comparison))
                return .success
            }
            try Self.table(comparison).print()
            try Terminal.print("")
            try Terminal.print(Self.words(comparison))
            return .success
        }
    }

    static func table(_ comparison: JSONObject) -> TextTable {
        var table = TextTable(["NODE", "FIRST", "TIME", "SECOND", "TIME", "UPDATE"])
        for node in comparison["nodes"]?.array ?? [] {
            let sides = ["first", "second"].flatMap { side -> [String] in
                guard let run = node[JSONKey(side)], let status = run["status"]?.string else { return ["-", ""] }
                return [status, status == "skipped" ? "" : ReadableText.duration(run["duration_ms"])]
            }
            let diff = node["diff"]?.array.map { $0.isEmpty ? "same" : "differs" } ?? ""
            table.add([TerminalText.line(node["node_id"]?.string ?? "")] + sides + [diff])
        }
        return table
    }

    static func words(_ comparison: JSONObject) -> String {
        guard let place = comparison["parts_at"], let what = place["what"]?.string else {
            return "Nothing differs but the time."
        }
        guard let id = place["node_id"]?.string else { return "They began with different states." }
        let node = TerminalText.line(id)
        return switch what {
        case "status": "They part at \(node): it ended otherwise."
        case "error": "They part at \(node): it failed otherwise."
        case "graph": "They part at \(node): only one of the revisions has it."
        default: "They part at \(node): its update is another one."
        }
    }
}
