import Auth
import Executions
import HTTP
import Linux
import Reactor

extension Server {
    private static let refusedOriginsMax = 256

    /// Notes what is known of where a request comes from, and refuses it if it may come from there to nothing here.
    func look(at request: Request, _ match: RouteMatch, on connection: Connection) throws(Problem) {
        connection.ticket = nil
        connection.place = try ForwardedPlace.of(request, through: connection.door)
        connection.ticket = try ticket(of: request, on: connection)
        let arrival = RequestGuards.Arrival(
            door: connection.door, place: connection.place, needsToken: gate.registry.isInForce,
            isForAnyPage: connection.ticket != nil || isForAnyPage(match))
        guard let problem = guards.refusal(of: request, arrival) else { return }
        if problem.details.code == RequestGuards.foreignOrigin { noteRefusedOrigin(of: request, problem) }
        throw problem
    }

    private func isForAnyPage(_ match: RouteMatch) -> Bool {
        if case .found(let route) = match { endpoint(of: route).isForAnyPage } else { false }
    }

    private func noteRefusedOrigin(of request: Request, _ problem: Problem) {
        guard let origin = request.headers["origin"], PageOrigin(origin) != nil,
            refusedOrigins.count < Self.refusedOriginsMax, refusedOrigins.insert(origin).inserted
        else { return }
        report(problem.details.detail)
    }

    /// With what an answer's head says besides: to pages of other origins, and of addresses as the client knows them.
    func dressed(_ headers: HeaderFields, for request: Request, on connection: Connection) -> HeaderFields {
        let headers = guards.share(headers, with: request, byTicket: connection.ticket != nil)
        guard let prefix = connection.place?.prefix, !prefix.isEmpty else { return headers }
        return headers.addressed(below: prefix)
    }

    func dressed(_ response: Response, for request: Request, on connection: Connection) -> Response {
        var response =
            request.isClassic ? response.inClassicWords : request.isForPage ? response.asPage : response
        response.headers = dressed(response.headers, for: request, on: connection)
        return response
    }

    /// Who sends a request, if they may send one at all. What stands open, and what is open to everybody, asks for nothing.
    func admit(_ request: Request, _ match: RouteMatch, on connection: Connection) throws(Problem) -> Access {
        if gate.standsOpen(for: connection.door), connection.ticket == nil { return .anyone }
        switch match {
        case .found(let route) where endpoint(of: route).needs == nil:
            try gate.limit(gate.origin(of: request, connection.door))
            return .nobody
        case .options:
            try gate.limit(gate.origin(of: request, connection.door))
            return .nobody
        case .found where connection.ticket != nil:
            try gate.limit(gate.origin(of: request, connection.door))
            return connection.ticket?.access ?? .nobody
        case .found:
            return try gate.admit(request, on: connection)
        case .methodNotAllowed, .notFound:
            // Whoever may not enter does not learn what there is.
            let access = try gate.admit(request, on: connection)
            try gate.require(.read, access)
            return access
        }
    }

    /// What a body may have of whose sender nothing is known yet: room for a token, which is all that strangers may send.
    static let strangerBodyBytesMax = 4 << 10

    /// Why a request is refused whatever its body says; nil if that is still open.
    /// - Parameter isLarge: whether the body has more than strangers may send.
    func refusal(ofHead request: Request, isLarge: Bool, on connection: Connection) -> Problem? {
        let match = match(request)
        do throws(Problem) {
            try look(at: request, match, on: connection)
        } catch {
            return error
        }
        do throws(Problem) {
            let access = try gate.admitsHead(request, on: connection)
            switch match {
            case .found(let route): try gate.require(endpoint(of: route).needs, access)
            case .methodNotAllowed, .notFound: try gate.require(.read, access)
            case .options: break
            }
            if isLarge, access.scope == nil {
                throw Problem(ProblemDetails(RequestFault.bodyTooLarge(Self.strangerBodyBytesMax)))
            }
        } catch {
            auditRefusal(error, of: request, on: connection)
            return error
        }
        return Self.absence(match)
    }

    /// Why there is nothing that could answer; nil if there is.
    static func absence(_ match: RouteMatch) -> Problem? {
        switch match {
        case .found, .options: return nil
        case .methodNotAllowed(let allow):
            let methods = allow.map(\.rawValue).joined(separator: ", ")
            return Problem(405, "method_not_allowed", "Use one of: \(methods).", headers: ["Allow": methods])
        case .notFound:
            return Problem(404, "not_found", "There is nothing at this path; GET /openapi.json lists what there is.")
        }
    }

    /// Lets a route answer, if the holder of the access may call it.
    func serve(_ call: Call) {
        do throws(Problem) {
            try gate.require(call.endpoint.needs, call.access, for: call.request)
            try call.endpoint.checkQuery(of: call.request)
            if call.access.graphs == nil { return try answer(call) }
            try confine(call)
        } catch {
            call.respond(error.response)
        }
    }

