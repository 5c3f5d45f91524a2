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

    /// A request as it came in.
    struct Arrival {
        let door: Door
        let place: ForwardedPlace?
        /// Whether tokens decide who enters.
        let needsToken: Bool
        /// Whether what it asks for is for pages of any origin.
        let isForAnyPage: Bool
    }

    /// Why a request is refused whatever it wants; nil if it is not.
    func refusal(of request: Request, _ arrival: Arrival) -> Problem? {
        hostRefusal(request.authority, arrival) ?? hostRefusal(arrival.place?.authority, arrival)
            ?? (arrival.isForAnyPage ? nil : originRefusal(request, arrival.place))
            ?? (arrival.needsToken ? nil : forwardingRefusal(request.headers))
            ?? contentTypeRefusal(request.headers, hasBody: !request.body.isEmpty)
    }

    /// A name that was made to resolve to loopback (DNS rebinding) shows in `Host`.
    private func hostRefusal(_ authority: Authority?, _ arrival: Arrival) -> Problem? {
        guard let authority, !arrival.door.isUnix else { return nil }
        // Lower-case, and an IPv6 address without its brackets.
        let host = authority.host
        if host == "127.0.0.1" || host == "localhost" { return nil }
        if allowedHosts.contains(host)
            || host.hasPrefix("127.") && SocketAddress(host: host, port: 0)?.isLoopback == true
        {
            return nil
        }
        // An address is no name that anybody could have made to resolve to here.
        if arrival.needsToken, SocketAddress(host: host, port: 0) != nil { return nil }
        return Problem(
            421, "unknown_host",
            "This server is not known as \(host); add the name to http.allowed_hosts if it should be.")
    }

    private func originRefusal(_ request: Request, _ place: ForwardedPlace?) -> Problem? {
        if let origin = request.headers["origin"] {
            guard !Self.isOwn(origin, request, place), !settings.allowedOrigins.contains(origin) else { return nil }
            return Self.foreign(origin, request, place)
        }
        // A browser that names no origin still says whether another site's page has sent a change.
        guard !request.method.isSafe, let site = request.headers["sec-fetch-site"], site != "same-origin",
            site != "none"
        else { return nil }
        return Problem(
            403, Self.foreignOrigin,
            "A page of another site has sent this; pages of sites that are listed in http.allowed_origins may.")
    }

    static let foreignOrigin = "foreign_origin"

    /// The words name the line that is missing, wherever it is.
    private static func foreign(_ origin: String, _ request: Request, _ place: ForwardedPlace?) -> Problem {
        guard PageOrigin(origin) != nil else {
            return Problem(
                403, foreignOrigin,
                "This page's origin is not one that can be known again (a file, or a frame without rights): it may not call the "
                    + "API.")
        }
        let name = (place?.authority ?? request.authority).map { ", which this request knows as \($0)" } ?? ""
        return Problem(
            403, foreignOrigin,
            "Pages of \(origin) may not call this server\(name). If that is its own address, the proxy before it must pass "
                + "on the name that the browser uses: proxy_set_header Host $http_host; (nginx), ProxyPreserveHost On "
                + "(Apache). Otherwise, and for pages of other sites, the configuration needs "
                + "http.allowed_origins: [\(origin)].")
    }

    /// Whether an origin is the server itself, by the name that the request calls it by.
    static func isOwn(_ origin: String, _ request: Request, _ place: ForwardedPlace?) -> Bool {
        guard let page = PageOrigin(origin), let authority = place?.authority ?? request.authority,
            page.authority.isSame(as: authority, defaultPort: page.defaultPort)
        else { return false }
        guard let scheme = place?.scheme, scheme != page.scheme else { return true }
        // Before the proxy that knows of http only, another one may have ended TLS. No page can forge this field.
        return request.headers["sec-fetch-site"] == "same-origin"
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
        let codings = headers.values(of: "content-encoding").flatMap { $0.split(separator: ",") }
        guard codings.allSatisfy({ $0.filter { $0 != " " && $0 != "\t" }.lowercased() == "identity" }) else {
            return Problem(
                415, "unsupported_content_encoding", "Send the body as it is, without a Content-Encoding.",
                headers: ["Accept-Encoding": "identity"])
        }
        let type = headers["content-type"].flatMap { MediaType($0) }
        if let type, type.isJSON || type.isYAML { return nil }
        return Problem(
            415, "unsupported_media_type",
            "Send the body as application/json or application/yaml, and say so in Content-Type.")
    }
}

extension RequestGuards {
    /// Adds what lets pages of configured origins read a response (Fetch standard, CORS protocol).
    /// - Parameter byTicket: the request shows a ticket that is good for its origin, which need not be configured.
    func share(_ headers: HeaderFields, with request: Request, byTicket: Bool) -> HeaderFields {
        guard !settings.allowedOrigins.isEmpty || byTicket else { return headers }
        var headers = headers
        headers.add("Vary", "Origin")
        guard let origin = request.headers["origin"], byTicket || settings.allowedOrigins.contains(origin) else {
            return headers
        }
        headers.add("Access-Control-Allow-Origin", origin)
        headers.add(
            "Access-Control-Expose-Headers", "Content-Location, ETag, Link, Location, Retry-After, WWW-Authenticate")
        return headers
    }

    func preflight(_ request: Request, allow: [Method], byTicket: Bool) -> Response {
        let methods = allow.map(\.rawValue).joined(separator: ", ")
        guard let origin = request.headers["origin"], byTicket || settings.allowedOrigins.contains(origin) else {
            return Response(204, ["Allow": methods])
        }
        return Response(
            204,
            [
                "Allow": methods,
                "Access-Control-Allow-Methods": methods,
                "Access-Control-Allow-Headers":
                    "Accept, Authorization, Baggage, Cache-Control, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
                    + "Last-Event-ID, Prefer, Traceparent, Tracestate",
                "Access-Control-Max-Age": "600",
            ])
    }
}

extension MediaType {
    var isJSON: Bool { essence == "application/json" || type == "application" && subtype.hasSuffix("+json") }
    /// What YAML goes by, the registered name first (RFC 9512).
    static let yamls: [MediaType] = [
        .yaml, MediaType(type: "application", subtype: "x-yaml"), MediaType(type: "text", subtype: "yaml"),
        MediaType(type: "text", subtype: "x-yaml"),
    ]
    var isYAML: Bool { Self.yamls.contains { $0.essence == essence } || subtype.hasSuffix("+yaml") }
}

extension HTTP.Method {
    /// RFC 9110, 9.2.1: asks for no change.
    var isSafe: Bool { self == .get || self == .head || self == .options }
}

@available(*, unavailable)
extension RequestGuards: Sendable {}
