import Auth
import Executions
import HTTP
import JSON
import Linux

/// Tokens: list, make, revoke.
enum TokenRoutes {
    static func list(_ call: Call) throws(Problem) {
        let (registry, now) = (call.server.gate.registry, Gate.now)
        let own = registry.own.records.map { JSONText($0.json(nowMicroseconds: now, isFixed: registry.isFixed($0.id))) }
        let fixed = registry.fixed.records.map { JSONText($0.json(nowMicroseconds: now, isFixed: true)) }
        call.respond(
            .json(["items": JSONText(array: own + fixed)] as JSONObject, headers: ["Cache-Control": "no-store"]))
    }

    static func create(_ call: Call) throws(Problem) {
        let order = try order(call.request.body)
        try keeper(call).change(for: call) { list throws(Problem) in
            let now = Gate.now
            var generator = SystemRandomNumberGenerator()
            do throws(TokenList.ChangeError) {
                let (record, secret) = try list.create(order, nowMicroseconds: now, using: &generator)
                var body = record.json(nowMicroseconds: now, isFixed: false)
                body["token"] = JSONText(secret.string)
                return .json(
                    body, status: 201,
                    headers: ["Location": "/api/tokens/\(record.id)", "Cache-Control": "no-store"])
            } catch {
                throw Problem(
                    409, "too_many_tokens",
                    "There are \(TokenList.usableMax) tokens already; revoke some of them first.")
            }
        }
    }

    static func revoke(_ call: Call) throws(Problem) {
        let id = call.parameter("id")
        guard !call.server.gate.registry.isFixed(id) else {
            throw Problem(
                409, "fixed_token",
                "The service manager has handed this token over (LoadCredential=tokens); take it out of that file.")
        }
        try keeper(call).change(for: call) { list throws(Problem) in
            do throws(TokenList.ChangeError) {
                _ = try list.revoke(id, nowMicroseconds: Gate.now)
                return Response(204)
            } catch {
                throw Problem(
                    404, "unknown_token", "There is no token of this id; GET /api/tokens lists those there are.")
            }
        }
    }

    private static func keeper(_ call: Call) throws(Problem) -> TokenKeeper {
        guard let keeper = call.server.tokenKeeper else {
            throw Problem(404, "no_tokens", "This server keeps no tokens.")
        }
        return keeper
    }

    private static func order(_ body: [UInt8]) throws(Problem) -> TokenOrder {
        let members: JSONObject
        do {
            members = try JSONObject(parsing: body)
        } catch {
            throw Problem(400, "invalid_json", "The body is no JSON object: \(error.message).")
        }
        var faults: [ProblemDetails.Violation] = []
        func fault(_ member: String, _ message: String) {
            faults.append(.init(pointer: JSONPointer([member]).description, message: message))
        }
        for key in members.keys where !["name", "scopes", "graphs", "expires_at"].contains(key.string) {
            fault(key.string, "unknown key")
        }
        let scopes = members["scopes"]?.array?.map { $0.string.flatMap { Scope($0) } } ?? []
        let scope = scopes.compactMap(\.self).max()
        if scope == nil || scopes.contains(nil) {
            fault("scopes", "must be a list of \(Scope.allCases.map(\.name).joined(separator: ", "))")
        }
        let name = members["name"].map { $0.string } ?? ""
        if name == nil { fault("name", "must be a string") }
        var graphs: [String]?
        if let list = members["graphs"], !list.isNull {
            graphs = list.array?.compactMap(\.string)
            if graphs == nil || graphs?.count != list.array?.count { fault("graphs", "must be a list of ids, or null") }
        }
        var expiry: Int64?
        if let time = members["expires_at"], !time.isNull {
            expiry = time.string.flatMap { Timestamp.microseconds($0) }
            if expiry == nil { fault("expires_at", "must be a time such as 2030-01-31T09:30:00Z (RFC 3339), or null") }
        }
        if faults.isEmpty, let name, let scope {
            do throws(TokenOrder.Fault) {
                return try TokenOrder(
                    name: name, scope: scope, graphs: graphs, expiresAtMicroseconds: expiry, nowMicroseconds: Gate.now)
            } catch {
                fault(error.member, error.message)
            }
        }
        throw Problem(
            ProblemDetails(422, code: "invalid_request", detail: "The body does not fit; see errors.", errors: faults))
    }
}

extension TokenRecord {
    /// As clients see it.
    package func json(nowMicroseconds now: Int64, isFixed: Bool) -> JSONObject {
        let status = revokedAtMicroseconds != nil ? "revoked" : isExpired(atMicroseconds: now) ? "expired" : "active"
        return [
            "id": JSONText(id), "name": JSONText(name), "scopes": JSONText(array: scope.names.map { JSONText($0) }),
            "graphs": graphs.map { JSONText(array: $0.map { JSONText($0) }) } ?? .null, "status": JSONText(status),
            "created_at": JSONText(Timestamp.string(microseconds: createdAtMicroseconds)),
            "expires_at": expiresAtMicroseconds.map { JSONText(Timestamp.string(microseconds: $0)) } ?? .null,
            "revoked_at": revokedAtMicroseconds.map { JSONText(Timestamp.string(microseconds: $0)) } ?? .null,
            "source": JSONText(isFixed ? "credential" : "file"),
        ]
    }
}
