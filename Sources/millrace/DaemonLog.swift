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

    private struct Guarded {
        var lines: [UInt8] = []
        var dropped = 0
        var isStopped = false
    }

    private let level: LogLevel
    private let format: LogFormat
    private let guarded = Mutex(Guarded())
    private let wakeup = Semaphore()
    private let thread = Mutex<SpawnedThread?>(nil)

    init(level: LogLevel, format: LogFormat) {
        self.level = level
        self.format = format
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

    func log(_ level: LogLevel, _ message: String, _ fields: KeyValuePairs<StaticString, String> = [:]) {
        guard isEnabled(level) else { return }
        line(level, message) { line in
            for (name, value) in fields { line.field(name, value) }
        }
    }

    func executionEmitted(_ event: EventRecord.Body, in log: EventLog) {
        guard isEnabled(.info) else { return }
        switch event {
        case .start(let attempt, _):
            line(.info, "execution started") { line in
                line.identify(log)
                line.field("revision", log.graph.identity.revision)
                if attempt > 1 { line.field("attempt", attempt) }
            }
        case .nodeStart(let rank, let attempt):
            line(.info, "node started") { line in
                line.identify(log)
                line.field("node", log.graph.graph.nodes[rank].id)
                line.field("attempt", attempt)
            }
        case .nodeComplete(let completion):
            line(completion.status == .error ? .warning : .info, "node ended") { line in
                line.identify(log)
                line.field("node", log.graph.graph.nodes[completion.rank].id)
                line.field("attempt", completion.attempt)
                line.field("status", completion.status.rawValue)
                line.field(milliseconds: completion.durationMicroseconds)
                if let error = completion.error { line.field("error", error) }
            }
        case .complete(let status, let duration, _):
            line(.info, "execution ended") { line in
                line.identify(log)
                line.field("status", status.rawValue)
                line.field(milliseconds: duration)
            }
        case .error(let message, _, let duration):
            line(.error, "execution ended") { line in
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
        let levels = LogLevel.allCases
        return levels.firstIndex(of: level) ?? 0 >= levels.firstIndex(of: self.level) ?? 0
    }

    private func line(_ level: LogLevel, _ message: String, _ body: (inout LogLine) -> Void) {
        var line = LogLine(format: format, level: level, message: message)
        body(&line)
        let text = line.finish()
        let mustWake = guarded.withLock { guarded in
            guard guarded.lines.count + text.count <= Self.bufferBytesMax else {
                guarded.dropped += 1
                return false
            }
            let wasEmpty = guarded.lines.isEmpty
            guarded.lines.append(contentsOf: text)
            return wasEmpty
        }
        if mustWake { wakeup.signal() }
    }

    private func run() {
        while true {
            wakeup.wait()
            let (lines, dropped, isStopped) = guarded.withLock { guarded in
                defer { (guarded.lines, guarded.dropped) = ([], 0) }
                return (guarded.lines, guarded.dropped, guarded.isStopped)
            }
            lines.withUnsafeBytes(writeAll)
            if dropped > 0 { log(.warning, "log lines were dropped because stderr was not read", ["count": "\(dropped)"]) }
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

/// One line on its way: `time level message key=value …`, or a JSON object.
private struct LogLine {
    private let format: LogFormat
    private var writer: [UInt8]

    init(format: LogFormat, level: LogLevel, message: String) {
        self.format = format
        var head = ByteWriter(capacity: 192)
        if format == .json { head.append("{\"time\":\"") }
        Timestamp.write(microseconds: SystemClock.wallMicroseconds(), to: &head)
        if format == .json {
            head.append("\",\"level\":\"")
            head.append(utf8: level.rawValue)
            head.append("\",\"message\":")
            head.appendJSONString(message)
        } else {
            head.append(byte: UInt8(ascii: " "))
            head.append(utf8: level.rawValue)
            head.append(byte: UInt8(ascii: " "))
            head.append(utf8: message)
        }
        writer = head.bytes
    }

    mutating func identify(_ log: EventLog) {
        field("execution", log.id.description)
        field("graph", log.graph.identity.id)
    }

    mutating func field(_ name: StaticString, _ value: String) {
        begin(name)
        // Quoted as in JSON where needed, so that no value can forge a line or a field.
        let isPlain = format == .text && !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") && $0 < 0x7F }
        if isPlain { writer.append(contentsOf: value.utf8) } else { writer.append(contentsOf: JSONText(value).bytes) }
    }

    mutating func field(_ name: StaticString, _ value: Int) {
        begin(name)
        writer.append(contentsOf: "\(value)".utf8)
    }

    mutating func field(milliseconds microseconds: Int64) {
        begin("duration_ms")
        var number = ByteWriter()
        number.append(milliseconds: microseconds)
        writer.append(contentsOf: number.bytes)
    }

    mutating func finish() -> [UInt8] {
        if format == .json { writer.append(UInt8(ascii: "}")) }
        writer.append(UInt8(ascii: "\n"))
        return writer
    }

    private mutating func begin(_ name: StaticString) {
        if format == .json {
            writer.append(contentsOf: ",\"".utf8)
            name.withUTF8Buffer { writer.append(contentsOf: $0) }
            writer.append(contentsOf: "\":".utf8)
        } else {
            writer.append(UInt8(ascii: " "))
            name.withUTF8Buffer { writer.append(contentsOf: $0) }
            writer.append(UInt8(ascii: "="))
        }
    }
}
