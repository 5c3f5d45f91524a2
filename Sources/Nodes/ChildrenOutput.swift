import Executions
import JSON

/// What one attempt may still put out as `node_output`. Each output is an event that is kept, so a child that never stops
/// printing must not fill the history: beyond the bound, one last line says so, and the rest is dropped.
struct ChildrenOutput: Sendable {
    /// Bytes of all outputs of one attempt: as much as a state.
    static let bytesMax = 16 * 1024 * 1024
    /// What an output costs besides its data.
    private static let overheadBytes = 64

    private var bytesLeft: Int

    init(bytesMax: Int = Self.bytesMax) {
        bytesLeft = bytesMax
    }

    /// What to emit in place of an output with data of this length.
    mutating func admit(bytes: Int) -> Admission {
        guard bytesLeft >= 0 else { return .dropped }
        bytesLeft -= bytes + Self.overheadBytes
        return bytesLeft >= 0 ? .whole : .lastWord
    }

    enum Admission {
        case whole, lastWord, dropped
    }
}

extension JSONText {
    /// The last word of what puts out too much.
    static let endOfOutput = JSONText("the output of this node ends here: it exceeds \(ChildrenOutput.bytesMax) bytes")
}

extension NodeOutput {
    /// Emits, as far as the allowance goes.
    func emit(_ channel: String, _ data: JSONText, within allowance: inout ChildrenOutput) {
        switch allowance.admit(bytes: data.bytes.count) {
        case .whole: emit(channel, data)
        case .lastWord: emit("log", .endOfOutput)
        case .dropped: break
        }
    }

    /// Emits a line of text; what is no UTF-8 is replaced.
    func emit(_ channel: String, line: [UInt8], within allowance: inout ChildrenOutput) {
        emit(channel, JSONText(String(decoding: line, as: UTF8.self)), within: &allowance)
    }
}
