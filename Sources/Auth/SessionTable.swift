import Digest

/// The browsers that have shown a token. In memory only: a restart of the daemon ends all sessions.
package struct SessionTable {
    package static let sessionsMax = 10_000
    /// Of one token, so that none can push out those of the others.
    package static let sessionsPerTokenMax = 100
    /// 256 bits.
    private static let idDigits = 43

    private struct Session {
        let tokenID: String
        let openedAtMicroseconds: Int64
        let expiresAtMicroseconds: Int64
    }

    /// By the hash of the id, so that the time that a look-up takes says nothing of the ids.
    private var sessions: [[UInt8]: Session] = [:]

    package init() {}

    package var count: Int { sessions.count }

    /// - Returns: the session's id, for the cookie.
    package mutating func open(
        tokenID: String, nowMicroseconds now: Int64, expiresAtMicroseconds expiry: Int64,
        using generator: inout some RandomNumberGenerator
    ) -> String {
        sessions = sessions.filter { $0.value.expiresAtMicroseconds > now }
        if sessions.values.count(where: { $0.tokenID == tokenID }) >= Self.sessionsPerTokenMax {
            endOldest { $0.tokenID == tokenID }
        }
        if sessions.count >= Self.sessionsMax { endOldest { _ in true } }
        let id = Base62.random(Self.idDigits, using: &generator)
        sessions[SHA256.digest(id)] = Session(
            tokenID: tokenID, openedAtMicroseconds: now, expiresAtMicroseconds: expiry)
        return String(decoding: id, as: UTF8.self)
    }

    package struct Found: Sendable {
        /// Tells sessions apart without giving them away.
        package let key: [UInt8]
        package let tokenID: String
        package let expiresAtMicroseconds: Int64
    }

    /// The session of that id, if it is open.
    package func find(_ id: String, nowMicroseconds now: Int64) -> Found? {
        guard id.utf8.count == Self.idDigits else { return nil }
        let key = SHA256.digest(Array(id.utf8))
        guard let session = sessions[key], session.expiresAtMicroseconds > now else { return nil }
        return Found(key: key, tokenID: session.tokenID, expiresAtMicroseconds: session.expiresAtMicroseconds)
    }

    package func isOpen(_ key: [UInt8], _ now: Int64) -> Bool {
        sessions[key].map { $0.expiresAtMicroseconds > now } ?? false
    }

    package mutating func close(_ id: String) {
        guard id.utf8.count == Self.idDigits else { return }
        sessions[SHA256.digest(Array(id.utf8))] = nil
    }

    package func nextExpiry(afterMicroseconds now: Int64) -> Int64? {
        sessions.values.map(\.expiresAtMicroseconds).filter { $0 > now }.min()
    }

    private mutating func endOldest(where isMeant: (Session) -> Bool) {
        let oldest = sessions.filter { isMeant($0.value) }.min {
            $0.value.openedAtMicroseconds < $1.value.openedAtMicroseconds
        }
        if let oldest { sessions[oldest.key] = nil }
    }
}
