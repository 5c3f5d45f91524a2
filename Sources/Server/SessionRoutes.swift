import Auth
import Executions
import HTTP
import JSON

/// The console's session: a token is shown once, and a cookie that scripts cannot read stands for it from then on.
enum SessionRoutes {
    static func read(_ call: Call) throws(Problem) {
        call.respond(state(of: try who(call), call))
    }

    static func open(_ call: Call) throws(Problem) {
        try requireOwnPage(call)
        let gate = call.server.gate
        let members = try? JSONObject(parsing: call.request.body)
        guard let text = members?["token"]?.string, members?.count == 1 else {
            throw Problem(422, "invalid_request", "Send {\"token\": \"mlr_…\"}.")
        }
        let origin = gate.origin(of: call.request, call.connection.door)
        guard let secret = TokenSecret(text.utf8) else { throw gate.failure("is not one that millrace makes", origin) }
        let now = Gate.now
        let token = try gate.check(gate.registry.check(secret, nowMicroseconds: now), origin)
        guard case .token(let id, let name) = token.holder else { preconditionFailure("a token has a token's holder") }
        if let old = gate.cookie(call.request.headers) { gate.sessions.close(old) }
        let lifetime = call.server.settings.sessionMilliseconds * 1_000
        let expiry = min(now + lifetime, token.expiresAtMicroseconds ?? .max)
        var generator = SystemRandomNumberGenerator()
        let session = gate.sessions.open(
            tokenID: id, nowMicroseconds: now, expiresAtMicroseconds: expiry, using: &generator)
        gate.invalidate()
        call.server.watchExpiry()
        let access = Access(
            .session(id: [], tokenID: id, name: name), token.scope, graphs: token.graphs, expiresAtMicroseconds: expiry)
        var response = state(of: access, call)
        response.headers.add("Set-Cookie", cookie(session, secondsLeft: (expiry - now) / 1_000_000, call))
        call.respond(response)
    }

    static func close(_ call: Call) throws(Problem) {
        try requireOwnPage(call)
        let gate = call.server.gate
        if let id = gate.cookie(call.request.headers) {
            gate.sessions.close(id)
            gate.invalidate()
            call.server.closeStaleConnections()
        }
        call.respond(
            Response(204, ["Set-Cookie": cookie("", secondsLeft: 0, call), "Cache-Control": "no-store"]))
    }

    /// Whoever shows what is no good is nobody, unless it comes too often.
    private static func who(_ call: Call) throws(Problem) -> Access {
        do throws(Problem) {
            return try call.server.gate.admitsHead(call.request, on: call.connection)
        } catch {
            guard error.details.status != 429 else { throw error }
            call.server.auditRefusal(error, of: call.request, on: call.connection)
            return .nobody
        }
    }

    private static func state(of access: Access, _ call: Call) -> Response {
        let isKnown = access.scope != nil
        let body: JSONObject = [
            "auth_required": JSONText(call.server.gate.registry.isInForce),
            "authenticated": JSONText(isKnown && access.holder != .anyone),
            "name": access.holderText.name.map { JSONText($0) } ?? .null,
            "scopes": JSONText(array: (access.scope?.names ?? []).map { JSONText($0) }),
            "graphs": access.graphs.map { JSONText(array: $0.sorted().map { JSONText($0) }) } ?? .null,
            "expires_at": access.expiresAtMicroseconds.map { JSONText(Timestamp.string(microseconds: $0)) } ?? .null,
        ]
        return .json(body, headers: ["Cache-Control": "no-store"])
    }

    /// A foreign page must neither log its visitors in nor out.
    private static func requireOwnPage(_ call: Call) throws(Problem) {
        let headers = call.request.headers
        let isForeign =
            switch headers["sec-fetch-site"] {
            // No page can forge it. Behind a proxy that changes the name, it knows its own page by this alone.
            case "same-origin": false
            case nil, "none":
                headers["origin"].map { !RequestGuards.isOwn($0, call.request, call.connection.place) } ?? false
            default: true
            }
        guard isForeign else { return }
        throw Problem(403, "cross_site_request", "Only the console's own pages may open and close sessions.")
    }

    private static func cookie(_ value: String, secondsLeft: Int64, _ call: Call) -> String {
        let headers = call.request.headers
        // The page's own origin proves it too: no browser lets a page name another, and `requireOwnPage` has compared it.
        let isSecure =
            headers["origin"]?.lowercased().hasPrefix("https://") ?? false
            || call.connection.door.isTrustedProxy && isHTTPS(headers, call.connection.place)
        let gate = call.server.gate
        return
            "\(gate.cookieName)=\(value); Path=\(call.address("/")); Max-Age=\(max(0, secondsLeft)); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }

    /// What the nearest proxy says of the way to it.
    private static func isHTTPS(_ headers: HeaderFields, _ place: ForwardedPlace?) -> Bool {
        if let scheme = place?.scheme { return scheme == "https" }
        return ForwardedField.elements(headers.values(of: "forwarded")).last?["proto"]?.lowercased() == "https"
    }
}
