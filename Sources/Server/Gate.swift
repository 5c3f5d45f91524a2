// Who enters. Without tokens everybody does who can reach the sockets, which are loopback and unix ones only; as long as
// there was ever a token, nobody does without credentials: a token, a session, or on the socket in the state folder the key
// that lies beside it. Lives on the reactor's thread.

import Auth
import HTTP
import Linux

final class Gate {
    private(set) var registry = TokenRegistry()
    var sessions = SessionTable()
    var tickets = TicketTable()
    private(set) var trust: ProxyTrust

    /// Counts the changes of what may enter: an `Access` that a connection keeps is good for one version.
    private var version: UInt64 = 0
    private var addressRates: RateTable<UInt128>?
    private var tokenRates: RateTable<String>?
    private var failureRates: RateTable<UInt128>
    /// Cookies know no ports: each daemon that is reached by the same host name must have a name of its own.
    var cookieName = "millrace_session"
    /// Nil where nothing keeps it from the code of nodes: then the socket in the state folder is a door like any.
    var administratorKey: AdministratorKey?

    /// What a connection remembers, so that a token is hashed once and not for each request.
    struct Pass {
        fileprivate let version: UInt64
        fileprivate let field: [UInt8]
        fileprivate let access: Access
    }

    init(_ settings: ServerSettings) {
        trust = ProxyTrust(settings.trustedProxies)
        addressRates = Self.table(perSecond: settings.requestsPerSecondPerAddress)
        tokenRates = Self.table(perSecond: settings.requestsPerSecondPerToken)
        failureRates = Self.failureTable(settings)
    }

    /// Goes on with other settings; everybody's limits begin anew.
    func use(_ settings: ServerSettings) {
        trust = ProxyTrust(settings.trustedProxies)
        addressRates = Self.table(perSecond: settings.requestsPerSecondPerAddress)
        tokenRates = Self.table(perSecond: settings.requestsPerSecondPerToken)
        failureRates = Self.failureTable(settings)
    }

    private static func failureTable(_ settings: ServerSettings) -> RateTable<UInt128> {
        let rate = settings.failuresPerMinutePerAddress
        return RateTable(perMinute: rate, burst: rate)
    }

    /// A page of the console is some sixty requests at once: what four seconds allow may come in one burst.
    private static func table<Key>(perSecond rate: Int) -> RateTable<Key>? {
        rate > 0 ? RateTable(perMinute: rate * 60, burst: rate * 4) : nil
    }

    func adopt(_ registry: TokenRegistry) {
        self.registry = registry
        version += 1
    }

    /// Something that was let in before may be no more.
    func invalidate() { version += 1 }

    // MARK: Entering

    /// Whether there is nothing to decide: no tokens, and nobody who is counted.
    func standsOpen(for door: Door) -> Bool {
        !registry.isInForce && door.isExempt && !door.isTrustedProxy
    }

    /// Who sends a request, if they may send one now.
    func admit(_ request: Request, on connection: Connection) throws(Problem) -> Access {
        if standsOpen(for: connection.door) { return .anyone }
        let origin = origin(of: request, connection.door)
        try limit(origin)
        return try identify(request, on: connection, origin, counts: true)
    }

    /// The same as far as the head of a request can tell. It counts tokens that are no good, but no request.
    func admitsHead(_ request: Request, on connection: Connection) throws(Problem) -> Access {
        if standsOpen(for: connection.door) { return .anyone }
        return try identify(request, on: connection, origin(of: request, connection.door), counts: false)
    }

    /// Refuses what needs more than is there.
    /// - Parameter request: for words that help whoever has sent it.
    func require(_ needed: Scope?, _ access: Access, for request: Request? = nil) throws(Problem) {
        guard let needed, !access.allows(needed) else { return }
        guard access.scope != nil else { throw Self.tokenRequired(needed, for: request) }
        throw Problem(
            403, "insufficient_scope", "This needs a token of scope \(needed.name).",
            headers: [
                "WWW-Authenticate": "Bearer realm=\"millrace\", error=\"insufficient_scope\", scope=\"\(needed.name)\""
            ])
    }

    static func tokenRequired(_ needed: Scope, for request: Request? = nil) -> Problem {
        let isEventSource = request?.headers.lists("text/event-stream", in: "accept") == true
        return Problem(
            401, "token_required",
            "This needs a token of scope \(needed.name): Authorization: Bearer mlr_…. `millrace token create` makes one."
                + (isEventSource
                    ? " EventSource cannot send it: read the stream with fetch, which can, or have whoever holds the token make an "
                        + "address that needs none (POST /api/executions/{id}/ticket)." : ""),
            headers: ["WWW-Authenticate": "Bearer realm=\"millrace\", scope=\"\(needed.name)\""])
    }

