/// Why a response cannot be read.
package struct ResponseFault: Error, Sendable, Equatable {
    /// Stable, snake_case.
    package let code: String
    /// One sentence.
    package let detail: String

    init(code: String, detail: String) {
        self.code = code
        self.detail = detail
    }

    init(_ fault: RequestFault) {
        self.init(code: fault.code, detail: "The server's response breaks this rule: \(fault.detail)")
    }

    static let invalidStatusLine = ResponseFault(
        code: "invalid_status_line", detail: "The server's answer does not start with an HTTP/1.1 status line.")
    static let unexpectedUpgrade = ResponseFault(
        code: "unexpected_upgrade", detail: "The server switched to another protocol without being asked to.")
    static let tooManyInterimResponses = ResponseFault(
        code: "too_many_interim_responses", detail: "The server sent too many interim responses.")
    static let truncated = ResponseFault(
        code: "truncated", detail: "The server closed the connection before the end of its response.")
}

/// Reads the responses of one connection, incrementally (RFC 9112): the client's side of `RequestParser`.
///
/// Bodies are not kept: each piece is told as a range of the input it came in.
package struct ResponseParser: Sendable {
    private let limits: ResponseLimits
    private var state = State.statusLine
    private var lines = LineReader()
    private var interimResponses = 0
    /// Whether the next response answers a HEAD request, and so has no body. Set it before consuming that response.
    package var answersHead = false

    private enum State: Sendable {
        case statusLine
        case fields(StatusLine, FieldSection)
        case fixedBody(remaining: Int)
        case chunkedBody(ChunkedDecoder)
        case bodyUntilClose
        case failed(ResponseFault)
    }

    package struct Head: Sendable, Equatable {
        package let status: Status
        package let version: Version
        package let headers: HeaderFields
        /// Whether the connection may be used again after this response.
        package let keepsAlive: Bool
    }

    package enum Step: Sendable, Equatable {
        /// All bytes were taken.
        case needsMore
        case head(Head)
        /// Where a piece of the body lies in the input.
        case body(Range<Int>)
        /// The response is whole. What is left of the input belongs to the next one.
        case end
        case fault(ResponseFault)
    }

    package init(limits: ResponseLimits = ResponseLimits()) {
        self.limits = limits
    }

    /// Takes bytes up to the next thing to tell. After `end` it is ready for the next response.
    package mutating func consume(_ input: UnsafeRawBufferPointer) -> (step: Step, consumed: Int) {
        var offset = 0
        do throws(ResponseFault) {
            return (try advance(input, &offset), offset)
        } catch {
            state = .failed(error)
            return (.fault(error), offset)
        }
    }

    /// The server has closed the connection: `end` for a body that ends so, nil between responses, else a fault.
    package mutating func close() -> Step? {
        switch state {
        case .statusLine where !lines.isInLine && interimResponses == 0: return nil
        case .bodyUntilClose:
            state = .statusLine
            return .end
        case .failed(let fault): return .fault(fault)
        default:
            state = .failed(.truncated)
            return .fault(.truncated)
        }
    }

    private mutating func advance(_ input: UnsafeRawBufferPointer, _ offset: inout Int) throws(ResponseFault) -> Step {
        while true {
            switch state {
            case .statusLine:
                guard try readStatusLine(input, &offset) else { return .needsMore }
            case .fields(let line, var section):
                // Moved out while it changes, so that its buffers are not copied.
                state = .statusLine
                let isWhole = try asResponse { () throws(RequestFault) in
                    try section.read(input, &offset, lines: &lines)
                }
                guard isWhole else {
                    state = .fields(line, section)
                    return .needsMore
                }
                if let head = try endHead(line, section.fields) { return .head(head) }
            case .fixedBody(0):
                return finish()
            case .fixedBody(let remaining):
                guard offset < input.count else { return .needsMore }
                let count = min(remaining, input.count - offset)
                state = .fixedBody(remaining: remaining - count)
                return take(count, &offset)
            case .chunkedBody(var decoder):
                let step = try asResponse { () throws(RequestFault) in try decoder.next(input, &offset) }
                state = .chunkedBody(decoder)
                switch step {
                case .needsMore: return .needsMore
                case .data(let range): return .body(range)
                case .end: return finish()
                }
            case .bodyUntilClose:
                guard offset < input.count else { return .needsMore }
                return take(input.count - offset, &offset)
            case .failed(let fault):
                throw fault
            }
        }
    }

    private func take(_ count: Int, _ offset: inout Int) -> Step {
        defer { offset += count }
        return .body(offset..<offset + count)
    }

    private mutating func finish() -> Step {
        state = .statusLine
        interimResponses = 0
        return .end
    }

    private mutating func readStatusLine(
        _ input: UnsafeRawBufferPointer, _ offset: inout Int
    ) throws(ResponseFault) -> Bool {
        let read = try asResponse { () throws(RequestFault) in
            try lines.read(
                input, &offset, contentBytesMax: limits.statusLineBytesMax, tooLong: .statusLineTooLong,
                use: StatusLine.init)
        }
        guard case .line(let line) = read else { return false }
        guard let line else { throw .invalidStatusLine }
        let section = FieldSection(
            bytesMax: limits.headerBytesMax, fieldsMax: limits.headerFieldsMax, keepsFields: true)
        state = .fields(line, section)
        return true
    }

    /// Nil for an interim response, which is skipped.
    private mutating func endHead(_ line: StatusLine, _ headers: HeaderFields) throws(ResponseFault) -> Head? {
        guard line.status.code != 101 else { throw .unexpectedUpgrade }
        guard line.status.code >= 200 else {
            interimResponses += 1
            guard interimResponses <= limits.interimResponsesMax else { throw .tooManyInterimResponses }
            return nil
        }
        state = try asResponse { () throws(RequestFault) in try bodyState(line, headers) }
        var keepsAlive = !headers.lists("close", in: "connection")
        if line.version == .http10 { keepsAlive = keepsAlive && headers.lists("keep-alive", in: "connection") }
        if case .bodyUntilClose = state { keepsAlive = false }
        return Head(status: line.status, version: line.version, headers: headers, keepsAlive: keepsAlive)
    }

    /// RFC 9112, 6.3, as strict as for requests.
    private func bodyState(_ line: StatusLine, _ headers: HeaderFields) throws(RequestFault) -> State {
        if answersHead || line.status.forbidsBody { return .fixedBody(remaining: 0) }
        switch try BodyFraming(version: line.version, headers: headers, bodyBytesMax: Int.max - 1) {
        case .length(let length): return .fixedBody(remaining: length)
        case .chunked:
            return .chunkedBody(ChunkedDecoder(limits: RequestLimits(), bodyBytesMax: Int.max - 1))
        case .none:
            return headers.contains("content-length") ? .fixedBody(remaining: 0) : .bodyUntilClose
        }
    }
}

/// The first line of a response (RFC 9112, 4): the reason phrase is read over.
private struct StatusLine: Sendable {
    let version: Version
    let status: Status

    init?(_ line: UnsafeRawBufferPointer) {
        guard line.count >= 12, line.starts(with: "HTTP/1.".utf8), line[8] == ASCII.space else { return nil }
        switch line[7] {
        case ASCII.zero: version = .http10
        case ASCII.zero + 1: version = .http11
        default: return nil
        }
        guard let code = ASCII.decimal(line[9..<12]), 100...999 ~= code else { return nil }
        // The space in front of the phrase is left out by some servers where there is no phrase.
        guard line.count == 12 || line[12] == ASCII.space else { return nil }
        guard line[12...].allSatisfy(ASCII.isFieldValue) else { return nil }
        status = Status(Int(code))
    }
}

/// Turns the faults of the parts that both parsers share into the client's.
private func asResponse<Value>(_ body: () throws(RequestFault) -> Value) throws(ResponseFault) -> Value {
    do throws(RequestFault) {
        return try body()
    } catch {
        throw ResponseFault(error)
    }
}
