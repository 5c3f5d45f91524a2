/// All tokens of one file, also those that have expired or were revoked: as long as there was ever one, nobody enters without.
package struct TokenList: Sendable, Equatable {
    /// Those that can be used.
    package static let usableMax = 10_000
    /// Revoked ones that are kept, so that the log's ids can still be looked up.
    static let revokedMax = 1_000

    /// In the order in which they were made.
    package private(set) var records: [TokenRecord]

    package enum ChangeError: Error, Equatable, Sendable {
        case full
        case unknown
    }

    package init(_ records: [TokenRecord] = []) {
        self.records = records
    }

    /// Makes a token. What has long expired makes room.
    package mutating func create(
        _ order: TokenOrder, nowMicroseconds now: Int64, using generator: inout some RandomNumberGenerator
    ) throws(ChangeError) -> (record: TokenRecord, secret: TokenSecret) {
        guard
            records.count(where: { $0.revokedAtMicroseconds == nil && !$0.isExpired(atMicroseconds: now) })
                < Self.usableMax
        else { throw .full }
        var secret = TokenSecret(using: &generator)
        while records.contains(where: { $0.id == secret.id }) { secret = TokenSecret(using: &generator) }
        let record = TokenRecord(
            id: secret.id, name: order.name, hash: secret.hash, scope: order.scope, graphs: order.graphs,
            createdAtMicroseconds: now, expiresAtMicroseconds: order.expiresAtMicroseconds)
        forgetOld(now)
        records.append(record)
        return (record, secret)
    }

    /// Ends a token for good; one that was revoked before stays as it is.
    package mutating func revoke(_ id: String, nowMicroseconds now: Int64) throws(ChangeError) -> TokenRecord {
        guard let index = records.firstIndex(where: { $0.id == id }) else { throw .unknown }
        if records[index].revokedAtMicroseconds == nil { records[index].revokedAtMicroseconds = now }
        return records[index]
    }

    private mutating func forgetOld(_ now: Int64) {
        let old = records.indices.filter {
            records[$0].revokedAtMicroseconds != nil || records[$0].isExpired(atMicroseconds: now)
        }
        guard old.count > Self.revokedMax else { return }
        let forgotten = Set(old.prefix(old.count - Self.revokedMax).map { records[$0].id })
        records.removeAll { forgotten.contains($0.id) }
    }
}
