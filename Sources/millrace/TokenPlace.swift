import ArgumentParser
import Auth
import Client
import Config
import Executions
import Glibc
import HTTP
import JSON
import Linux
import Server

/// Where tokens are: with a running daemon, or in a file.
protocol TokenPlace {
    /// - Returns: what is kept of the new token, and `token` itself.
    func create(_ order: TokenOrder) throws -> JSONObject
    func list() throws -> [JSONText]
    func revoke(_ id: String) throws
}

struct TokenPlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Work on this file, such as one that is handed to the daemon by LoadCredential=tokens:FILE; no daemon is asked.",
            valueName: "file"), completion: .file())
    var file: String?

    @OptionGroup var server: ServerOptions

    func validate() throws {
        if file != nil, server.server != nil { throw ValidationError("--file and --server cannot go together.") }
    }

    /// - Throws: where no daemon runs and its files cannot be used.
    func open(environment: [String: String] = ProcessEnvironment.current) throws -> any TokenPlace {
        if let file { return TokensInFile(TokenFile(path: file), lock: nil) }
        if server.server != nil || environment[ServerOptions.variable].map({ !$0.isEmpty }) ?? false {
            return TokensOfDaemon(client: try server.client(environment: environment))
        }
        let file = access(ConfigurationLoader.systemFile, R_OK) == 0 ? ConfigurationLoader.systemFile : nil
        let folder = try ConfigurationLoader.load(file: file, environment: environment).configuration.stateDirectory
        let socket = "unix:\(folder)/\(ServerOptions.stateSocketName)"
        if let address = ServerAddress(socket), (try? APIClient.firstReachable(among: [address])) != nil {
            return TokensOfDaemon(client: try ServerOptions.client(of: address, environment))
        }
        // No daemon: the lock is taken so that none starts in the middle.
        return TokensInFile(TokenFile(path: "\(folder)/\(TokenFile.name)"), lock: try StateLock(folder))
    }
}

/// The daemon changes its tokens itself.
struct TokensOfDaemon: TokenPlace {
    let client: APIClient

    func create(_ order: TokenOrder) throws -> JSONObject {
        let body: JSONObject = [
            "name": JSONText(order.name), "scopes": [JSONText(order.scope.name)],
            "graphs": order.graphs.map { JSONText(array: $0.map { JSONText($0) }) } ?? .null,
            "expires_at": order.expiresAtMicroseconds.map { JSONText(Timestamp.string(microseconds: $0)) } ?? .null,
        ]
        return try client.call(ClientRequest(.post, ["api", "tokens"], body: .json(JSONText(body)))).object()
    }

    func list() throws -> [JSONText] {
        try client.call(ClientRequest(.get, ["api", "tokens"])).object()["items"]?.array ?? []
    }

    func revoke(_ id: String) throws {
        _ = try client.call(ClientRequest(.delete, ["api", "tokens", id]))
    }
}

/// Nobody else uses the file.
final class TokensInFile: TokenPlace {
    private let file: TokenFile
    private let lock: StateLock?

    init(_ file: TokenFile, lock: consuming StateLock?) {
        self.file = file
        self.lock = lock
    }

    func create(_ order: TokenOrder) throws -> JSONObject {
        let now = SystemClock.wallMicroseconds()
        var list = try file.read()
        var generator = SystemRandomNumberGenerator()
        let made: (record: TokenRecord, secret: TokenSecret)
        do throws(TokenList.ChangeError) {
            made = try list.create(order, nowMicroseconds: now, using: &generator)
        } catch {
            throw CommandFailure("\(file.path) holds \(TokenList.usableMax) tokens already; revoke some of them first")
        }
        try file.write(list)
        var created = made.record.json(nowMicroseconds: now, isFixed: false)
        created["token"] = JSONText(made.secret.string)
        return created
    }

    func list() throws -> [JSONText] {
        let now = SystemClock.wallMicroseconds()
        return try file.read().records.map { JSONText($0.json(nowMicroseconds: now, isFixed: false)) }
    }

    func revoke(_ id: String) throws {
        var list = try file.read()
        do throws(TokenList.ChangeError) {
            _ = try list.revoke(id, nowMicroseconds: SystemClock.wallMicroseconds())
        } catch {
            throw CommandFailure("there is no token \(id) in \(file.path)")
        }
        try file.write(list)
    }
}
