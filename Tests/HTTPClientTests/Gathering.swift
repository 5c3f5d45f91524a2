import HTTPClient
import Linux
import Synchronization

/// Gathers a response, and lets a test wait for its end.
final class Gathering: TransferReceiver {
    struct Outcome: Sendable {
        var head: ReceivedHead?
        var body = ""
        var error: TransferError?
    }

    private struct Guarded {
        var outcome = Outcome()
        var isOver = false
        var waiting: CheckedContinuation<Outcome, Never>?
    }

    private let guarded = Mutex(Guarded())
    private let bytesMax: Int

    init(bytesMax: Int = .max) {
        self.bytesMax = bytesMax
    }

    func began(_ head: ReceivedHead) { guarded.withLock { $0.outcome.head = head } }

    func took(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guarded.withLock { guarded in
            guarded.outcome.body += String(decoding: bytes, as: UTF8.self)
            return guarded.outcome.body.utf8.count <= bytesMax
        }
    }

    func ended(_ error: TransferError?) {
        let (waiting, outcome) = guarded.withLock { guarded in
            guarded.outcome.error = error
            guarded.isOver = true
            return (guarded.waiting.take(), guarded.outcome)
        }
        waiting?.resume(returning: outcome)
    }

    var outcome: Outcome {
        get async {
            await withCheckedContinuation { continuation in
                let known = guarded.withLock { guarded -> Outcome? in
                    if guarded.isOver { return guarded.outcome }
                    guarded.waiting = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }
}

extension HTTPClient {
    /// One that runs, and looks names up on threads of their own.
    static func started(
        denying networks: [String] = [], _ change: (inout ClientSettings) -> Void = { _ in }
    ) throws -> HTTPClient {
        var settings = ClientSettings()
        settings.deniedNetworks = networks.compactMap { Network($0) }
        change(&settings)
        let client = HTTPClient(settings) { _, work in
            guard let thread = try? spawnThread(name: "names", body: work) else { return false }
            thread.detach()
            return true
        }
        try client.start()
        return client
    }

    func fetch(_ request: OutgoingRequest, bytesMax: Int = .max) async -> Gathering.Outcome {
        let gathering = Gathering(bytesMax: bytesMax)
        _ = send(request, to: gathering)
        return await gathering.outcome
    }

    func get(_ url: String) async -> Gathering.Outcome { await fetch(OutgoingRequest(method: "GET", url: url)) }
}
