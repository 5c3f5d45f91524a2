import ArgumentParser
import Glibc
import HTTP
import Linux
import Reactor

struct BenchWatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Watch one execution with many streams, and time each event from its timestamp to its arrival.",
        discussion: """
            Must run on the daemon's host: the times are compared by the wall clock. The graph should run for a while and
            emit events steadily. Events from before all streams were open are replayed to some, and not timed; the time
            contains the commit, since nothing is sent before it is stored, and the reading here of all streams one after
            the other.

              millrace bench watch agents --watchers 1000
            """)

    @Argument(help: "The graph to execute.")
    var graph: String
    @OptionGroup var options: BenchOptions
    @Option(help: "Streams at once.")
    var watchers = 1000
    @Option(help: "How much of the states the streams carry: full, update or none.")
    var state = "update"

    func validate() throws {
        guard watchers > 0 else { throw ValidationError("--watchers must be at least 1") }
    }

    func run() throws {
        let session = try options.session()
        let id = try session.start(graph)
        let run = BenchWatch(session, count: watchers)
        try run.watch(session.request("GET", "/api/executions/\(id)/events?state=\(state)"))
        if let failure = run.failure { throw ValidationError(failure) }
        print("\(run.events) events to \(watchers) watchers of execution \(id), \(run.report.count) of them timed")
        if run.report.count > 0 { print("event to arrival: \(run.report.line)") }
        print("streams that differ: \(run.differing)")
    }
}

/// One execution and its watchers.
private final class BenchWatch {
    /// One stream.
    private final class Watcher {
        var parser = SSEParser()
        var hasBegun = false
        var bytes = 0
        /// FNV-1a of what all events of the stream hold.
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    }

    private let session: BenchSession
    private let count: Int
    private var clients: [BenchConnection] = []
    private var watchers: [Watcher] = []
    private var open: Int
    private var waiting: Int
    /// When the last stream had begun, by the wall clock.
    private var measuredFrom = Int64.max
    private var timestamp = EventTimestamp()
    private(set) var report = BenchReport()
    private(set) var events = 0
    private(set) var failure: String?

    init(_ session: BenchSession, count: Int) {
        self.session = session
        self.count = count
        open = count
        waiting = count
    }

    /// Opens the streams and reads them to their ends.
    func watch(_ request: [UInt8]) throws {
        for _ in 0..<count {
            let watcher = Watcher()
            watchers.append(watcher)
            let client = try BenchConnection(to: session.address, on: session.reactor) { [self] _, progress in
                took(progress, watcher)
            }
            clients.append(client)
            client.send(request)
        }
        try session.reactor.run()
    }

    /// Streams whose events are not those of the first.
    var differing: Int {
        watchers.count { $0.bytes != watchers[0].bytes || $0.digest != watchers[0].digest }
    }

    private func took(_ progress: BenchConnection.Progress, _ watcher: Watcher) {
        switch progress {
        case .body(let piece): take(piece, watcher)
        case .end(status: 200), .end(status: 204):
            open -= 1
            if open == 0 { session.reactor.stop() }
        case .end(let status): fail("the daemon answered \(status)")
        case .failed(let message): fail(message)
        }
    }

    private func take(_ piece: UnsafeRawBufferPointer, _ watcher: Watcher) {
        let now = SystemClock.wallMicroseconds()
        if !watcher.hasBegun {
            watcher.hasBegun = true
            waiting -= 1
            if waiting == 0 { measuredFrom = now }
        }
        do {
            try watcher.parser.consume(piece) { item in
                guard case .event(let event) = item else { return }
                event.data.withUnsafeBytes { take(event: $0, watcher, at: now) }
            }
        } catch {
            fail("an event is larger than \(error.bytesMax) bytes")
        }
    }

    private func take(event: UnsafeRawBufferPointer, _ watcher: Watcher, at now: Int64) {
        events += 1
        watcher.bytes += event.count
        for byte in event { watcher.digest = (watcher.digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
        guard let sent = timestamp.microseconds(in: event), sent >= measuredFrom else { return }
        report.record(nanoseconds: (now - sent) * 1000)
    }

    private func fail(_ message: String) {
        failure = failure ?? message
        session.reactor.stop()
    }
}