    private func answer(_ call: Call) throws(Problem) {
        do {
            try call.endpoint.route(call)
        } catch let problem as Problem {
            throw problem
        } catch {
            preconditionFailure("a route throws problems only, not \(error)")
        }
    }

    /// Keeps a token that is restricted to some graphs to them.
    private func confine(_ call: Call) throws(Problem) {
        switch call.endpoint.reach {
        case .route, .nothing:
            try answer(call)
        case .graph:
            guard call.access.allows(graph: call.parameter("id")) else { throw Self.otherGraph }
            try answer(call)
        case .execution:
            let id = try ExecutionRoutes.id(call)
            if let live = service.log(of: id) ?? hub.log(of: id) {
                guard call.access.allows(graph: live.graph.identity.id) else { throw ExecutionRoutes.unknown(id) }
                return try answer(call)
            }
            let store = store
            call.then({ () throws(Problem) in
                try ExecutionRoutes.read { () throws(StoreError) in try store.execution(id) }
            }) { (call, summary) throws(Problem) in
                guard let summary, call.access.allows(graph: summary.graphID) else { throw ExecutionRoutes.unknown(id) }
                try call.server.answer(call)
            }
        case .daemon:
            throw Problem(
                403, "graph_not_allowed", "The token is for some graphs only, and this concerns the whole daemon.")
        }
    }

    static let otherGraph = Problem(403, "graph_not_allowed", "The token is for other graphs.")
}

// MARK: - Tokens come and go

extension Server {
    /// Makes tokens decide who enters, as soon as there is one.
    /// - Parameters:
    ///   - own: where they are kept.
    ///   - fixed: more of them, which cannot be changed here.
    ///   - key: what shows on the socket in the state folder that somebody administers; nil to want a token there too.
    package func useTokens(own: TokenFile, fixed: TokenFile?, key: AdministratorKey? = nil) throws(TokenFile.Failure) {
        gate.administratorKey = key
        let keeper = TokenKeeper(own: own, fixed: fixed, server: self)
        tokenKeeper = keeper
        try adopt(try keeper.load())
    }

    /// Tells sessions here from those of other daemons that a browser knows by the same host name.
    /// - Parameter identity: what no other daemon has, of letters and digits; a part of it will be seen.
    package func nameSessions(after identity: String) { gate.cookieName += "_\(identity.prefix(12))" }

    /// Whether nobody enters without a token.
    package var needsTokens: Bool { gate.registry.isInForce }

    /// Who may enter, in words.
    package var entryRule: String {
        guard needsTokens else {
            return settings.allowsForwardedWithoutTokens
                ? "no tokens: everybody on this host, and whoever a proxy here lets through, may do everything"
                : "no tokens: everybody on this host may do everything"
        }
        let usable = gate.usableTokenCount
        return usable == 0
            ? "tokens are wanted, and none is valid any more" : "\(usable) token\(usable == 1 ? "" : "s")"
    }

    /// Shows out whoever may not stay when the next token or session expires.
    func watchExpiry() {
        if let timer = expiryTimer.take() { reactor.cancel(timer) }
        guard let due = gate.nextExpiry else { return }
        // The wall clock may be set; who looks once a minute is never late by more.
        let wait = min(max(0, (due - Gate.now) / 1_000 + 1), 60_000)
        expiryTimer = reactor.schedule(afterMilliseconds: wait) { [weak self] in
            self?.expiryTimer = nil
            self?.closeStaleConnections()
            self?.watchExpiry()
        }
    }

    /// Lets these tokens decide from now on; whoever has entered by one that is gone is shown out.
    /// - Parameter answer: tells whoever has asked for it, before its own connection may be one of those.
    package func adopt(_ registry: TokenRegistry, answer: () -> Void = {}) throws(TokenFile.Failure) {
        guard registry.isInForce || addresses.allSatisfy(\.isLoopback) else {
            throw TokenFile.Failure(
                "there are no tokens any more, but the server can be reached from other hosts; the old ones stay in force"
            )
        }
        gate.adopt(registry)
        watchExpiry()
        answer()
        closeStaleConnections()
    }

    /// Reads the files of tokens again.
    /// - Parameter done: told why that did not work, if it did not; then all stays as it was.
    package func reloadTokens(_ done: @escaping (TokenFile.Failure?) -> Void) {
        guard let tokenKeeper else { return done(nil) }
        tokenKeeper.reload(done)
    }

    func closeStaleConnections() {
        for connection in openConnections
        where connection.isInExchange && gate.isStale(connection.access) {
            connection.close()
        }
    }
}
