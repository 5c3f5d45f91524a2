/// Why a request is refused: what the client is told, in a `ProblemDetails`, before its connection is closed.
///
/// After a fault nothing that follows on the connection can be trusted, so that it is always closed.
package struct RequestFault: Error, Sendable, Equatable {
    /// The response's status code.
    package let status: Int
    /// Stable, snake_case.
    package let code: String
    /// One sentence that says what to do.
    package let detail: String

    package init(status: Int = 400, code: String, detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }
}

// Limits.
extension RequestFault {
    static func requestLineTooLong(_ max: Int) -> RequestFault {
        RequestFault(
            status: 414, code: "request_line_too_long",
            detail: "Shorten the request line to \(max) bytes or fewer, or move its query into the body.")
    }

    static func headerTooLarge(_ max: Int) -> RequestFault {
        RequestFault(
            status: 431, code: "header_too_large", detail: "Shorten the header fields to \(max) bytes or fewer in all.")
    }

    static func tooManyHeaderFields(_ max: Int) -> RequestFault {
        RequestFault(status: 431, code: "too_many_header_fields", detail: "Send \(max) header fields or fewer.")
    }

    package static func bodyTooLarge(_ max: Int) -> RequestFault {
        RequestFault(status: 413, code: "body_too_large", detail: "Send a body of \(max) bytes or fewer.")
    }

    static func tooManyQueryItems(_ max: Int) -> RequestFault {
        RequestFault(code: "too_many_query_items", detail: "Send \(max) query items or fewer.")
    }

    /// Of a response: the client's parser shares the parts that throw these.
    static let statusLineTooLong = RequestFault(code: "status_line_too_long", detail: "Keep the status line short.")
    static let chunkLineTooLong = RequestFault(
        code: "chunk_line_too_long", detail: "Send chunk sizes without long chunk extensions.")
    static let chunkExtensionsTooLarge = RequestFault(
        code: "chunk_extensions_too_large", detail: "Send the chunks of the body without chunk extensions.")

    /// For the caller, whose timer it is: the head did not arrive in time.
    package static let headerTimeout = RequestFault(
        status: 408, code: "header_timeout", detail: "Send the whole request head sooner after opening the connection.")
    /// For the caller, whose timer it is: the body did not arrive in time.
    package static let bodyTimeout = RequestFault(
        status: 408, code: "body_timeout", detail: "Send the whole body sooner after the request head.")
}

// Line ends and the request line.
extension RequestFault {
    static let bareLineFeed = RequestFault(
        code: "bare_line_feed", detail: "End every line with CR LF, not with LF alone.")
    static let bareCarriageReturn = RequestFault(
        code: "bare_carriage_return", detail: "Send CR only as a part of the CR LF that ends a line.")
    static let invalidRequestLine = RequestFault(
        code: "invalid_request_line",
        detail: "Send a request line of method, target and version with single spaces between them.")
    static let invalidMethod = RequestFault(
        code: "invalid_method", detail: "Start the request with a method such as GET.")
    static let connectRefused = RequestFault(
        code: "connect_refused", detail: "Send requests for this server's own resources; it is not a proxy.")
    static let invalidVersion = RequestFault(code: "invalid_version", detail: "End the request line with HTTP/1.1.")
    static let unsupportedVersion = RequestFault(
        status: 505, code: "unsupported_version", detail: "Speak HTTP/1.1 or HTTP/1.0 on this connection.")
}

// The request target.
extension RequestFault {
    static let invalidTarget = RequestFault(
        code: "invalid_target", detail: "Send a target that starts with / and percent-encodes all but URI characters.")
    static let fragmentInTarget = RequestFault(
        code: "fragment_in_target", detail: "Leave the fragment and its # out of the request target.")
    static let asteriskRefused = RequestFault(
        code: "asterisk_refused", detail: "Use the target * with the method OPTIONS only.")
    static let invalidPercentEncoding = RequestFault(
        code: "invalid_percent_encoding", detail: "Follow each % of the target by two hexadecimal digits.")
    static let nulInTarget = RequestFault(code: "nul_in_target", detail: "Leave %00 out of the request target.")
    static let invalidTargetText = RequestFault(
        code: "invalid_target_text", detail: "Percent-encode the bytes of valid UTF-8 text in the target.")
    static let dotSegment = RequestFault(
        code: "dot_segment", detail: "Resolve the path's . and .. segments before sending it.")
    static let hostMismatch = RequestFault(
        code: "host_mismatch", detail: "Name the same authority in the request target and in the Host field.")
}

// Header fields.
extension RequestFault {
    static let obsoleteFolding = RequestFault(
        code: "obsolete_line_folding", detail: "Send each header field on one line, without leading spaces.")
    static let missingColon = RequestFault(
        code: "missing_colon", detail: "Put a colon between the name and the value of each header field.")
    static let emptyFieldName = RequestFault(
        code: "empty_field_name", detail: "Put a name in front of the colon of each header field.")
    static let spaceBeforeColon = RequestFault(
        code: "space_before_colon", detail: "Remove the space between a header field's name and its colon.")
    static let invalidFieldName = RequestFault(
        code: "invalid_field_name", detail: "Name header fields with letters, digits and hyphens only.")
    static let invalidFieldValue = RequestFault(
        code: "invalid_field_value", detail: "Remove the control characters from the header fields' values.")
    static let missingHost = RequestFault(code: "missing_host", detail: "Send a Host field, as HTTP/1.1 requires.")
    static let repeatedHost = RequestFault(code: "repeated_host", detail: "Send exactly one Host field.")
    static let invalidHost = RequestFault(
        code: "invalid_host",
        detail: "Send a Host field of a name or an address, and a port where it is not the default.")
    static let unknownExpectation = RequestFault(
        status: 417, code: "unknown_expectation", detail: "Expect nothing but 100-continue.")
}

// The body's framing.
extension RequestFault {
    static let bothLengths = RequestFault(
        code: "both_lengths", detail: "Send either Content-Length or Transfer-Encoding, never both.")
    static let repeatedContentLength = RequestFault(
        code: "repeated_content_length", detail: "Send Content-Length once.")
    static let invalidContentLength = RequestFault(
        code: "invalid_content_length", detail: "Send a Content-Length of decimal digits alone.")
    static let repeatedTransferEncoding = RequestFault(
        code: "repeated_transfer_encoding", detail: "Send Transfer-Encoding once.")
    static let invalidTransferEncoding = RequestFault(
        code: "invalid_transfer_encoding", detail: "Send Transfer-Encoding with the one value chunked.")
    static let unsupportedTransferCoding = RequestFault(
        status: 501, code: "unsupported_transfer_coding", detail: "Use no transfer coding but chunked.")
    static let transferEncodingInOldVersion = RequestFault(
        code: "transfer_encoding_in_http_1_0", detail: "Send Transfer-Encoding with HTTP/1.1 only.")
    static let invalidChunkSize = RequestFault(
        code: "invalid_chunk_size", detail: "Start each chunk with 1 to 16 hexadecimal digits and nothing before them.")
    static let invalidChunkExtension = RequestFault(
        code: "invalid_chunk_extension", detail: "Remove the control characters from the chunk extensions.")
    static let unterminatedChunk = RequestFault(
        code: "unterminated_chunk", detail: "End the data of each chunk, of the size announced, with CR LF.")
}
