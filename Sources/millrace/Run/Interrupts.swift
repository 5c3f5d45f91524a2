import Linux

/// The signals that end a command, as something to wait for, so that the terminal is put back and an execution cancelled
/// before it ends.
final class Interrupts {
    private static let signals: [Signal] = [.interrupt, .terminate, .hangUp]

    private let source: SignalDescriptor

    /// Blocks the signals: call it before any thread is started, and take them from then on.
    init() throws(SystemError) {
        Signals.block(Self.signals)
        source = try SignalDescriptor(Self.signals)
    }

    /// Readable while a signal waits to be taken.
    var descriptor: Int32 { source.descriptor.raw }

    /// The next signal, if there is one.
    func take() -> Signal? { source.next()?.signal }
}
