import ArgumentParser
import Client
import HTTP
import JSON
import Linux
import Reactor

/// What all load generators share: where the daemon is, and single requests before and after what is measured.
struct BenchOptions: ParsableArguments {
    @Option(
        name: [.long, .customLong("address")],
        help: ArgumentHelp(
            "The daemon, at an address of its own (default: as for all commands). $\(ServerOptions.tokenVariable) is the "
                + "token for it, if it asks for one.",
            valueName: "HOST:PORT|unix:PATH"))
    var server: String?

    /// - Throws: `unreachable` if there is no daemon.
    func session() throws -> BenchSession {
        let environment = ProcessEnvironment.current
        let address = try APIClient.firstReachable(among: ServerOptions.candidates(server, environment))
        guard !address.isSecure else {
            throw CommandFailure("a daemon is measured without TLS: name its own address with --server", status: .usage)
        }
        _ = try DescriptorLimit.raiseToMaximum()
        return BenchSession(
            address: try APIClient.reachableSocketAddress(of: address), reactor: try Reactor(),
            client: try ServerOptions.client(of: address, environment))
    }
}

struct BenchSession {
    let address: SocketAddress
    let reactor: Reactor
    /// For what is not measured.
    let client: APIClient

    /// - Throws: what the daemon says of a graph that it does not have.
    func requireGraph(_ id: String) throws {
        _ = try client.call(ClientRequest(.get, ["api", "graphs", id]))
    }

    /// The bytes of a request on a connection that is kept.
    func request(_ method: String, _ target: String, body: [UInt8] = [], headers: [String] = []) -> [UInt8] {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: localhost"] + headers
        if let token = client.token { lines.append("Authorization: Bearer \(token)") }
        if let credential = client.credential() { lines.append("\(credential.name): \(credential.value)") }
        if method != "GET" { lines.append("Content-Length: \(body.count)") }
        if !body.isEmpty { lines.append("Content-Type: application/json") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }

    /// Sends one request and turns the reactor until the answer is whole.
    /// - Throws: unless it is a success.
    @discardableResult
    func call(_ request: [UInt8]) throws -> [UInt8] {
        try exchange(request).body
    }

    /// The same, with the time from the request to the last byte.
    func exchange(_ request: [UInt8]) throws -> (body: [UInt8], nanoseconds: Int64) {
        var body: [UInt8] = []
        var nanoseconds: Int64 = 0
        var failure: CommandFailure?
        let client = try BenchConnection(to: address, on: reactor) { [reactor] connection, progress in
            switch progress {
            case .body(let piece): body.append(contentsOf: piece)
            case .end(200..<300):
                nanoseconds = SystemClock.monotonicNanoseconds() - connection.sentAtNanoseconds
                reactor.stop()
            case .end(let status):
                failure = CommandFailure(
                    "the daemon answered \(status): \(String(decoding: body.prefix(500), as: UTF8.self))")
                reactor.stop()
            case .failed(let cause):
                failure = cause
                reactor.stop()
            }
        }
        client.send(request)
        try reactor.run()
        client.close()
        if let failure { throw failure }
        return (body, nanoseconds)
    }

    /// Stores a graph that only this program uses.
    func store(_ document: JSONText, as id: String) throws {
        try call(request("PUT", "/api/graphs/\(id)", body: document.bytes))
    }

    func delete(_ id: String) throws {
        try call(request("DELETE", "/api/graphs/\(id)"))
    }

    /// Starts an execution, which goes on by itself.
    func start(_ graphID: String) throws -> String {
        let answer = try call(
            request("POST", "/api/graphs/\(graphID)/execute", headers: ["Prefer: respond-async"]))
        guard let id = try JSONText(parsing: answer)["execution_id"]?.string else {
            throw CommandFailure("the daemon's answer names no execution")
        }
        return id
    }
}
