/// The tokens that are in force: those of the daemon's own file, and those that the service manager has handed over.
package struct TokenRegistry: Sendable {
    private struct Entry: Sendable {
        let record: TokenRecord
        let access: Access
        let isFixed: Bool
    }

    package let own: TokenList
    package let fixed: TokenList
    private var entries: [String: Entry] = [:]

    package enum Check: Sendable {
        case valid(Access)
        /// No token that was ever made here, or forgotten long ago.
        case unknown
        case expired
        case revoked
    }

    /// - Parameter fixed: cannot be revoked here; wins over one of the same id.
    package init(own: TokenList = TokenList(), fixed: TokenList = TokenList()) {
        self.own = own
        self.fixed = fixed
        for (list, isFixed) in [(own, false), (fixed, true)] {
            for record in list.records {
                let access = Access(
                    .token(id: record.id, name: record.name), record.scope, graphs: record.graphs.map { Set($0) },
                    expiresAtMicroseconds: record.expiresAtMicroseconds)
                entries[record.id] = Entry(record: record, access: access, isFixed: isFixed)
            }
        }
    }

    /// Whether anybody needs a token: there was ever one.
    package var isInForce: Bool { !entries.isEmpty }

    /// Those that are neither revoked nor expired.
    package func usableCount(nowMicroseconds now: Int64) -> Int {
        entries.values.count { $0.record.revokedAtMicroseconds == nil && !$0.record.isExpired(atMicroseconds: now) }
    }

    package func isFixed(_ id: String) -> Bool { entries[id]?.isFixed ?? false }

    package func check(_ secret: TokenSecret, nowMicroseconds now: Int64) -> Check {
        guard let entry = entries[secret.id], areEqualInConstantTime(entry.record.hash, secret.hash) else {
            return .unknown
        }
        return check(entry, now)
    }

    /// The state of a token that was checked before.
    package func check(id: String, nowMicroseconds now: Int64) -> Check {
        entries[id].map { check($0, now) } ?? .unknown
    }

    private func check(_ entry: Entry, _ now: Int64) -> Check {
        if entry.record.revokedAtMicroseconds != nil { return .revoked }
        return entry.record.isExpired(atMicroseconds: now) ? .expired : .valid(entry.access)
    }

    /// When the next token expires that has not yet.
    package func nextExpiry(afterMicroseconds now: Int64) -> Int64? {
        entries.values.compactMap(\.record.expiresAtMicroseconds).filter { $0 > now }.min()
    }
}
