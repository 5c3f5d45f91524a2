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
        discussion: """
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
        discussion: """
            Scopes, each including those before it: read (look), run (start, cancel, rerun, delete executions), edit (change
            graphs, which is as powerful as a shell where kinds of nodes that run code are enabled), admin (tokens).
            The token alone goes to stdout; it is not kept and cannot be shown again.

              TOKEN=$(millrace token create --name ci --scope run --graph triage --expires 90d)
              curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/graphs
            """)

    @Option(help: "What it is for: shown in lists and in the log.")
    var name = ""

    @Option(
        name: [.customLong("scope"), .customLong("scopes")],
        help: "read, run, edit or admin; of several, the largest counts.")
    var scope: [String]

    @Option(help: ArgumentHelp("Only for this graph and its executions; may be given several times.", valueName: "id"))
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
            let created = try place.open().create(try order(nowMicroseconds: SystemClock.wallMicroseconds()))
            guard let token = created["token"]?.string else { throw CommandFailure("the daemon named no token") }
            if json {
                Terminal.print(json: JSONText(created))
            } else {
                let id = TerminalText.line(created["id"]?.string ?? "")
                Terminal.complain("token \(id); keep it, it is not shown again")
                Terminal.print(TerminalText.line(token))
            }
            return .success
        }
    }

    func order(nowMicroseconds now: Int64) throws -> TokenOrder {
        let words = scope.flatMap { $0.split(separator: ",") }
        let scopes = words.compactMap { Scope($0) }
        guard let largest = scopes.max(), scopes.count == words.count else {
            throw CommandFailure("--scope: must be read, run, edit or admin")
        }
        let expiry = try Self.expiry(expires, now)
        do throws(TokenOrder.Fault) {
            return try TokenOrder(
                name: name, scope: largest, graphs: graph.isEmpty ? nil : graph, expiresAtMicroseconds: expiry,
                nowMicroseconds: now)
        } catch {
            let option =
                ["name": "--name", "graphs": "--graph", "expires_at": "--expires"][error.member] ?? error.member
            throw CommandFailure("\(option): \(error.message)")
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
                "--expires: must be a number with s, m, h, d or w, or a time such as 2030-01-31T00:00:00Z")
        }
        return now + count * unit * 1_000_000
    }
}

struct TokenListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the tokens, without their secrets.",
        discussion: "  millrace token list --json | jq -r '.items[] | select(.status == \"active\") | .id'")

    @Flag(help: "Print JSON: {\"items\": […]}.")
    var json = false

    @OptionGroup var place: TokenPlaceOptions

    func run() throws {
        try reportingFailures {
            let items = try place.open().list()
            if json {
                Terminal.print(json: JSONText(["items": JSONText(array: items)] as JSONObject))
            } else {
                Self.table(items).print()
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
        discussion: """
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
            var status = CommandStatus.success
            for id in ids {
                do {
                    try place.revoke(id)
                    Terminal.print("\(TerminalText.line(id))  revoked")
                } catch let error as ClientError {
                    guard case .refused(let problem) = error else { throw error }
                    status = .error
                    Terminal.complain("millrace: \(TerminalText.line(problem.detail))")
                } catch let failure as CommandFailure {
                    status = .error
                    Terminal.complain("millrace: \(TerminalText.line(failure.description))")
                }
            }
            return status
        }
    }
}
