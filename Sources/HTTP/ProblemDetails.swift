/// What went wrong, as `application/problem+json` (RFC 9457).
package struct ProblemDetails: Sendable, Equatable {
    package var type: String
    package var title: String
    package var status: Status
    /// One sentence that says what to do.
    package var detail: String
    /// Stable, snake_case.
    package var code: String
    /// For documents: what is wrong where.
    package var errors: [Violation]

    package struct Violation: Sendable, Equatable {
        /// A JSON Pointer (RFC 6901).
        package let pointer: String
        package let message: String
        /// In the text that was sent, from 1, if it is one of lines.
        package let place: (line: Int, column: Int)?

        package init(pointer: String, message: String, place: (line: Int, column: Int)? = nil) {
            self.pointer = pointer
            self.message = message
            self.place = place
        }

        package static func == (left: Self, right: Self) -> Bool {
            left.pointer == right.pointer && left.message == right.message && left.place?.line == right.place?.line
                && left.place?.column == right.place?.column
        }
    }

    /// - Parameters:
    ///   - type: a URI; by default `about:blank`, which says no more than the status.
    ///   - title: by default the status's phrase.
    package init(
        _ status: Status, code: String, detail: String, type: String = "about:blank", title: String? = nil,
        errors: [Violation] = []
    ) {
        self.type = type
        self.title = title ?? status.reason
        self.status = status
        self.detail = detail
        self.code = code
        self.errors = errors
    }

    package init(_ fault: RequestFault) {
        self.init(Status(fault.status), code: fault.code, detail: fault.detail)
    }

    /// The JSON object, compact, in the order of the properties; `errors` only if there are any.
    package var json: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(128 + detail.utf8.count + 64 * errors.count)
        Self.append(member: "type", type, to: &output, first: true)
        Self.append(member: "title", title, to: &output)
        output.append(contentsOf: ",\"status\":".utf8)
        output.appendDecimal(UInt64(status.code))
        Self.append(member: "detail", detail, to: &output)
        Self.append(member: "code", code, to: &output)
        appendErrors(to: &output)
        output.append(UInt8(ascii: "}"))
        return output
    }

    private func appendErrors(to output: inout [UInt8]) {
        guard !errors.isEmpty else { return }
        output.append(contentsOf: ",\"errors\":[".utf8)
        for (index, error) in errors.enumerated() {
            if index > 0 { output.append(ASCII.comma) }
            Self.append(member: "pointer", error.pointer, to: &output, first: true)
            Self.append(member: "message", error.message, to: &output)
            if let place = error.place {
                output.append(contentsOf: ",\"line\":".utf8)
                output.appendDecimal(UInt64(place.line))
                output.append(contentsOf: ",\"column\":".utf8)
                output.appendDecimal(UInt64(place.column))
            }
            output.append(UInt8(ascii: "}"))
        }
        output.append(UInt8(ascii: "]"))
    }

    private static func append(member: String, _ value: String, to output: inout [UInt8], first: Bool = false) {
        output.append(contentsOf: (first ? "{\"" : ",\"").utf8)
        output.append(contentsOf: member.utf8)
        output.append(contentsOf: "\":".utf8)
        append(string: value, to: &output)
    }

    /// RFC 8259, 7: escapes the quote, the backslash and control characters, in the shortest form.
    private static func append(string: String, to output: inout [UInt8]) {
        output.append(ASCII.quote)
        for byte in string.utf8 {
            switch byte {
            case ASCII.quote, ASCII.backslash: output.append(contentsOf: [ASCII.backslash, byte])
            case 0x08: output.append(contentsOf: "\\b".utf8)
            case ASCII.tab: output.append(contentsOf: "\\t".utf8)
            case ASCII.lineFeed: output.append(contentsOf: "\\n".utf8)
            case 0x0C: output.append(contentsOf: "\\f".utf8)
            case ASCII.carriageReturn: output.append(contentsOf: "\\r".utf8)
            case 0..<0x20:
                output.append(contentsOf: "\\u00".utf8)
                for digit in [byte >> 4, byte & 15] {
                    output.append(digit < 10 ? ASCII.zero + digit : UInt8(ascii: "a") + digit - 10)
                }
            default: output.append(byte)
            }
        }
        output.append(ASCII.quote)
    }
}
