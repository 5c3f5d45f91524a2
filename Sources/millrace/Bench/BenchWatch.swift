import ArgumentParser
import Glibc
import HTTP
import Linux
import Reactor

/// One execution and its watchers.
final class BenchWatch {
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
    private let untimedMicroseconds: Int64
    private var clients: [BenchConnection] = []
    private var watchers: [Watcher] = []
    private var stalled: [StalledReader] = []
    private var open: Int
    private var waiting: Int
    /// From when on events are timed, by the wall clock.
    private var measuredFrom = Int64.max
    private var timestamp = EventTimestamp()
    private(set) var report = BenchReport()
    private(set) var events = 0
    private(set) var failure: CommandFailure?

    /// - Parameter untimedMilliseconds: events are timed only so long after the last stream had begun.
    init(_ session: BenchSession, count: Int, untimedMilliseconds: Int64 = 0) {
        self.session = session
        self.count = count
        untimedMicroseconds = untimedMilliseconds * 1000
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

    /// Has as many streams more that nobody reads, until `close`.
    func stall(_ request: [UInt8], count: Int) throws {
        for _ in 0..<count { stalled.append(try StalledReader(request, to: session.address)) }
    }

    /// Goes away from all streams.
    func close() {
        for client in clients { client.close() }
        stalled = []
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
        case .end(let status): fail(CommandFailure("the daemon answered \(status)"))
        case .failed(let cause): fail(cause)
        }
    }

    private func take(_ piece: UnsafeRawBufferPointer, _ watcher: Watcher) {
        let now = SystemClock.wallMicroseconds()
        if !watcher.hasBegun {
            watcher.hasBegun = true
            waiting -= 1
            if waiting == 0 { measuredFrom = now + untimedMicroseconds }
        }
        do {
            try watcher.parser.consume(piece) { item in
                guard case .event(let event) = item else { return }
                event.data.withUnsafeBytes { take(event: $0, watcher, at: now) }
            }
        } catch {
            fail(CommandFailure("an event is larger than \(error.bytesMax) bytes"))
        }
    }

    private func take(event: UnsafeRawBufferPointer, _ watcher: Watcher, at now: Int64) {
        events += 1
        watcher.bytes += event.count
        for byte in event { watcher.digest = (watcher.digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
        guard let sent = timestamp.microseconds(in: event), sent >= measuredFrom else { return }
        report.record(nanoseconds: (now - sent) * 1000)
    }

    private func fail(_ cause: CommandFailure) {
        failure = failure ?? cause
        session.reactor.stop()
    }
}

/// A client that asks for a stream and reads nothing of it, with as little room as the system lets it have.
private final class StalledReader {
    private let descriptor: Descriptor

    init(_ request: [UInt8], to address: SocketAddress) throws {
        descriptor = try Socket.connect(to: address)
        try descriptor.setReceiveBuffer(bytes: 1)
        _ = try request.withUnsafeBytes { try descriptor.send($0) }
    }
}
