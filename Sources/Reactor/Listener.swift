// Accepting at the limit of descriptors: accept(2) fails while the connection stays in the backlog, so a loop that
// only retries would spin. The listener keeps one spare descriptor. When there is no other, it closes the spare,
// accepts into the gap, tells the caller, closes, and opens the spare again, until the backlog is empty. As soon as
// descriptors are free, accepting simply works again.
import Linux

/// Accepts connections, a bounded number per turn.
package final class Listener: ReadinessHandler {
    package typealias Accept = (_ connection: consuming Descriptor, _ peer: SocketAddress) -> Void

    /// Enough to take a burst in few turns, few enough that the connections that exist do not wait for it.
    package static let acceptsPerTurnMax = 64
    /// How long to wait before trying again when even the spare was taken by someone else.
    private static let retryMilliseconds: Int64 = 100

    package let address: SocketAddress
    /// Connections that were turned away because no descriptor was free.
    package private(set) var refusals: UInt64 = 0

    private let reactor: Reactor
    private let descriptor: Descriptor
    private let refusal: [UInt8]
    private let accept: Accept
    private var spare: Descriptor?
    private var slot: Slot?
    private var retry: TimerID?
    private var isPaused = false

    /// Takes over a listening socket. `refusal` is what a connection is told that is turned away, such as a
    /// complete 503 response.
    package init(
        _ descriptor: consuming Descriptor, on reactor: Reactor, refusal: [UInt8] = [], accept: @escaping Accept
    ) throws(SystemError) {
        self.address = try descriptor.localAddress()
        self.reactor = reactor
        self.descriptor = descriptor
        self.refusal = refusal
        self.accept = accept
        spare = try EventCounter().intoDescriptor()
        slot = try reactor.register(self.descriptor, .input, self)
    }

    /// Leaves new connections in the backlog.
    package func pause() { isPaused = true }

    /// Accepts again, what waits in the backlog first.
    package func resume() {
        isPaused = false
        askAgain()
    }

    /// Stops listening. A unix socket's file stays.
    package func close() {
        if let retry = retry.take() { reactor.cancel(retry) }
        if let slot = slot.take() { reactor.deregister(slot) }
        descriptor.shutDown(.both)
    }

    package func ready(_ readiness: Readiness) { askAgain() }

    package func flush() {
        for _ in 0..<Self.acceptsPerTurnMax {
            // A callback may have paused or closed the listener.
            if isPaused || slot == nil { return }
            if !acceptOne() { return }
        }
        askAgain()
    }

    private func askAgain() {
        if let slot { reactor.needsFlush(slot) }
    }

    /// False when there is nothing more to accept now.
    private func acceptOne() -> Bool {
        do {
            switch try descriptor.accept() {
            case .connection(let connection, let peer): accept(connection, peer)
            case .abandoned: break
            case .wouldBlock: return false
            case .exhausted: return refuseOne()
            }
            return true
        } catch {
            // What is left are errors of the listening socket itself, which only our own misuse can cause.
            preconditionFailure("listener \(address): \(error)")
        }
    }

    private func refuseOne() -> Bool {
        spare = nil
        let wasRefused = acceptIntoGap()
        spare = try? EventCounter().intoDescriptor()
        if !wasRefused || spare == nil { retryLater() }
        return wasRefused && spare != nil
    }

    private func acceptIntoGap() -> Bool {
        guard case .connection(let connection, _)? = try? descriptor.accept() else { return false }
        refusals += 1
        _ = refusal.withUnsafeBytes { bytes in bytes.isEmpty ? nil : try? connection.send(bytes) }
        connection.shutDown(.both)
        return true
    }

    private func retryLater() {
        if retry != nil { return }
        retry = reactor.schedule(afterMilliseconds: Self.retryMilliseconds) { [weak self] in
            self?.retry = nil
            self?.askAgain()
        }
    }
}