    /// Whether somebody who was let in would not be any more.
    func isStale(_ access: Access) -> Bool {
        switch access.holder {
        case .anyone: registry.isInForce
        case .nobody, .localUser: false
        case .token(let id, _): !isValid(token: id)
        case .session(let session, let id, _): !isValid(token: id) || !sessions.isOpen(session, Self.now)
        }
    }

    static var now: Int64 { SystemClock.wallMicroseconds() }

    private func isValid(token id: String) -> Bool {
        if case .valid = registry.check(id: id, nowMicroseconds: Self.now) { true } else { false }
    }

    /// Tokens that let somebody in now.
    var usableTokenCount: Int { registry.usableCount(nowMicroseconds: Self.now) }

    /// When something that may enter now may no more.
    var nextExpiry: Int64? {
        let now = Self.now
        return [registry.nextExpiry(afterMicroseconds: now), sessions.nextExpiry(afterMicroseconds: now)]
            .compactMap(\.self).min()
    }
}

// MARK: - Limits

extension Gate {
    func origin(of request: Request, _ door: Door) -> ClientOrigin {
        guard door.isTrustedProxy else {
            return ClientOrigin(text: door.peerText, key: door.peer.isLoopback ? nil : door.peer.countingKey)
        }
        let found = trust.origin(
            forwardedFor: request.headers.values(of: "x-forwarded-for"),
            forwarded: request.headers.values(of: "forwarded"))
        switch found {
        case .peer: return ClientOrigin(text: door.peerText, key: nil)
        case .client(let address):
            return ClientOrigin(text: address.host, key: address.isLoopback ? nil : address.countingKey)
        // Those whom nobody can tell apart share one place.
        case .unknown, .contradictory: return ClientOrigin(text: "unknown", key: 0)
        }
    }

    func limit(_ origin: ClientOrigin) throws(Problem) {
        guard let key = origin.key,
            let wait = addressRates?.take(key, nowNanoseconds: SystemClock.monotonicNanoseconds())
        else { return }
        throw Self.tooMany("rate_limited", "So many requests come from this address.", wait)
    }

    private static func tooMany(_ code: String, _ detail: String, _ seconds: Int) -> Problem {
        Problem(
            429, code, "\(detail) Try again in \(seconds) seconds.", headers: ["Retry-After": "\(max(1, seconds))"])
    }
}

// MARK: - Credentials

extension Gate {
    /// - Parameter counts: whether the request counts against the limit of its token.
    private func identify(
        _ request: Request, on connection: Connection, _ origin: ClientOrigin, counts: Bool
    ) throws(Problem) -> Access {
        let headers = request.headers
        guard registry.isInForce else { return .anyone }
        if headers.contains("authorization") { return try bearer(headers, on: connection, origin, counts: counts) }
        if headers.contains("cookie"), let access = try session(request, on: connection, origin, counts: counts) {
            return access
        }
        return administrator(headers, connection.door) ?? .nobody
    }

    /// Who has shown the key of the state folder. A request that somebody has passed on is not the peer's own.
    private func administrator(_ headers: HeaderFields, _ door: Door) -> Access? {
        guard door.isAdministrative, let administratorKey, let user = door.userID,
            headers.count(of: AdministratorKey.fieldName) == 1,
            administratorKey.matches(
                headers.withValue(of: AdministratorKey.fieldName) { $0.map { [UInt8]($0) } ?? [] }),
            !ForwardedFields.are(in: headers)
        else { return nil }
        return .localUser(user)
    }

    private func bearer(
        _ headers: HeaderFields, on connection: Connection, _ origin: ClientOrigin, counts: Bool
    ) throws(Problem) -> Access {
        let field = headers.withValue(of: "authorization") { $0.map { [UInt8]($0) } ?? [] }
        // A proxy may send others' requests on the same connection: how far they agree with the last one is nobody's affair.
        if let pass = connection.pass, pass.version == version, areEqualInConstantTime(pass.field, field),
            !Self.isExpired(pass.access)
        {
            if counts { try limit(pass.access, origin) }
            return pass.access
        }
        guard headers.count(of: "authorization") == 1, let secret = Self.secret(field) else {
            throw failure("is not one that millrace makes", origin)
        }
        let access = try check(registry.check(secret, nowMicroseconds: Self.now), origin)
        connection.pass = Pass(version: version, field: field, access: access)
        if counts { try limit(access, origin) }
        return access
    }

