import ArgumentParser
import Auth
import Client
import Config
import Glibc

/// Where the daemon is that a command works through.
struct ServerOptions: ParsableArguments {
    static let variable = "MILLRACE_SERVER"
    static let tokenVariable = "MILLRACE_TOKEN"
    /// The daemon's own socket in its state folder.
    static let stateSocketName = "millrace.sock"
    private static let fallback = "http://127.0.0.1:8080"

    @Option(
        help: ArgumentHelp(
            "The daemon (default: $\(variable), else the one of the state folder, else \(fallback)).",
            valueName: "URL|HOST:PORT|unix:PATH"))
    var server: String?

    /// A client for the daemon.
    /// - Throws: where more than one place is possible, `unreachable` if there is a daemon at none of them.
    func client(
        interrupt: Int32? = nil, environment: [String: String] = ProcessEnvironment.current
    ) throws -> APIClient {
        let candidates = try Self.candidates(server, environment)
        let address = candidates.count == 1 ? candidates[0] : try APIClient.firstReachable(among: candidates)
        return try Self.client(of: address, interrupt: interrupt, environment)
    }

    /// A client for what is asked by the way, of a daemon that answers in no time.
    static func quietClient(_ environment: [String: String], timeoutMilliseconds: Int) throws -> APIClient {
        let address = try APIClient.firstReachable(among: candidates(nil, environment))
        var client = try client(of: address, environment, warns: false)
        client.timeoutMilliseconds = timeoutMilliseconds
        return client
    }

    /// A client that shows what this user has to show there: a token, and to the socket in a state folder the key beside it.
    static func client(
        of address: ServerAddress, interrupt: Int32? = nil, _ environment: [String: String], warns: Bool = true
    ) throws(CommandFailure) -> APIClient {
        let (scheme, name) = ("unix:", "/\(stateSocketName)")
        let token = try token(environment)
        if warns, token != nil, address.isExposed {
            Terminal.complain("millrace: warning: the token goes to \(address) without TLS, readable on its way")
        }
        guard address.description.hasPrefix(scheme), address.description.hasSuffix(name) else {
            return APIClient(address, token: token, interruptDescriptor: interrupt)
        }
        let folder = String(address.description.dropFirst(scheme.count).dropLast(name.count))
        return APIClient(address, token: token, interruptDescriptor: interrupt) {
            AdministratorKey.read(in: folder).map { (AdministratorKey.fieldName, $0) }
        }
    }

    /// The places where the daemon may be, the likeliest first.
    static func candidates(_ flag: String?, _ environment: [String: String]) throws(CommandFailure) -> [ServerAddress] {
        if let flag { return [try address(flag, from: "--server")] }
        if let text = environment[variable], !text.isEmpty { return [try address(text, from: variable)] }
        return [stateSocket(environment), fallback].compactMap { $0 }.compactMap { ServerAddress($0) }
    }

    /// The socket that a daemon with the same configuration listens on for the commands of its user.
    private static func stateSocket(_ environment: [String: String]) -> String? {
        let file = access(ConfigurationLoader.systemFile, R_OK) == 0 ? ConfigurationLoader.systemFile : nil
        guard let loaded = try? ConfigurationLoader.load(file: file, environment: environment) else { return nil }
        return "unix:\(loaded.configuration.stateDirectory)/\(stateSocketName)"
    }

    private static func address(_ text: String, from place: String) throws(CommandFailure) -> ServerAddress {
        if let address = ServerAddress(text) { return address }
        throw CommandFailure(
            "\(place): \(text) is no address; write https://HOST/PATH, http://HOST:PORT, HOST:PORT or unix:PATH",
            status: .usage)
    }

    static func token(_ environment: [String: String]) throws(CommandFailure) -> String? {
        guard let token = environment[tokenVariable], !token.isEmpty else { return nil }
        guard APIClient.isValidToken(token) else {
            throw CommandFailure(
                "\(tokenVariable): a token is of visible ASCII characters, without spaces", status: .usage)
        }
        return token
    }
}
