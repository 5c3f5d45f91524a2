import ArgumentParser
import Auth
import Client
import Executions
import HTTP
import JSON
import Linux

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make, list and revoke the tokens that let clients in.",
        prose: """
            Without any token, the daemon serves loopback and unix sockets only, and everybody there may do everything. As
            soon as there is one, nobody enters without: programs send `Authorization: Bearer TOKEN`, these commands take
            $MILLRACE_TOKEN. The daemon's own user needs none on the socket in the state folder.

              millrace token create --name ci --scope run --graph triage --expires 90d
              millrace token list
              millrace token revoke k3V9x2M1qA

            Works through the running daemon, or on the file tokens.json in its state folder when none runs.
            \(CommandStatus.help)
            """,
        subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

struct TokenCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a token, and show it once.",
        prose: """
            Scopes, each including those before it: read (look), run (start, cancel, rerun, delete executions), edit (change
            graphs, which is as powerful as a shell where kinds of nodes that run code are enabled), admin (tokens).
            The token alone goes to stdout; it is not kept and cannot be shown again.

              TOKEN=$(millrace token create --name ci --scope run --expires 90d)
              curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/graphs
            """)

    @Option(help: "What it is for: shown in lists and in the log.")
    var name = ""

    @Option(
        name: [.customLong("scope"), .customLong("scopes")],
        help: "read, run, edit or admin; of several, the largest counts.",
        completion: .list(Scope.allCases.map(\.name)))
    var scope: [String]

    @Option(
        help: ArgumentHelp("Only for this graph and its executions; may be given several times.", valueName: "id"),
        completion: Completions.graphs)
    var graph: [String] = []

    @Option(
        help: ArgumentHelp(
            "When it ends: after a time such as 12h or 90d, or at one such as 2030-01-31T00:00:00Z.",
            valueName: "time"))
    var expires: String?

    @Flag(help: "Print JSON: the token and what is kept of it.")
    var json = false

    @OptionGroup var place: TokenPlaceOptions

    func run() throws {
        try reportingFailures {
            // Whether its reader is there is to be known here, so that no token is in force that nobody has seen.
            Signals.ignore(.pipe)
            let order = try order(nowMicroseconds: SystemClock.wallMicroseconds())
            let place = try place.open()
            let created = try place.create(order)
            let id = created["id"]?.string ?? ""
            do throws(OutputFailure) {
                try show(created)
                try Terminal.closeOutput()
            } catch {
                throw Self.revoking(id, in: place, because: error)
            }
            if !json { Terminal.complain("token \(TerminalText.line(id)); keep it, it is not shown again") }
            return .success
        }
    }

    private func show(_ created: JSONObject) throws(OutputFailure) {
        if json {
            try Terminal.print(json: JSONText(created))
        } else {
            try Terminal.print(TerminalText.line(created["token"]?.string ?? ""))
        }
    }

    private static func revoking(
        _ id: String, in place: any TokenPlace, because cause: OutputFailure
    ) -> CommandFailure {
        do {
            try place.revoke(id)
            return CommandFailure("\(cause); nobody has seen token \(id), so it is revoked")
        } catch {
            return CommandFailure("\(cause); nobody has seen token \(id), and it cannot be revoked: \(error)")
        }
    }

    func order(nowMicroseconds now: Int64) throws -> TokenOrder {
        let words = scope.flatMap { $0.split(separator: ",") }
        let scopes = words.compactMap { Scope($0) }
        guard let largest = scopes.max(), scopes.count == words.count else {
            throw CommandFailure("--scope: must be read, run, edit or admin", status: .usage)
        }
        let expiry = try Self.expiry(expires, now)
        do throws(TokenOrder.Fault) {
            return try TokenOrder(
                name: name, scope: largest, graphs: graph.isEmpty ? nil : graph, expiresAtMicroseconds: expiry,
                nowMicroseconds: now)
        } catch {
            let option =
                ["name": "--name", "graphs": "--graph", "expires_at": "--expires"][error.member] ?? error.member
            throw CommandFailure("\(option): \(error.message)", status: .usage)
        }
    }

    private static let seconds: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800]

    /// A time of the form `90d`, or a timestamp.
    static func expiry(_ text: String?, _ now: Int64) throws(CommandFailure) -> Int64? {
        guard let text else { return nil }
        if let time = Timestamp.microseconds(text) { return time }
        let digits = text.dropLast()
        guard let unit = text.last.flatMap({ seconds[$0] }), !digits.isEmpty, digits.count <= 6,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int64(digits)
        else {
            throw CommandFailure(
                "--expires: must be a number with s, m, h, d or w, or a time such as 2030-01-31T00:00:00Z",
                status: .usage)
        }
        return now + count * unit * 1_000_000
    }
}

struct TokenListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the tokens, without their secrets.",
        prose: "  millrace token list --json | jq -r '.items[] | \"\\(.id) \\(.status)\"'")

    @Flag(help: "Print JSON: {\"items\": […]}.")
    var json = false

    @OptionGroup var place: TokenPlaceOptions

    func run() throws {
        try reportingFailures {
            let items = try place.open().list()
            if json {
                try Terminal.print(json: JSONText(["items": JSONText(array: items)] as JSONObject))
            } else {
                try Self.table(items).print()
            }
            return .success
        }
    }

    static func table(_ items: [JSONText]) -> TextTable {
        var table = TextTable(["ID", "NAME", "SCOPES", "GRAPHS", "STATUS", "CREATED", "EXPIRES"])
        for item in items {
            let graphs = item["graphs"]?.array?.compactMap(\.string).joined(separator: ", ")
            table.add([
                item["id"]?.string ?? "", item["name"]?.string ?? "",
                item["scopes"]?.array?.compactMap(\.string).joined(separator: ", ") ?? "", graphs ?? "all",
                item["status"]?.string ?? "", ReadableText.time(item["created_at"]),
                ReadableText.time(item["expires_at"]),
            ])
        }
        return table
    }
}

struct TokenRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "End tokens for good.",
        prose: """
            Once it returns, they are refused, the console's sessions that they opened have ended, and so have the streams
            that were watched with them.

              millrace token revoke k3V9x2M1qA
            """)

    @Argument(help: "The tokens' ids, as `millrace token list` shows them.")
    var ids: [String]

    @OptionGroup var place: TokenPlaceOptions

    func run() throws {
        try reportingFailures {
            let place = try place.open()
            return try EachOf(ids: ids, outcome: "revoked").run { id in try place.revoke(id) }
        }
    }
}
