import Config
import Executions
import Glibc
import JSON
import Systemd

/// How a log looks.
enum LogRendering: Sendable {
    /// `time level message key=value …`.
    case text
    /// A JSON object per line.
    case json
    /// Entries of systemd's journal, whose message is the text without time and level.
    case journal
}

extension LogLevel {
    /// Higher is worse.
    var severity: Int {
        switch self {
        case .trace: 0
        case .debug: 1
        case .info: 2
        case .notice: 3
        case .warning: 4
        case .error: 5
        case .critical: 6
        }
    }

    fileprivate var name: StaticString {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .notice: "notice"
        case .warning: "warning"
        case .error: "error"
        case .critical: "critical"
        }
    }

    /// PRIORITY of the journal: the levels of syslog(3).
    fileprivate var priority: UInt8 {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

/// Where in the source a line arises.
struct LogPlace {
    let file: StaticString
    let line: UInt
    let function: StaticString

    static func here(file: StaticString = #fileID, line: UInt = #line, function: StaticString = #function) -> LogPlace {
        LogPlace(file: file, line: line, function: function)
    }
}

/// The lines that gather. An entry for the journal is a row of fields, each behind its length in four bytes; a length of 0
/// ends it.
struct LogLine: ~Copyable {
    private static let lengthBytes = 4

    let rendering: LogRendering
    var writer = ByteWriter()
    private var timestamps = TimestampWriter()
    /// Where the length of the journal's open field stands.
    var openField = 0
    /// Whom the journal's open entry is about.
    var execution: EventLog?
    var node: [UInt8]?
    init(_ rendering: LogRendering) {
        self.rendering = rendering
    }

    var count: Int { writer.count }

    mutating func take() -> [UInt8] {
        defer { writer.removeAll(keepingCapacity: writer.count < 1 << 20) }
        return writer.bytes
    }

    mutating func begin(_ level: LogLevel, _ microseconds: Int64, _ message: LogMessage, _ place: LogPlace) {
        begin(microseconds)
        say(level, message, place)
    }

    mutating func begin(_ microseconds: Int64) {
        switch rendering {
        case .text: break
        case .json: writer.append("{\"time\":\"")
        case .journal: return
        }
        timestamps.write(microseconds: microseconds, to: &writer)
    }

    /// What stands behind the time and before all fields.
    mutating func say(_ level: LogLevel, _ message: LogMessage, _ place: LogPlace) {
        switch rendering {
        case .text:
            writer.append(byte: UInt8(ascii: " "))
            writer.append(level.name)
            writer.append(byte: UInt8(ascii: " "))
            writer.append(message.text)
        case .json:
            writer.append("\",\"level\":\"")
            writer.append(level.name)
            writer.append("\",\"message\":\"")
            writer.append(message.text)
            writer.append("\"")
        case .journal:
            beginEntry(level, message, place)
        }
    }

    private mutating func beginEntry(_ level: LogLevel, _ message: LogMessage, _ place: LogPlace) {
        openField("PRIORITY=")
        writer.append(byte: UInt8(ascii: "0") + level.priority)
        closeField()
        if let id = message.journalID {
            openField("MESSAGE_ID=")
            writer.append(id)
            closeField()
        }
        openField("CODE_FILE=")
        writer.append(place.file)
        closeField()
        openField("CODE_LINE=")
        writer.append(decimal: Int(place.line))
        closeField()
        openField("CODE_FUNC=")
        writer.append(place.function)
        closeField()
        openField("MESSAGE=")
        writer.append(message.text)
    }

    mutating func field(_ key: StaticString, _ value: String) {
        name(key)
        // Quoted as in JSON where needed, so that no value can forge a line or a field.
        let isPlain = rendering != .json && !value.isEmpty && value.utf8.allSatisfy(isPlainByte)
        if isPlain { writer.append(utf8: value) } else { writer.appendJSONString(value) }
    }

    mutating func field(_ key: StaticString, _ value: Int) {
        name(key)
        writer.append(decimal: value)
    }

    mutating func finish() {
        switch rendering {
        case .text: writer.append("\n")
        case .json: writer.append("}\n")
        case .journal: finishEntry()
        }
    }

    private mutating func finishEntry() {
        closeField()
        if let log = execution {
            openField("EXECUTION_ID=")
            writer.append(log.idText)
            closeField()
            openField("GRAPH_ID=")
            writer.append(utf8: log.graph.identity.id)
            closeField()
        }
        if let node {
            openField("NODE_ID=")
            node.withUnsafeBytes { writer.append(UnsafeRawBufferPointer(rebasing: $0[1..<$0.count - 1])) }
            closeField()
        }
        writer.append("\0\0\0\0")
        execution = nil
        node = nil
    }

    private mutating func name(_ key: StaticString) {
        guard rendering == .json else {
            writer.append(byte: UInt8(ascii: " "))
            writer.append(key)
            return writer.append(byte: UInt8(ascii: "="))
        }
        writer.append(",\"")
        writer.append(key)
        writer.append("\":")
    }

    // MARK: Fields of the journal

    private mutating func openField(_ prefix: StaticString) {
        openField = writer.count
        writer.append("\0\0\0\0")
        writer.append(prefix)
    }

    private mutating func closeField() {
        let length = UInt32(writer.count - openField - Self.lengthBytes)
        withUnsafeBytes(of: length) { writer.overwrite(at: openField, with: $0) }
    }

    /// Calls `body` with the fields of each entry that has gathered in `bytes`.
    static func forEachEntry(of bytes: UnsafeRawBufferPointer, _ body: ([UnsafeRawBufferPointer]) -> Void) {
        var fields: [UnsafeRawBufferPointer] = []
        var offset = 0
        while offset < bytes.count {
            let length = Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            offset += lengthBytes
            if length == 0 {
                body(fields)
                fields.removeAll(keepingCapacity: true)
            } else {
                fields.append(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length]))
                offset += length
            }
        }
    }
}

private func isPlainByte(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
}
