/// A response's status code.
package struct Status: Sendable, Hashable, ExpressibleByIntegerLiteral {
    package let code: Int

    /// - Parameter code: 100 to 999, so that it has three digits.
    package init(_ code: Int) {
        precondition(100...999 ~= code, "a status code has three digits")
        self.code = code
    }

    package init(integerLiteral value: Int) {
        self.init(value)
    }

    /// Whether a response of this status never has a body (RFC 9110, 6.4.1).
    package var forbidsBody: Bool { code < 200 || code == 204 || code == 304 }

    /// The usual phrase (RFC 9110, 15), or "Unknown".
    package var reason: String {
        switch code {
        case 100: "Continue"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 304: "Not Modified"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 507: "Insufficient Storage"
        default: "Unknown"
        }
    }
}
