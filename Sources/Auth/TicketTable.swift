import Digest

/// Addresses of streams that need no header, each for one execution: browsers' `EventSource` cannot send a token. In memory
/// only: a restart of the daemon voids them all, as it ends all sessions.
package struct TicketTable {
    /// Room for the watchers of as many connections as there may be.
    private static let ticketsMax = 10_000
    /// Of one holder, so that none can take the places of all others.
    private static let ticketsPerHolderMax = 1_000
    /// 256 bits.
    private static let textDigits = 43
    /// Until it is opened, and from the end of its stream to the next one.
    package static let idleNanoseconds: Int64 = 60_000_000_000

    /// Tells tickets apart without giving them away.
    package struct Key: Hashable, Sendable {
        fileprivate let digest: [UInt8]
    }

    /// Where the page is that has opened a ticket; a request that names no origin is bound to none.
    package enum Page: Equatable, Sendable {
        case unknown
        case known(origin: String?)
    }

    package struct Ticket: Sendable {
        package let key: Key
        package let execution: String
        package let access: Access
        package fileprivate(set) var page = Page.unknown
        /// Nil while it is streaming.
        fileprivate var endsAtNanoseconds: Int64?

        fileprivate func isOver(at now: Int64) -> Bool { endsAtNanoseconds.map { $0 <= now } ?? false }
    }

    /// By their hash, so that the time that a look-up takes says nothing of them.
    private var tickets: [Key: Ticket] = [:]

    package init() {}

    /// - Parameter access: of whoever asks; the ticket lets nobody do more, nor anything but look.
    /// - Returns: the ticket's text; nil where there are as many as may be.
    package mutating func issue(
        for execution: String, _ access: Access, nowNanoseconds now: Int64,
        using generator: inout some RandomNumberGenerator
    ) -> String? {
        tickets = tickets.filter { !$0.value.isOver(at: now) }
        guard tickets.count < Self.ticketsMax,
            tickets.values.count(where: { $0.access.holder == access.holder }) < Self.ticketsPerHolderMax
        else { return nil }
        let text = Base62.random(Self.textDigits, using: &generator)
        let key = Key(digest: SHA256.digest(text))
        tickets[key] = Ticket(
            key: key, execution: execution,
            access: Access(
                access.holder, .read, graphs: access.graphs, expiresAtMicroseconds: access.expiresAtMicroseconds),
            endsAtNanoseconds: now + Self.idleNanoseconds)
        return String(decoding: text, as: UTF8.self)
    }

    /// The ticket of that text, if it is good now for the execution.
    package func find(_ text: String, for execution: String, nowNanoseconds now: Int64) -> Ticket? {
        guard text.utf8.count == Self.textDigits,
            let ticket = tickets[Key(digest: SHA256.digest(Array(text.utf8)))], ticket.execution == execution,
            !ticket.isOver(at: now)
        else { return nil }
        return ticket
    }

    /// A page of that origin opens it: from now on it is for no other.
    package mutating func bind(_ key: Key, toOrigin origin: String?) {
        if tickets[key]?.page == .unknown { tickets[key]?.page = .known(origin: origin) }
    }

    /// It stays good as long as its stream lasts.
    package mutating func streamBegan(_ key: Key) { tickets[key]?.endsAtNanoseconds = nil }

    package mutating func streamEnded(_ key: Key, nowNanoseconds now: Int64) {
        tickets[key]?.endsAtNanoseconds = now + Self.idleNanoseconds
    }
}
