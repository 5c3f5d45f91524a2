// The daemon's own log, on stderr. Lines are formatted where they arise and gather in a buffer that one thread writes out, so
// that a reader of stderr who stalls holds up no execution; what does not fit is counted and said.

import Config
import Executions
import Glibc
import Graphs
import JSON
import Linux
import Synchronization

final class DaemonLog: RunObserver, Sendable {
    /// Lines that wait for stderr to take them.
    private static let bufferBytesMax = 8 << 20

    /// How long lines gather before they are written.
    private static let gatherMilliseconds = 10

    private struct Guarded: ~Copyable {
        var line: LogLine
        var dropped = 0
        var isStopped = false
    }

    private let severityMin: Atomic<Int>
    private let guarded: Mutex<Guarded>
    private let wakeup = Semaphore()
    private let thread = Mutex<SpawnedThread?>(nil)

    init(level: LogLevel, format: LogFormat) {
        severityMin = Atomic(Self.severity(level))
        guarded = Mutex(Guarded(line: LogLine(format)))
    }

    /// What is less severe is not logged from now on.
    func change(leastSevere level: LogLevel) {
        severityMin.store(Self.severity(level), ordering: .relaxed)
    }

    func start() throws(SystemError) {
        let thread = try spawnThread(name: "log") { self.run() }
        self.thread.withLock { $0 = thread }
    }

    /// Writes out what has gathered.
    func stop() {
        guarded.withLock { $0.isStopped = true }
        wakeup.signal()
        thread.withLock { $0.take() }?.join()
    }

    /// - Parameter message: a fixed phrase, so that lines can be searched for; what varies goes into the fields.
    func log(_ level: LogLevel, _ message: StaticString, _ fields: KeyValuePairs<StaticString, String> = [:]) {
        guard isEnabled(level) else { return }
        line(level, at: SystemClock.wallMicroseconds(), message) { line in
            for (name, value) in fields { line.field(name, value) }
        }
    }

    func executionEmitted(_ event: EventRecord.Body, atMicroseconds timestamp: Int64, in log: EventLog) {
        guard isEnabled(.info) else { return }
        switch event {
        case .start(let attempt, _):
            line(.info, at: timestamp, "execution started") { line in
                line.identify(log)
                line.field("revision", log.graph.identity.revision)
                if attempt > 1 { line.field("attempt", attempt) }
            }
        case .nodeStart(let rank, let attempt):
            line(.info, at: timestamp, "node started") { line in
                line.identify(log)
                line.plain("node", log.graph.graph.nodes[rank].id)
                line.field("attempt", attempt)
            }
        case .nodeComplete(let completion):
            line(completion.status == .error ? .warning : .info, at: timestamp, "node ended") { line in
                line.identify(log)
                line.plain("node", log.graph.graph.nodes[completion.rank].id)
                line.field("attempt", completion.attempt)
                line.plain("status", completion.status.rawValue)
                line.field(milliseconds: completion.durationMicroseconds)
                if let error = completion.error { line.field("error", error) }
            }
        case .complete(let status, let duration, _):
            line(.info, at: timestamp, "execution ended") { line in
                line.identify(log)
                line.plain("status", status.rawValue)
                line.field(milliseconds: duration)
            }
        case .error(let message, _, let duration):
            line(.error, at: timestamp, "execution ended") { line in
                line.identify(log)
                line.field("status", ExecutionStatus.failed.rawValue)
                line.field(milliseconds: duration)
                line.field("error", message)
            }
        case .nodeOutput:
            break
        }
    }

    private func isEnabled(_ level: LogLevel) -> Bool {
        Self.severity(level) >= severityMin.load(ordering: .relaxed)
    }

    private static func severity(_ level: LogLevel) -> Int {
        switch level {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .notice: 3
        case .warning: 4
        case .error: 5
        case .critical: 6
        }
    }

    /// Formats a line straight into the buffer.
    private func line(
        _ level: LogLevel, at microseconds: Int64, _ message: StaticString, _ body: (inout LogLine) -> Void
    ) {
        let mustWake = guarded.withLock { guarded in
            guard guarded.line.count <= Self.bufferBytesMax else {
                guarded.dropped += 1
                return false
            }
            let wasEmpty = guarded.line.count == 0
            guarded.line.begin(level, microseconds, message)
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
            let (lines, dropped, isStopped) = guarded.withLock { guarded in
                defer { guarded.dropped = 0 }
                return (guarded.line.take(), guarded.dropped, guarded.isStopped)
            }
            lines.withUnsafeBytes(writeAll)
            if dropped > 0 {
                log(.warning, "log lines were dropped because stderr was not read", ["count": "\(dropped)"])
            }
            if isStopped { return }
        }
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            let count = write(2, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}

/// The lines that gather: `time level message key=value …` each, or a JSON object.
private struct LogLine: ~Copyable {
    private let format: LogFormat
    private var writer = ByteWriter()

    init(_ format: LogFormat) {
        self.format = format
    }

    var count: Int { writer.count }

    mutating func take() -> [UInt8] {
        defer { writer.removeAll(keepingCapacity: writer.count < 1 << 20) }
        return writer.bytes
    }

    mutating func begin(_ level: LogLevel, _ microseconds: Int64, _ message: StaticString) {
        if format == .json { writer.append("{\"time\":\"") }
        Timestamp.write(microseconds: microseconds, to: &writer)
        writer.append(format == .json ? "\",\"level\":\"" : " ")
        writer.append(utf8: level.rawValue)
        writer.append(format == .json ? "\",\"message\":\"" : " ")
        writer.append(message)
        if format == .json { writer.append("\"") }
    }

    mutating func identify(_ log: EventLog) {
        name("execution")
        if format == .json { writer.append("\"") }
        writer.append(log.idText)
        if format == .json { writer.append("\"") }
        plain("graph", log.graph.identity.id)
    }

    /// A value that is known to need no quotes or escapes: an id, a status.
    mutating func plain(_ key: StaticString, _ value: String) {
        name(key)
        if format == .json { writer.append("\"") }
        writer.append(utf8: value)
        if format == .json { writer.append("\"") }
    }

    mutating func field(_ key: StaticString, _ value: String) {
        name(key)
        // Quoted as in JSON where needed, so that no value can forge a line or a field.
        let isPlain = format == .text && !value.isEmpty && value.utf8.allSatisfy(isPlainByte)
        if isPlain { writer.append(utf8: value) } else { writer.appendJSONString(value) }
    }

    mutating func field(_ key: StaticString, _ value: Int) {
        name(key)
        writer.append(decimal: value)
    }

    mutating func field(milliseconds microseconds: Int64) {
        name("duration_ms")
        writer.append(milliseconds: microseconds)
    }

    mutating func finish() {
        writer.append(format == .json ? "}\n" : "\n")
    }

    private mutating func name(_ key: StaticString) {
        writer.append(format == .json ? ",\"" : " ")
        writer.append(key)
        writer.append(format == .json ? "\":" : "=")
    }
}

private func isPlainByte(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
}
