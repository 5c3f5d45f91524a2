import Executions
import JSON
import Secrets
import Synchronization

/// Puts out what comes in small pieces, such as the words of a model: the first at once, and from then on one output each 30 ms at
/// most.
final class PacedOutput: Sendable {
    enum Form: Sendable {
        case text, base64
    }

    private struct Guarded {
        var bytes: [UInt8] = []
        var saidAt: UInt64?
        var awaitsMore = false
        var allowance = ChildrenOutput()
    }

    /// Of one output of bytes, which may be cut anywhere.
    private static let pieceBytesMax = 64 << 10

    private let channel: String
    private let form: Form
    private let output: NodeOutput
    private let clock: any Clock
    /// What must not be put out, also where it comes in pieces.
    private let secret: Secret?
    private let guarded = Mutex(Guarded())

    init(_ output: NodeOutput, channel: String, form: Form, clock: any Clock, hiding secret: Secret? = nil) {
        self.output = output
        self.channel = channel
        self.form = form
        self.clock = clock
        self.secret = secret
    }

    /// - Parameter bytes: of text, whole characters.
    func take(_ bytes: some Sequence<UInt8>) {
        let now = clock.monotonicNanoseconds
        let delay = guarded.withLock { guarded -> Int64? in
            guarded.bytes.append(contentsOf: bytes)
            if guarded.bytes.count >= Self.pieceBytesMax { emit(&guarded, at: now) }
            guard !guarded.bytes.isEmpty, !guarded.awaitsMore else { return nil }
            let passed = guarded.saidAt.map { Int64((now &- $0) / 1_000_000) } ?? .max
            guard passed < OutputText.flushedMilliseconds else {
                emit(&guarded, at: now)
                return nil
            }
            guarded.awaitsMore = true
            return OutputText.flushedMilliseconds - passed
        }
        guard let delay else { return }
        _ = clock.schedule(afterMilliseconds: delay) { [weak self] in self?.emitPiece() }
    }

    /// Puts out what is left.
    func flush() {
        let now = clock.monotonicNanoseconds
        guarded.withLock { emit(&$0, at: now, isLast: true) }
    }

    private func emitPiece() {
        let now = clock.monotonicNanoseconds
        guarded.withLock { guarded in
            guarded.awaitsMore = false
            emit(&guarded, at: now)
        }
    }

    /// The lock is held meanwhile, so that no piece overtakes another.
    private func emit(_ guarded: inout Guarded, at now: UInt64, isLast: Bool = false) {
        guard !guarded.bytes.isEmpty else { return }
        guarded.saidAt = now
        switch form {
        case .text:
            let (bytes, rest) = secret?.hidden(in: guarded.bytes, isLast: isLast) ?? (guarded.bytes, [])
            guarded.bytes = rest
            if !bytes.isEmpty { output.emit(channel, line: bytes, within: &guarded.allowance) }
        case .base64:
            while !guarded.bytes.isEmpty {
                let piece = Array(guarded.bytes.prefix(Self.pieceBytesMax))
                guarded.bytes.removeFirst(piece.count)
                output.emit(channel, JSONText(Base64.encoded(piece)), within: &guarded.allowance)
            }
        }
    }
}
