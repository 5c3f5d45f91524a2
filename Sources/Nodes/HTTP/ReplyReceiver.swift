import Executions
import HTTPClient
import JSON
import Synchronization

/// One request of a node: gathers what comes, within bounds, and puts it out as it comes where that is wanted.
final class ReplyReceiver: TransferReceiver {
    /// Of the body of a refusal, which is told with the error.
    static let refusalBytesMax = 4096

    private struct Guarded {
        var head: ReceivedHead?
        var body: [UInt8] = []
        var bytes = 0
        /// Why the rest is not wanted.
        var failure: String?
        var error: TransferError?
        var isOver = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let keepsBody: Bool
    private let bytesMax: Int
    private let pieces: StreamedPieces?
    private let clock: any Clock
    private let idleTimeoutMilliseconds: Int?
    private let guarded = Mutex(Guarded())
    private let silence = Mutex<SilenceWatch?>(nil)

    init(
        keepsBody: Bool, bytesMax: Int, pieces: StreamedPieces?, clock: any Clock, idleTimeoutMilliseconds: Int?
    ) {
        self.keepsBody = keepsBody
        self.bytesMax = bytesMax
        self.pieces = pieces
        self.clock = clock
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
    }

    /// The whole response; one that refuses is an error. A task that is cancelled gives the request up.
    func reply(to request: OutgoingRequest, by client: HTTPClient) async throws(NodeFailure) -> Reply {
        let handle = client.send(request, to: self)
        let watch = SilenceWatch(idleTimeoutMilliseconds, clock: clock) { handle.cancel() }
        silence.withLock { $0 = watch }
        watch?.begin()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = guarded.withLock { guarded in
                    if !guarded.isOver { guarded.waiting = continuation }
                    return guarded.isOver
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            handle.cancel()
        }
        watch?.end()
        silence.withLock { $0 = nil }
        return try guarded.withLock { guarded throws(NodeFailure) in try Self.reply(guarded, request, watch?.failure) }
    }

    private static func reply(
        _ guarded: Guarded, _ request: OutgoingRequest, _ silence: NodeFailure?
    ) throws(NodeFailure) -> Reply {
        if let head = guarded.head, head.status >= 400, [nil, .refused].contains(guarded.error) {
            throw Reply(head: head, body: guarded.body).refusal(of: request)
        }
        if let silence { throw silence }
        if let failure = guarded.failure { throw NodeFailure("\(request.place): \(failure)") }
        if let error = guarded.error { throw NodeFailure("\(request.place): \(error)") }
        guard let head = guarded.head else { throw NodeFailure("\(request.place): there was no response") }
        return Reply(head: head, body: guarded.body)
    }

    // MARK: On the client's thread

    func began(_ head: ReceivedHead) {
        heard()
        guarded.withLock { $0.head = head }
    }

    func took(_ bytes: UnsafeRawBufferPointer) -> Bool {
        heard()
        let isRefusal = guarded.withLock { $0.head.map { $0.status >= 400 } ?? false }
        guard !isRefusal else { return takeRefusal(bytes) }
        let failure =
            guarded.withLock { guarded -> String? in
                guarded.bytes += bytes.count
                if keepsBody || pieces == nil, guarded.bytes > bytesMax {
                    guarded.body = []
                    return "the response is longer than kinds.http.response_bytes_max (\(bytesMax) bytes)"
                }
                if keepsBody { guarded.body.append(contentsOf: bytes) }
                return nil
            } ?? pieces?.take(bytes)
        guard let failure else { return true }
        guarded.withLock { $0.failure = failure }
        return false
    }

    private func takeRefusal(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guarded.withLock { guarded in
            let room = Self.refusalBytesMax - guarded.body.count
            guarded.body.append(contentsOf: bytes.prefix(room))
            return bytes.count <= room
        }
    }

    func ended(_ error: TransferError?) {
        pieces?.end()
        let waiting = guarded.withLock { guarded in
            (guarded.error, guarded.isOver) = (error, true)
            return guarded.waiting.take()
        }
        waiting?.resume()
    }

    private func heard() { silence.withLock { $0 }?.heard() }
}
