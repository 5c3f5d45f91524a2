import Executions
import JSON

/// One line from a worker. Who it is for and what it is stand first, in fixed places, so that the reactor's thread need not
/// parse it: the call's own task does.
struct PythonReply: Sendable {
    enum Kind: String, Sendable {
        case begun, output, update, error, cancelled

        /// Whether the call has ended with it.
        var isEnd: Bool { self == .update || self == .error || self == .cancelled }
    }

    let call: Int
    let kind: Kind
    let line: [UInt8]
    /// Where the value stands that the kind names.
    private let value: Range<Int>

    /// Nil for what no worker would say.
    init?(_ line: [UInt8]) {
        var cursor = 0
        func skip(_ literal: StaticString) -> Bool {
            let count = literal.utf8CodeUnitCount
            guard line.count - cursor >= count else { return false }
            for index in 0..<count where line[cursor + index] != literal.utf8Start[index] { return false }
            cursor += count
            return true
        }
        guard skip("{\"call\":") else { return nil }
        var call = 0
        while cursor < line.count, case let digit = Int(line[cursor]) - 0x30, (0...9).contains(digit) {
            guard call < Int.max / 100 else { return nil }
            call = call * 10 + digit
            cursor += 1
        }
        guard skip(",\""), let end = line[cursor...].firstIndex(of: UInt8(ascii: "\"")), end - cursor < 16 else {
            return nil
        }
        guard let kind = Kind(rawValue: String(decoding: line[cursor..<end], as: UTF8.self)) else { return nil }
        cursor = end
        guard skip("\":"), line.last == UInt8(ascii: "}"), cursor < line.count - 1 else { return nil }
        self.call = call
        self.kind = kind
        self.line = line
        value = cursor..<line.count - 1
    }

    /// Whether the function that begins is a coroutine function.
    var isAsync: Bool { line[value].elementsEqual("\"async\"".utf8) }

    /// What `millrace.emit` or a print has said.
    func output() throws(JSONError) -> (channel: String, data: JSONText) {
        let text = try JSONText(parsing: line)
        return (text["output"]?.string ?? "", text["data"] ?? .null)
    }

    /// How the call has ended.
    func outcome() -> NodeOutcome {
        switch kind {
        case .update: update()
        case .error: error()
        default: .failure(.cancelled)
        }
    }

    private func update() -> NodeOutcome {
        do {
            let parse = { (bytes: UnsafeRawBufferPointer) in
                Result { () throws(JSONError) in try JSONText(parsing: UnsafeRawBufferPointer(rebasing: bytes[value])) }
            }
            guard let update = try line.withUnsafeBytes(parse).get().object else {
                return .failure(NodeFailure("the update is no object"))
            }
            return .success(update: update)
        } catch {
            return .failure(NodeFailure("the update is refused: \(error)"))
        }
    }

    private func error() -> NodeOutcome {
        guard let error = try? JSONText(parsing: line)["error"], let message = error["message"]?.string else {
            return .failure(NodeFailure("the node failed, and its error cannot be read"))
        }
        return .failure(NodeFailure(message, details: error["details"]?.object ?? [:]))
    }
}

/// Lines to a worker.
enum PythonRequest {
    static func call(_ number: Int, _ target: PythonTarget, _ call: NodeCall) -> [UInt8] {
        var writer = ByteWriter(capacity: call.state.bytes + target.json.bytes.count + 128)
        writer.append("{\"call\":")
        writer.append(decimal: number)
        writer.append(",\"node\":")
        writer.appendJSONString(call.nodeID)
        writer.append(",\"key\":")
        writer.appendJSONString(call.idempotencyKey)
        if let trace = call.trace {
            writer.append(",\"trace\":")
            writer.appendJSONString(trace.description)
        }
        writer.append(",\"target\":")
        writer.append(json: target.json)
        writer.append(",\"state\":")
        call.state.write(to: &writer)
        writer.append("}\n")
        return writer.bytes
    }

    static func cancel(_ number: Int) -> [UInt8] {
        Array("{\"cancel\":\(number)}\n".utf8)
    }
}
