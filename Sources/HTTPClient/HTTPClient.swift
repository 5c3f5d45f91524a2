// All requests to others: libcurl's multi interface on a reactor of its own, on one thread, however many there are. Whoever asks
// hands a request over and is called back there.

import CCurl
import Linux
import Reactor
import Synchronization

/// The process's client of HTTP.
package final class HTTPClient: Sendable {
    /// Looks names up where a thread may block: false where as many wait as may.
    package typealias Lane = @Sendable (_ name: String, _ work: @escaping @Sendable () -> Void) -> Bool

    private struct Door: Sendable {
        let mailbox: Mailbox
        let loop: Confined<TransferLoop>
    }

    /// What the thread is asked to do.
    private enum Order: Sendable {
        case begin(UInt64, OutgoingRequest, any TransferReceiver)
        case cancel(UInt64)
        case found(String, NameTable.Answer)

        func carryOut(_ loop: TransferLoop) {
            switch self {
            case .begin(let id, let request, let receiver): loop.begin(id, request, receiver)
            case .cancel(let id): loop.cancel(id)
            case .found(let name, let answer): loop.names.take(name, answer)
            }
        }

        func refuse(_ reason: String) {
            if case .begin(_, _, let receiver) = self { receiver.ended(.stopped(reason)) }
        }
    }

    private enum Phase {
        /// What has come before the thread was there.
        case starting([Order])
        case open(Door)
        case closed(String)
    }

    private struct Guarded {
        var phase = Phase.starting([])
        var thread: SpawnedThread?
        var lastID: UInt64 = 0
    }

    private let settings: ClientSettings
    private let lane: Lane
    private let guarded = Mutex(Guarded())

    /// Nothing is sent before `start`.
    package init(_ settings: ClientSettings, lookingUpOn lane: @escaping Lane) {
        self.settings = settings
        self.lane = lane
    }

    package func start() throws(SystemError) {
        let thread = try spawnThread(name: "http-client") { self.run() }
        guarded.withLock { $0.thread = thread }
    }

    /// Requests that are open end now.
    package func stop() {
        let (phase, thread) = guarded.withLock { guarded in
            defer { guarded.phase = .closed(Self.stopping) }
            return (guarded.phase, guarded.thread.take())
        }
        switch phase {
        case .starting(let early): for order in early { order.refuse(Self.stopping) }
        case .open(let door):
            door.mailbox.post { reactor in
                door.loop.open(on: reactor).cancelAll()
                reactor.stop()
            }
        case .closed: break
        }
        thread?.join()
    }

    private static let stopping = "the daemon is stopping"

    /// Sends a request. The receiver is held until it has ended.
    package func send(_ request: OutgoingRequest, to receiver: some TransferReceiver) -> TransferHandle {
        let id = guarded.withLock { guarded in
            guarded.lastID += 1
            return guarded.lastID
        }
        give(.begin(id, request, receiver))
        return TransferHandle { [weak self] in self?.give(.cancel(id)) }
    }

    private func give(_ order: Order) {
        let refusal = guarded.withLock { guarded -> String? in
            switch guarded.phase {
            case .starting(let early): guarded.phase = .starting(early + [order])
            case .open(let door): door.mailbox.post { order.carryOut(door.loop.open(on: $0)) }
            case .closed(let reason): return reason
            }
            return nil
        }
        if let refusal { order.refuse(refusal) }
    }

    // MARK: The thread

    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private func run() {
        do throws(SystemError) {
            let reactor = try Reactor()
            guard Self.isReady, let loop = makeLoop(on: reactor) else { return close("libcurl cannot be used") }
            guard open(Door(mailbox: reactor.mailbox, loop: Confined(loop, to: reactor)), loop) else { return }
            try reactor.run()
        } catch {
            close("the HTTP client has no event loop: \(error)")
        }
    }

    private func makeLoop(on reactor: Reactor) -> TransferLoop? {
        TransferLoop(settings, on: reactor, lane: lane) { [weak self] in self?.give(.found($0, $1)) }
    }

    /// - Returns: false where it was stopped before it began.
    private func open(_ door: Door, _ loop: TransferLoop) -> Bool {
        let early = guarded.withLock { guarded -> [Order]? in
            guard case .starting(let early) = guarded.phase else { return nil }
            guarded.phase = .open(door)
            return early
        }
        for order in early ?? [] { order.carryOut(loop) }
        return early != nil
    }

    private func close(_ reason: String) {
        let phase = guarded.withLock { guarded in
            defer { guarded.phase = .closed(reason) }
            return guarded.phase
        }
        if case .starting(let early) = phase { for order in early { order.refuse(reason) } }
    }
}

/// A request that was sent.
package struct TransferHandle: Sendable {
    private let action: @Sendable () -> Void

    init(_ action: @escaping @Sendable () -> Void) {
        self.action = action
    }

    /// Ends it, if it has not ended; the receiver is told so.
    package func cancel() { action() }
}
