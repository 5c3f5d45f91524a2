import Linux

/// Carries a value that belongs to a reactor's thread through closures that pass other threads. It opens on the
/// reactor only, and whoever lets go of it last, the value dies on the reactor's thread.
///
///     let connection = Confined(connection, to: reactor)
///     mailbox.post { reactor in connection.open(on: reactor).resume() }
// because the value is reached with the reactor in hand, which never leaves its thread, and freed on that thread
package final class Confined<Value>: @unchecked Sendable {
    /// Holds the one reference that there is: whoever lets go of it elsewhere hands it over without touching the value.
    private final class Box {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    private let box: Unmanaged<Box>
    private let mailbox: Mailbox

    package init(_ value: Value, to reactor: Reactor) {
        box = Unmanaged.passRetained(Box(value))
        mailbox = reactor.mailbox
    }

    deinit {
        if ThreadID.current == mailbox.owner { return box.release() }
        // The reactor may be there at once: nothing is held here any more that it would not be the last to let go of.
        let address = UInt(bitPattern: box.toOpaque())
        mailbox.post { _ in
            guard let box = UnsafeRawPointer(bitPattern: address) else { return }
            Unmanaged<Box>.fromOpaque(box).release()
        }
    }

    /// The value; another reactor than its own is a bug and traps.
    package func open(on reactor: Reactor) -> Value {
        precondition(reactor.mailbox === mailbox, "a value is opened on the reactor that it belongs to")
        return box.takeUnretainedValue().value
    }
}
