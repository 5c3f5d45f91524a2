import Executions
import Synchronization

/// One attempt of a Python node on its way through the workers: news for it lie in its inbox until its task takes them, so
/// that all work that grows with the data is done on the task's thread.
final class PythonCall: Sendable {
    enum News: Sendable {
        /// A worker is the call's; a new one is to be started. Where the worker has what the call needs, it begins at once.
        case assigned(WorkerProcess, isNew: Bool, isBegun: Bool)
        /// The function begins.
        case began
        /// Another call keeps its process from it, and it can do nothing; then it can again.
        case blocked, unblocked
        case output(WorkerMessage, from: WorkerProcess)
        /// Text that something in the worker has written to its descriptors, past Python.
        case raw(channel: String, [UInt8], from: WorkerProcess)
        /// Text of an unfinished line has waited long enough.
        case pieceIsDue(channel: String)
        /// The worker wants the state whole.
        case forgotten(WorkerProcess)
        case replied(WorkerMessage)
        /// The daemon is about to stop.
        case draining
        /// It ends without a reply.
        case failed(NodeFailure)
    }

    private struct Guarded {
        var news: [News] = []
        var continuation: CheckedContinuation<Void, Never>?
    }

    let number: Int
    let key: PythonKey
    /// The function within the key: the document's words for it, and for inline code the node.
    let function: String
    /// The size of its request, about.
    let bytes: Int
    /// Whether it may be begun again elsewhere, when a neighbour has taken its worker down.
    let isIdempotent: Bool
    private let guarded = Mutex(Guarded())

    init(number: Int, key: PythonKey, function: String, bytes: Int, isIdempotent: Bool = true) {
        self.number = number
        self.key = key
        self.function = function
        self.bytes = bytes
        self.isIdempotent = isIdempotent
    }

    func post(_ news: News) {
        guarded.withLock { guarded in
            guarded.news.append(news)
            return guarded.continuation.take()
        }?.resume()
    }

    /// What has come, at least one; only the call's task takes it.
    func takeNews() async -> [News] {
        await withCheckedContinuation { continuation in
            let isThere = guarded.withLock { guarded in
                if guarded.news.isEmpty { guarded.continuation = continuation }
                return !guarded.news.isEmpty
            }
            if isThere { continuation.resume() }
        }
        return guarded.withLock { guarded in
            defer { guarded.news = [] }
            return guarded.news
        }
    }
}
