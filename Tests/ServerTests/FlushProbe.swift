import Linux
import Reactor

/// Stands for a connection that is flushed.
final class FlushProbe: ReadinessHandler {
    private(set) var flushes = 0
    private var slot: Slot?
    private let ends: DescriptorPair

    init() throws(SystemError) { ends = try Socket.pair() }

    func register(on reactor: Reactor) throws(SystemError) -> Slot {
        let slot = try reactor.register(ends.first, .stream, self)
        self.slot = slot
        return slot
    }

    func deregister(from reactor: Reactor) {
        if let slot = slot.take() { reactor.deregister(slot) }
    }

    func ready(_ readiness: Readiness) {}
    func flush() { flushes += 1 }
    func reap() {}
}
