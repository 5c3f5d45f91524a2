import Executions
import HTTP
import JSON
import Synchronization

/// Puts a body out on channel `chunk` as it comes.
final class StreamedPieces: Sendable {
    private struct Guarded {
        var text: OutputText
        var events: SSEParser
        var allowance = ChildrenOutput()
    }

    private static let channel = "chunk"

    private let form: HTTPConfig.Streaming
    private let output: NodeOutput
    private let bytes: PacedOutput
    private let guarded: Mutex<Guarded>

    /// - Parameter bytesMax: of one event; a line of more is cut.
    init(_ form: HTTPConfig.Streaming, bytesMax: Int, _ output: NodeOutput, _ clock: any Clock) {
        self.form = form
        self.output = output
        bytes = PacedOutput(output, channel: Self.channel, form: .base64, clock: clock)
        let unit = min(max(bytesMax, 4), Self.unitBytesMax)
        guarded = Mutex(Guarded(text: OutputText(lineBytesMax: unit), events: SSEParser(eventBytesMax: unit)))
    }

    /// A line or an event of a service is shorter.
    private static let unitBytesMax = 1 << 20

    /// Pieces are put out while the lock is held, so that none overtakes another.
    /// - Returns: what is wrong with it, or nil.
    func take(_ bytes: UnsafeRawBufferPointer) -> String? {
        switch form {
        case .lines:
            guarded.withLock { guarded in
                for line in guarded.text.take(Array(bytes)) { emit(text: line, &guarded) }
            }
        case .sse: return guarded.withLock { take(events: bytes, &$0) }
        case .bytes: self.bytes.take(bytes)
        }
        return nil
    }

    /// Nothing more comes.
    func end() {
        bytes.flush()
        guarded.withLock { guarded in
            if let line = guarded.text.finish() { emit(text: line, &guarded) }
        }
    }

    private func take(events bytes: UnsafeRawBufferPointer, _ guarded: inout Guarded) -> String? {
        var events: [SSEParser.Event] = []
        defer {
            for event in events {
                let data: JSONText = [
                    "event": JSONText(event.type), "data": JSONText(String(decoding: event.data, as: UTF8.self)),
                    "id": JSONText(event.id),
                ]
                output.emit(Self.channel, data, within: &guarded.allowance)
            }
        }
        do {
            try guarded.events.consume(bytes) { if case .event(let event) = $0 { events.append(event) } }
            return nil
        } catch {
            return "an event of the stream is longer than \(error.bytesMax) bytes"
        }
    }

    private func emit(text line: [UInt8], _ guarded: inout Guarded) {
        output.emit(Self.channel, line: line, within: &guarded.allowance)
    }
}
