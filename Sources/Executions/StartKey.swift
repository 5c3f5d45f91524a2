/// What a client calls a start, so that repeating it starts nothing twice (Idempotency-Key).
package struct StartKey: Sendable, Hashable {
    /// Who calls it so, and on which path: keys of others are other keys.
    package let scope: String
    package let key: String

    package init(scope: String, key: String) {
        self.scope = scope
        self.key = key
    }
}

/// A start under a key, which is stored together with the execution that it made.
package struct KeyedStart: Sendable, Equatable {
    package let key: StartKey
    /// SHA-256 of the request's body: another body is another start.
    package let digest: [UInt8]
    package let executionID: ExecutionID
    package let createdAtMicroseconds: Int64

    /// For which a key names the execution that it has started.
    package static let lifetimeMicroseconds: Int64 = 24 * 3600 * 1_000_000

    package init(key: StartKey, digest: [UInt8], executionID: ExecutionID, createdAtMicroseconds: Int64) {
        self.key = key
        self.digest = digest
        self.executionID = executionID
        self.createdAtMicroseconds = createdAtMicroseconds
    }
}
