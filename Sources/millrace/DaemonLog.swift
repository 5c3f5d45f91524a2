// The daemon's own log, on stderr: entries with fields where stderr is the journal's, else lines. They are formatted where
// they arise and gather in a buffer that one thread writes out, so that a reader of stderr who stalls holds up no execution;
// what does not fit is counted and said.

import Config
import Executions
import Glibc
import Graphs
import JSON
import Linux
import Server
import Synchronization
import Systemd

final class DaemonLog: RunObserver, Sendable {
    /// Lines that wait for stderr to take them.
    private static let bufferBytesMax = 8 << 20

    /// How long lines gather before they are written.
    private static let gatherMilliseconds = 10

    fileprivate struct Guarded: ~Copyable {
        var line: LogLine
        /// What has gathered in formats that were in force before.
        var earlier: [(lines: [UInt8], LogRendering)] = []
        var earlierBytes = 0
        var dropped = 0
        var isStopped = false

        var isEmpty: Bool { line.count == 0 && earlierBytes == 0 }

        /// Counts lines that there is no room for.
        mutating func hasRoom(for lines: Int) -> Bool {
            guard line.count + earlierBytes > DaemonLog.bufferBytesMax else { return true }
            dropped += lines
            return false
        }
    }

    private let severityMin: Atomic<Int>
    private let guarded: Mutex<Guarded>
    private let wakeup = Semaphore()
    private let thread = Mutex<SpawnedThread?>(nil)

    init(level: LogLevel, format: LogFormat) {
        severityMin = Atomic(level.severity)
        guarded = Mutex(Guarded(line: LogLine(Self.rendering(format))))
    }

    private static func rendering(_ format: LogFormat) -> LogRendering {
        switch format {
        case .json: .json
        case .text:
            Journal.isConnected(to: 2, variable: ProcessEnvironment.current["JOURNAL_STREAM"]) ? .journal : .text
        }
    }

    /// What is less severe is not logged from now on.
    func change(leastSevere level: LogLevel) {
        severityMin.store(level.severity, ordering: .relaxed)
    }

    /// Messages look like this from now on.
    func change(format: LogFormat) {
        let rendering = Self.rendering(format)
        guarded.withLock { $0.change(rendering) }
    }

    func start() throws(SystemError) {
        let thread = try spawnThread(name: "log", scheduling: .gathering) { self.run() }
        self.thread.withLock { $0 = thread }
    }

    /// Writes out what has gathered.
    func stop() {
        guarded.withLock { $0.isStopped = true }
        wakeup.signal()
        thread.withLock { $0.take() }?.join()
    }

    func log(
        _ level: LogLevel, _ message: LogMessage, _ fields: KeyValuePairs<StaticString, String> = [:],
        file: StaticString = #fileID, line: UInt = #line, function: StaticString = #function
    ) {
        guard isEnabled(level) else { return }
        let place = LogPlace(file: file, line: line, function: function)
        write(level, at: SystemClock.wallMicroseconds(), message, place) { line in
            for (name, value) in fields { line.field(name, value) }
        }
    }

    /// A change that a client has asked for.
    func audit(_ entry: AuditEntry) {
        guard isEnabled(.notice) else { return }
        write(.notice, at: SystemClock.wallMicroseconds(), .audit, .here()) { line in
            line.field("action", "\(entry.action)")
            line.field("subject", entry.subject)
            line.field("status", entry.status)
            line.field("by", entry.holder)
            if let name = entry.name { line.field("name", name) }
            line.field("address", entry.address)
            if let execution = entry.execution { line.field("execution_id", execution) }
        }
    }

    func executionEmitted(_ events: borrowing ObservedEvents, in log: EventLog) {
        let severityMin = severityMin.load(ordering: .relaxed)
        let mustWake = guarded.withLock { guarded in
            guard guarded.hasRoom(for: events.all.count) else { return false }
            let wasEmpty = guarded.isEmpty
            guarded.line.write(events, of: log, severityMin)
            return wasEmpty && !guarded.isEmpty
        }
        if mustWake { wakeup.signal() }
    }

    private func isEnabled(_ level: LogLevel) -> Bool {
        level.severity >= severityMin.load(ordering: .relaxed)
    }

    /// Formats a line straight into the buffer.
    private func write(
        _ level: LogLevel, at microseconds: Int64, _ message: LogMessage, _ place: LogPlace,
        _ body: (inout LogLine) -> Void
    ) {
        let mustWake = guarded.withLock { guarded in
            guard guarded.hasRoom(for: 1) else { return false }
            let wasEmpty = guarded.isEmpty
            guarded.line.begin(level, microseconds, message, place)
            body(&guarded.line)
            guarded.line.finish()
            return wasEmpty
        }
        if mustWake { wakeup.signal() }
    }

    private func run() {
        while true {
            wakeup.wait()
            // A busy daemon logs in bursts: what comes within this time is written together.
            wakeup.wait(atMostMilliseconds: Self.gatherMilliseconds, unless: { guarded.withLock { $0.isStopped } })
            let (batches, dropped, isStopped) = guarded.withLock { guarded in
                defer { guarded.dropped = 0 }
                return (guarded.takeAll(), guarded.dropped, guarded.isStopped)
            }
            for (lines, rendering) in batches { lines.withUnsafeBytes(rendering == .journal ? sendAll : writeAll) }
            if dropped > 0 {
                log(.warning, "log lines were dropped because stderr was not read", ["count": "\(dropped)"])
            }
            if isStopped { return }
        }
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(2, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// An entry that the journal does not take is lost, as a line would be that nobody reads.
    private func sendAll(_ bytes: UnsafeRawBufferPointer) {
        LogLine.forEachEntry(of: bytes) { try? Journal.send($0) }
    }
}

extension DaemonLog.Guarded {
    fileprivate mutating func change(_ rendering: LogRendering) {
        guard rendering != line.rendering else { return }
        earlier = takeAll()
        earlierBytes = earlier.reduce(0) { $0 + $1.lines.count }
        line = LogLine(rendering)
    }

    /// In the order in which they arose.
    fileprivate mutating func takeAll() -> [(lines: [UInt8], LogRendering)] {
        defer {
            earlier = []
            earlierBytes = 0
        }
        return line.count == 0 ? earlier : earlier + [(line.take(), line.rendering)]
    }
}