    private static func isExpired(_ access: Access) -> Bool {
        access.expiresAtMicroseconds.map { $0 <= now } ?? false
    }

    /// `Bearer` in any case, blanks, and the token (RFC 9110, 11.4).
    private static func secret(_ field: [UInt8]) -> TokenSecret? {
        let scheme = field.prefix { $0 != 0x20 }
        guard String(decoding: scheme, as: UTF8.self).lowercased() == "bearer" else { return nil }
        return TokenSecret(field[scheme.endIndex...].drop { $0 == 0x20 })
    }

    func check(_ check: TokenRegistry.Check, _ origin: ClientOrigin) throws(Problem) -> Access {
        switch check {
        case .valid(let access): return access
        case .unknown: throw failure("is not known here", origin)
        case .expired: throw failure("has expired", origin)
        case .revoked: throw failure("was revoked", origin)
        }
    }

    /// A token that was no good. Guessing one is hopeless, so the limit only bounds what trying costs; a good token is
    /// served from the same address all the same.
    func failure(_ reason: String, _ origin: ClientOrigin) -> Problem {
        if let key = origin.key,
            let wait = failureRates.take(key, nowNanoseconds: SystemClock.monotonicNanoseconds())
        {
            return Self.tooMany("too_many_failures", "So many wrong tokens come from this address.", wait)
        }
        return Problem(
            401, "invalid_token", "The token \(reason).",
            headers: [
                "WWW-Authenticate":
                    "Bearer realm=\"millrace\", error=\"invalid_token\", error_description=\"The token \(reason)\""
            ])
    }

    /// A ticket that is no good, counted as a token that is none.
    func ticketFailure(of request: Request, _ door: Door) -> Problem {
        let problem = failure("is no ticket", origin(of: request, door))
        return problem.details.status == 429 ? problem : TicketRoutes.invalid
    }

    private func limit(_ access: Access, _ origin: ClientOrigin) throws(Problem) {
        guard origin.key != nil, let id = access.tokenID,
            let wait = tokenRates?.take(id, nowNanoseconds: SystemClock.monotonicNanoseconds())
        else { return }
        throw Self.tooMany("rate_limited", "So many requests come with this token.", wait)
    }

    /// The session that a cookie names; nil if there is none, or if another site's page has sent it.
    private func session(
        _ request: Request, on connection: Connection, _ origin: ClientOrigin, counts: Bool
    ) throws(Problem) -> Access? {
        guard let id = cookie(request.headers), let found = sessions.find(id, nowMicroseconds: Self.now),
            case .valid(let token) = registry.check(id: found.tokenID, nowMicroseconds: Self.now),
            case .token(let tokenID, let name) = token.holder
        else { return nil }
        guard isOwnPage(request, connection.place) else {
            if request.method.isSafe { return nil }
            throw Problem(
                403, "cross_site_request",
                "A session is good for the console's own pages only; programs send a token in Authorization.")
        }
        let access = Access(
            .session(id: found.key, tokenID: tokenID, name: name), token.scope, graphs: token.graphs,
            expiresAtMicroseconds: found.expiresAtMicroseconds)
        if counts { try limit(access, origin) }
        return access
    }

    func cookie(_ headers: HeaderFields) -> String? {
        for value in headers.values(of: "cookie") {
            for pair in value.utf8.split(separator: UInt8(ascii: ";")) {
                let text = String(decoding: pair.drop { $0 == 0x20 }, as: UTF8.self)
                if text.hasPrefix("\(cookieName)=") { return String(text.dropFirst(cookieName.count + 1)) }
            }
        }
        return nil
    }

    /// Whether the page that sends a request is one of this server's. What changes nothing may come from no page at all.
    private func isOwnPage(_ request: Request, _ place: ForwardedPlace?) -> Bool {
        let site = request.headers["sec-fetch-site"]
        // No page can forge it; an `Origin` beside it has passed the guards, whatever name a proxy has for this server.
        if site == "same-origin" { return true }
        if let site, site != "none" || !request.method.isSafe { return false }
        if let page = request.headers["origin"] { return RequestGuards.isOwn(page, request, place) }
        return request.method.isSafe
    }
}
