import ArgumentParser
import Client
import Executions
import HTTP
import JSON

struct ExecutionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "execution", abstract: "Look into, run again, cancel, resume and delete the daemon's executions.",
        prose: """
              millrace execution list --status running
              millrace execution profile 01930b1c-7d2e-7cc3-98c4-dc0c0c07398f
              millrace execution diff 01930b1c-7d2e-7cc3-98c4-dc0c0c07398f
              millrace execution cancel 01930b1c-7d2e-7cc3-98c4-dc0c0c07398f

            `millrace watch` shows what an execution did, or does. \(CommandStatus.help)
            """,
        subcommands: [
            ExecutionListCommand.self, ExecutionShowCommand.self, ExecutionProfileCommand.self,
            ExecutionCompareCommand.self,
            ExecutionDiffCommand.self, ExecutionRerunCommand.self, ExecutionCancelCommand.self,
            ExecutionResumeCommand.self, ExecutionDeleteCommand.self,
        ])
}

struct ExecutionListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List executions, the newest first.",
        prose: """
              millrace execution list --graph triage --status error --limit 10
              millrace execution list --json | jq -r '.items[].execution_id'

            Times are in UTC.
            """)

    @Option(help: ArgumentHelp("Those of one graph.", valueName: "id"), completion: Completions.graphs)
    var graph: String?

    @Option(help: "Those of one status: queued, running, held, success, error, cancelled or failed.")
    var status: ExecutionStatus?

    @Option(help: "How many at most.")
    var limit = 50

    @Flag(help: "Print JSON: {\"items\": […]}.")
    var json = false

    @OptionGroup var server: ServerOptions

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }

    func run() throws {
        try reportingFailures {
            var query: [(name: String, value: String)] = []
            if let graph { query.append(("graph_id", graph)) }
            if let status { query.append(("status", status.rawValue)) }
            let items = try server.client().pages(["api", "executions"], query: query, limit: limit)
            if json {
                try Terminal.print(json: JSONText(["items": JSONText(array: items)] as JSONObject))
            } else {
                try Self.table(items).print()
            }
            return .success
        }
    }

    static func table(_ items: [JSONText]) -> TextTable {
        var table = TextTable(["EXECUTION", "GRAPH", "STATUS", "CREATED", "DURATION", "FAILED"])
        for item in items {
            let failed = item["failed_nodes"]?.array?.compactMap(\.string) ?? []
            table.add([
                item["execution_id"]?.string ?? "", item["graph_id"]?.string ?? "", item["status"]?.string ?? "",
                ReadableText.time(item["created_at"]), ReadableText.duration(item["duration_ms"]),
                failed.joined(separator: ", "),
            ])
        }
        return table
    }
}

extension ExecutionStatus: ExpressibleByArgument {}

struct ExecutionShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what is known of an execution.",
        prose: "  millrace execution show 01930b1c-7d2e-7cc3-98c4-dc0c0c07398f --json")

    @OptionGroup var execution: ExecutionReference

    @Flag(help: "Print JSON in one line.")
    var json = false

    @OptionGroup var server: ServerOptions

    func run() throws {
        try reportingFailures {
            let client = try server.client()
            let id = try execution.resolve(client)
            let summary = try client.call(ClientRequest(.get, ["api", "executions", id])).object()
            if json {
                try Terminal.print(json: JSONText(summary))
            } else {
                for line in Self.lines(summary) { try Terminal.print(line) }
            }
            return .success
        }
    }

    /// A line for each member that says something.
    static func lines(_ summary: JSONObject) -> [String] {
        let rows = summary.filter { !$0.value.isNull && $0.value != .emptyArray }.map {
            key, value -> (String, String) in
            let name = TerminalText.line(key.string)
            if name == "duration_ms" { return ("duration", ReadableText.duration(value)) }
            let list = value.array?.map { $0.string ?? $0.description }.joined(separator: ", ")
            return (String(name.map { $0 == "_" ? " " : $0 }), list ?? value.string ?? value.description)
        }
        let columns = rows.map { TerminalText.width($0.0) }.max() ?? 0
        return rows.map { TerminalText.padded($0.0, columns: columns) + "  " + TerminalText.line($0.1) }
    }
}

struct ExecutionCancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancel executions.",
        prose: #"""
            Once it returns, no further node is started; nodes that run are ended within two seconds. It is an error if an
            execution has ended already; the others are cancelled all the same.

              millrace execution list --status running --json \
                | jq -r '.items[].execution_id' | xargs millrace execution cancel
            """#)

    @Argument(help: "The executions' ids, or parts of them.", completion: Completions.executions)
    var ids: [String]

    @OptionGroup var server: ServerOptions

    func run() throws {
        try reportingFailures {
            let client = try server.client()
            return try EachOf(ids: ids, outcome: "cancelled").run { id in
                _ = try client.cancel(try ExecutionReference.resolve(id, client))
            }
        }
    }
}
