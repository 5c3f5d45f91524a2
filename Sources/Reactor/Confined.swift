import Linux

/// Carries a value that belongs to a reactor's thread through closures that pass other threads. It opens on the
/// reactor only, and whoever lets go of it last, the value dies on the reactor's thread.
///
///     let connection = Confined(connection, to: reactor)
///     mailbox.post { reactor in connection.open(on: reactor).resume() }
// because the value is reached with the reactor in hand, which never leaves its thread, and freed on that thread
package final class Confined<Value>: @unchecked Sendable {
    private let value: Value
    private let mailbox: Mailbox

    package convenience init(_ value: Value, to reactor: Reactor) {
        self.init(value, mailbox: reactor.mailbox)
    }

    private init(_ value: Value, mailbox: Mailbox) {
        self.value = value
        self.mailbox = mailbox
    }

    deinit {
        guard ThreadID.current != mailbox.owner else { return }
        let remains = Confined(value, mailbox: mailbox)
        mailbox.post { _ in withExtendedLifetime(remains) {} }
    }

    /// The value; another reactor than its own is a bug and traps.
    package func open(on reactor: Reactor) -> Value {
        precondition(reactor.mailbox === mailbox, "a value is opened on the reactor that it belongs to")
        return value
    }
}
