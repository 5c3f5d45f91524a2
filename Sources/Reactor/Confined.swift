/// Carries a value that belongs to a reactor's thread through closures that pass other threads. It opens on the
/// reactor only.
///
///     let connection = Confined(connection, to: reactor)
///     mailbox.post { reactor in connection.open(on: reactor).resume() }
// because the value is reached with the reactor in hand, which never leaves its thread
package struct Confined<Value>: @unchecked Sendable {
    private let value: Value
    private let reactor: ObjectIdentifier

    package init(_ value: Value, to reactor: Reactor) {
        self.value = value
        self.reactor = ObjectIdentifier(reactor)
    }

    /// The value; another reactor than its own is a bug and traps.
    package func open(on reactor: Reactor) -> Value {
        precondition(ObjectIdentifier(reactor) == self.reactor, "a value is opened on the reactor that it belongs to")
        return value
    }
}
