/// A value behind one reference: cheap to hand on however large it is, changed in place as long as nobody else holds it, and
/// copied before a change otherwise. Public, because the compiler inlines nothing else across modules.
public struct Shared<Value: Sendable>: Sendable {
    @usableFromInline final class Storage: Sendable {
        // because a storage that others hold is never changed: `value` copies it first
        @usableFromInline nonisolated(unsafe) var value: Value

        @inlinable init(_ value: Value) { self.value = value }
    }
    @usableFromInline var storage: Storage

    @inlinable public init(_ value: Value) { storage = Storage(value) }

    @inlinable public var value: Value {
        _read { yield storage.value }
        _modify {
            if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.value) }
            yield &storage.value
        }
    }

    /// Whether both are known to be the same without a look at them.
    @inlinable public func isIdentical(to other: Self) -> Bool { storage === other.storage }
}
