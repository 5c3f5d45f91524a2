import Synchronization

/// How the store answers an order: called once, on the store's own thread after the commit, so short and never blocking.
package typealias StoreReply<Value> = @Sendable (Result<Value, StoreError>) -> Void

/// Gives an order to the store and waits for its answer on the calling thread: for the start, for commands, for lanes.
package func waited<Value: Sendable>(
    _ order: (_ reply: @escaping StoreReply<Value>) -> Void
) throws(StoreError) -> Value {
    let slot = ReplySlot<Value>()
    order { slot.fill($0) }
    return try slot.take()
}

private final class ReplySlot<Value: Sendable>: Sendable {
    private let value = Mutex<Result<Value, StoreError>?>(nil)
    private let isThere = Semaphore()

    func fill(_ result: Result<Value, StoreError>) {
        value.withLock { $0 = result }
        isThere.signal()
    }

    func take() throws(StoreError) -> Value {
        isThere.wait()
        guard let result = value.withLock({ $0 }) else { preconditionFailure("signalled once, with the answer") }
        return try result.get()
    }
}
