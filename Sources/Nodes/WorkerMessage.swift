import Executions
import JSON

/// One line from a worker (millrace-worker(7)). Its first member names what it is and who it is about, so that the reactor's
/// thread need not parse the rest: the call's own task does.
struct WorkerMessage: Sendable {
    enum Kind: String, Sendable {
        case hello, began, text, emit, log, update, error, cancelled, forgotten, leaving, imported, blocked, unblocked
        /// Of a graph that it hosts: tasks begin, and one has ended, or asks.
        case step, task, ask, kept
        /// It has ended where it can go on later, because it was told to.
        case drained

        /// Whether the call has ended with it.
        var isEnd: Bool { self == .update || self == .error || self == .cancelled || self == .drained }
    }

    /// More than a name needs.
    static let channelBytesMax = 256

    let kind: Kind
    /// Of the call; for `hello` the version, for `leaving` and `imported` the process.
    let number: Int
    let line: [UInt8]

    /// Nil for what no worker would say.
    init?(_ line: [UInt8]) {
        var head = LineHead(line)
        guard let name = head.name(), let kind = Kind(rawValue: name), let number = head.number() else { return nil }
        self.kind = kind
        self.number = number
        self.line = line
    }

    /// Whether the function that begins shares its process with others while it waits.
    var isAsync: Bool { line.count <= 256 && (try? JSONText(parsing: line))?["async"]?.bool == true }

    /// Whether the worker says when a call begins.
    var tellsBegan: Bool { (try? JSONText(parsing: line))?["began"]?.bool == true }

    /// Of a hello: how many states the worker keeps.
    var keptStates: Int { (try? JSONText(parsing: line))?["keeps"]?.int ?? 0 }

    /// Of what was imported: its path below the graph's folder.
    var path: String? { (try? JSONText(parsing: line))?["path"]?.string }

    /// What the call has put out.
    func output() throws(JSONError) -> Output {
        let text = try JSONText(parsing: line)
        switch kind {
        case .log: return .event(channel: "log", text["data"] ?? .null)
        case .text: return .text(channel: channel(in: text) ?? "stdout", Array((text["data"]?.string ?? "").utf8))
        default: return .event(channel: channel(in: text) ?? "chunk", text["data"] ?? .null)
        }
    }

    /// A longer name is cut: events carry it.
    private func channel(in text: JSONText) -> String? {
        text["channel"]?.string.map { $0.cut(toBytes: Self.channelBytesMax) }
    }

    enum Output {
        case event(channel: String, JSONText)
        /// Text as it was printed, in whatever pieces.
        case text(channel: String, [UInt8])
    }

    /// How the call has ended.
    func outcome() -> NodeOutcome {
        switch kind {
        case .update: update()
        case .error: error()
        case .drained: .left
        default: .failure(.cancelled)
        }
    }

    private func update() -> NodeOutcome {
        do {
            // As its writer most likely wrote it: then the value is read once, and copied once.
            let prefix = "{\"update\":\(number),\"value\":".utf8
            if line.starts(with: prefix), let update = try? value(from: prefix.count).object {
                return .success(update: update)
            }
            let text = try JSONText(parsing: line)
            guard let update = text["value"]?.object else { return .failure(NodeFailure("the update is no object")) }
            return text["next"]?.string.map { .chose(update: update, next: $0) } ?? .success(update: update)
        } catch {
            return .failure(NodeFailure("the update is refused: \(error)"))
        }
    }

    /// The value that ends the line. Throws as well if there are members behind it.
    private func value(from start: Int) throws(JSONError) -> JSONText {
        let parse = { (bytes: UnsafeRawBufferPointer) in
            Result { () throws(JSONError) in
                try JSONText(parsing: UnsafeRawBufferPointer(rebasing: bytes[start..<bytes.count - 1]))
            }
        }
        return try line.withUnsafeBytes(parse).get()
    }

    private func error() -> NodeOutcome {
        guard let error = try? JSONText(parsing: line), let message = error["message"]?.string else {
            return .failure(NodeFailure("the node failed, and its error cannot be read"))
        }
        let advice = ServiceConfinement.advice(raised: message).map { "; \($0)" } ?? ""
        return .failure(NodeFailure(message + advice, details: error["details"]?.object ?? [:]))
    }
}

/// The beginning of a line: `{"NAME":NUMBER`, with blanks wherever JSON allows them.
private struct LineHead {
    /// Longer than any name of the protocol.
    private static let nameBytesMax = 16

    private let line: [UInt8]
    private var cursor = 0

    init(_ line: [UInt8]) {
        self.line = line
    }

    mutating func name() -> String? {
        guard skip("{"), skip("\"") else { return nil }
        let rest = line[cursor...].prefix(Self.nameBytesMax)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        defer { cursor = end + 1 }
        return String(decoding: line[cursor..<end], as: UTF8.self)
    }

    /// And that it is all of the member's value.
    mutating func number() -> Int? {
        guard skip(":") else { return nil }
        skipBlanks()
        var number = 0
        let start = cursor
        while cursor < line.count, case let digit = Int(line[cursor]) &- 0x30, (0...9).contains(digit) {
            guard number < Int.max / 100 else { return nil }
            number = number * 10 + digit
            cursor += 1
        }
        guard cursor > start else { return nil }
        skipBlanks()
        return cursor < line.count && [UInt8(ascii: ","), UInt8(ascii: "}")].contains(line[cursor]) ? number : nil
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard cursor < line.count, line[cursor] == UInt8(ascii: character) else { return false }
        cursor += 1
        return true
    }

    private mutating func skipBlanks() {
        while cursor < line.count, line[cursor] == 0x20 || line[cursor] == 0x09 || line[cursor] == 0x0D { cursor += 1 }
    }
}
