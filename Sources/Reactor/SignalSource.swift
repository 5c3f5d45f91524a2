import Linux

/// Signals as readiness. They must be blocked in every thread, by `Signals.block` first in main.
package final class SignalSource: ReadinessHandler {
    private let descriptor: SignalDescriptor
    private let onSignal: (Signal, _ senderProcessID: Int32) -> Void
    private var slot: Slot?

    /// Calls `onSignal` for each of `signals`; equal ones that arrive together may count once, as signal(7) says.
    package init(
        _ signals: [Signal], on reactor: Reactor,
        onSignal: @escaping (_ signal: Signal, _ senderProcessID: Int32) -> Void
    ) throws(SystemError) {
        descriptor = try SignalDescriptor(signals)
        self.onSignal = onSignal
        slot = try reactor.register(descriptor.descriptor, .input, self)
    }

    /// Stops listening. The signals stay blocked.
    package func close(on reactor: Reactor) {
        if let slot = slot.take() { reactor.deregister(slot) }
    }

    package func ready(_ readiness: Readiness) {
        while let (signal, sender) = descriptor.next() { onSignal(signal, sender) }
    }
}
