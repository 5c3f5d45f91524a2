// What keeps a web page from running commands on a loopback port. Any page may send requests to 127.0.0.1; it cannot choose
// the Host that the browser sends, nor its Origin, nor send a JSON body without asking first.

import HTTP
import Linux

final class RequestGuards {
    private let settings: ServerSettings
    private let allowedHosts: Set<String>

    init(_ settings: ServerSettings) {
        self.settings = settings
        allowedHosts = Set(settings.allowedHosts.map { $0.lowercased() }).union(["localhost", "127.0.0.1", "::1"])
    }

    /// Why a request is refused whatever it wants; nil if it is not.
    /// - Parameter needsToken: whether tokens decide who enters.
    func refusal(of request: Request, through door: Door, needsToken: Bool) -> Problem? {
        hostRefusal(request, door, needsToken) ?? originRefusal(request)
            ?? (needsToken ? nil : forwardingRefusal(request.headers))
            ?? contentTypeRefusal(request.headers, hasBody: !request.body.isEmpty)
    }

    /// A name that was made to resolve to loopback (DNS rebinding) shows in `Host`.
    private func hostRefusal(_ request: Request, _ door: Door, _ needsToken: Bool) -> Problem? {
        if door.isUnix { return nil }
        guard let authority = request.authority else { return nil }
        // Lower-case, and an IPv6 address without its brackets.
        let host = authority.host
        if host == "127.0.0.1" || host == "localhost" { return nil }
        if allowedHosts.contains(host)
            || host.hasPrefix("127.") && SocketAddress(host: host, port: 0)?.isLoopback == true
        {
            return nil
        }
        // An address is no name that anybody could have made to resolve to here.
        if needsToken, SocketAddress(host: host, port: 0) != nil { return nil }
        return Problem(
            421, "unknown_host",
            "This server is not known as \(host); add the name to http.allowed_hosts if it should be.")
    }

    private func originRefusal(_ request: Request) -> Problem? {
        let isForeign =
            if let origin = request.headers["origin"] {
                !Self.isOwn(origin, request) && !settings.allowedOrigins.contains(origin)
            } else {
                // A browser that names no origin still says whether another site's page has sent a change.
                !request.method.isSafe
                    && request.headers["sec-fetch-site"].map { $0 != "same-origin" && $0 != "none" } ?? false
            }
        guard isForeign else { return nil }
        return Problem(
            403, "foreign_origin",
            "Pages of this origin may not call the API; add it to http.allowed_origins if they should.")
    }

    /// Whether an origin is the server itself, by the name that the request calls it by.
    static func isOwn(_ origin: String, _ request: Request) -> Bool {
        guard let authority = request.authority else { return false }
        for scheme in ["http", "https"] where origin.lowercased() == "\(scheme)://\(authority)".lowercased() {
            return true
        }
        return false
    }

    private func forwardingRefusal(_ headers: HeaderFields) -> Problem? {
        guard !settings.allowsForwardedWithoutTokens else { return nil }
        guard ForwardedFields.are(in: headers) else { return nil }
        return Problem(
            403, "forwarded_without_tokens",
            "This request came through a proxy, so anybody may have sent it, and no tokens are configured to tell who may. "
                + "To serve it all the same, set auth.allow_forwarded_without_tokens: true "
                + "(or MILLRACE_AUTH_ALLOW_FORWARDED_WITHOUT_TOKENS=true).")
    }

    private func contentTypeRefusal(_ headers: HeaderFields, hasBody: Bool) -> Problem? {
        let hasBody =
            hasBody || headers.contains("transfer-encoding")
            || headers.withValue(of: "content-length") { length in
                length.map { !($0.count == 1 && $0[0] == UInt8(ascii: "0")) } ?? false
            }
        guard hasBody else { return nil }
        let type = headers["content-type"].flatMap { MediaType($0) }
        if let type, type.isJSON || type.isYAML { return nil }
        return Problem(
            415, "unsupported_media_type",
            "Send the body as application/json or application/yaml, and say so in Content-Type.")
    }
}

extension RequestGuards {
    /// Adds what lets pages of configured origins read a response (Fetch standard, CORS protocol).
    func share(_ response: Response, with request: Request) -> Response {
        var response = response
        response.headers = share(response.headers, with: request)
        return response
    }

    func share(_ headers: HeaderFields, with request: Request) -> HeaderFields {
        guard !settings.allowedOrigins.isEmpty else { return headers }
        var headers = headers
        headers.add("Vary", "Origin")
        guard let origin = request.headers["origin"], settings.allowedOrigins.contains(origin) else { return headers }
        headers.add("Access-Control-Allow-Origin", origin)
        headers.add(
            "Access-Control-Expose-Headers", "Content-Location, ETag, Link, Location, Retry-After, WWW-Authenticate")
        return headers
    }

    func preflight(_ request: Request, allow: [Method]) -> Response {
        let methods = allow.map(\.rawValue).joined(separator: ", ")
        guard let origin = request.headers["origin"], settings.allowedOrigins.contains(origin) else {
            return Response(204, ["Allow": methods])
        }
        return share(
            Response(
                204,
                [
                    "Allow": methods,
                    "Access-Control-Allow-Methods": methods,
                    "Access-Control-Allow-Headers":
                        "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Prefer, Traceparent",
                    "Access-Control-Max-Age": "600",
                ]), with: request)
    }
}

extension MediaType {
    var isJSON: Bool { essence == "application/json" || type == "application" && subtype.hasSuffix("+json") }
    var isYAML: Bool {
        ["application/yaml", "application/x-yaml", "text/yaml"].contains(essence) || subtype.hasSuffix("+yaml")
    }
}

extension HTTP.Method {
    /// RFC 9110, 9.2.1: asks for no change.
    var isSafe: Bool { self == .get || self == .head || self == .options }
}

@available(*, unavailable)
extension RequestGuards: Sendable {}
