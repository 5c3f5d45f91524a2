import ArgumentParser
import Executions
import Glibc
import HTTP
import JSON
import Linux
import Reactor

struct BenchWatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Watch one execution with many streams, and time each event from its timestamp to its arrival.",
        discussion: """
            Must run on the daemon's host: the times are compared by the wall clock. The graph should run for a while and
            emit events steadily.

              millrace bench watch agents --watchers 1000
            """)

    @Argument(help: "The graph to execute.")
    var graph: String
    @Option(help: "Where the daemon listens: HOST:PORT or unix:PATH.")
    var address = "127.0.0.1:8080"
    @Option(help: "Streams at once.")
    var watchers = 1000
    @Option(help: "How much of the states the streams carry: full, update or none.")
    var state = "update"

    func run() throws {
        guard let address = SocketAddress(address) else {
            throw ValidationError("--address takes HOST:PORT or unix:PATH")
        }
        _ = try DescriptorLimit.raiseToMaximum()
        let reactor = try Reactor()
        let run = BenchWatch(reactor: reactor)
        let id = try run.start(benchRequest("POST", "/api/graphs/\(graph)/execute"), address)
        try run.watch(benchRequest("GET", "/api/executions/\(id)/events?state=\(state)"), address, count: watchers)
        try reactor.run()
        if let failure = run.failure { throw ValidationError(failure) }
        print("\(run.report.count) events to \(watchers) watchers of execution \(id)")
        print("event to arrival: \(run.report.line)")
        print("streams that differ: \(run.differing)")
    }
}

/// One execution and its watchers.
private final class BenchWatch {
    private let reactor: Reactor
    private var clients: [BenchConnection] = []
    private var open = 0
    private var lengths: [ObjectIdentifier: (parser: SSEParser, bytes: Int)] = [:]
    private(set) var report = BenchReport()
    private(set) var failure: String?

    init(reactor: Reactor) {
        self.reactor = reactor
    }

    /// Starts the execution; it goes on by itself.
    func start(_ request: [UInt8], _ address: SocketAddress) throws -> String {
        var body: [UInt8] = []
        let asked = Array(
            String(decoding: request, as: UTF8.self).replacing("\r\n\r\n", with: "\r\nPrefer: respond-async\r\n\r\n")
                .utf8)
        let client = try BenchConnection(to: address, on: reactor) { [self] _, progress in
            switch progress {
            case .body(let piece): body.append(contentsOf: piece)
            case .end(status: 202): reactor.stop()
            case .end(let status): fail("the daemon answered \(status)")
            case .failed(let message): fail(message)
            }
        }
        client.send(asked)
        try reactor.run()
        client.close()
        guard failure == nil, let id = try JSONText(parsing: body)["execution_id"]?.string else {
            throw ValidationError(failure ?? "the daemon's answer names no execution")
        }
        return id
    }

    func watch(_ request: [UInt8], _ address: SocketAddress, count: Int) throws {
        open = count
        for _ in 0..<count {
            let client = try BenchConnection(to: address, on: reactor) { [self] connection, progress in
                took(progress, connection)
            }
            lengths[ObjectIdentifier(client)] = (SSEParser(), 0)
            clients.append(client)
            client.send(request)
        }
    }

    /// Streams whose events were not as long as those of most.
    var differing: Int {
        let sizes = lengths.values.map(\.bytes)
        return sizes.filter { $0 != sizes.first }.count
    }

    private func took(_ progress: BenchConnection.Progress, _ connection: BenchConnection) {
        switch progress {
        case .body(let piece): takeEvents(piece, connection)
        case .end(status: 200), .end(status: 204):
            open -= 1
            if open == 0 { reactor.stop() }
        case .end(let status): fail("the daemon answered \(status)")
        case .failed(let message): fail(message)
        }
    }

    private func takeEvents(_ piece: UnsafeRawBufferPointer, _ connection: BenchConnection) {
        let now = SystemClock.wallMicroseconds()
        let key = ObjectIdentifier(connection)
        guard var (parser, bytes) = lengths[key] else { return }
        do {
            try parser.consume(piece) { item in
                guard case .event(let event) = item else { return }
                bytes += event.data.count
                let stamp = JSONText(trusted: event.data)["timestamp"]?.string
                guard let sent = stamp.flatMap(Timestamp.microseconds) else { return }
                report.record(nanoseconds: (now - sent) * 1000)
            }
        } catch {
            fail("an event is larger than \(error.bytesMax) bytes")
        }
        lengths[key] = (parser, bytes)
    }

    private func fail(_ message: String) {
        failure = failure ?? message
        reactor.stop()
    }
}
