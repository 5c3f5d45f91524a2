/// Reads the requests of one connection (RFC 9112): bytes in, requests or one fault out, no I/O.
///
/// It goes line by line, each parsed where it lies as soon as it is whole; only an unfinished line and the body are
/// kept. A fault depends on the bytes before it alone, so that the outcome is the same however they were cut.
///
///     while offset < input.count {
///         let (step, consumed) = parser.consume(input from offset)
///         offset += consumed
///         switch step { … }
///     }
package struct RequestParser: ~Copyable, Sendable {
    private let limits: RequestLimits
    private var state = State.start(skippedEmptyLine: false)
    private var lines = LineReader()
    /// Of the head that is being read.
    private var line: RequestLine?
    private var section: FieldSection
    /// Of the body that is being read, if it comes in chunks.
    private var decoder: ChunkedDecoder?
    /// The request whose body is being read: for a decision on its head, once `expectsContinue` was returned.
    package private(set) var pending: Request?

    private enum State: Sendable {
        case start(skippedEmptyLine: Bool)
        case fields
        case fixedBody(remaining: Int)
        case chunkedBody
        case failed(RequestFault)
    }

    package enum Step: Sendable, Equatable {
        /// All bytes were taken, and the request is not whole yet.
        case needsMore
        /// The head is whole and its client waits for `100 Continue` (RFC 9110, 10.1.1). Send one, or a final response
        /// and close; the 100 may be left out if bytes of the body are there already. Then go on consuming.
        case expectsContinue
        case request(Request)
        /// Nothing more will be read: send it and close.
        case fault(RequestFault)
    }

    /// What the parser waits for: tells the caller which timeout applies.
    package enum Phase: Sendable, Equatable {
        case betweenRequests
        case head
        case body
        case failed
    }

    package init(limits: RequestLimits = RequestLimits()) {
        self.limits = limits
        section = FieldSection(bytesMax: limits.headerBytesMax, fieldsMax: limits.headerFieldsMax, keepsFields: true)
    }

    package var phase: Phase {
        switch state {
        case .start(let skippedEmptyLine): skippedEmptyLine || lines.isInLine ? .head : .betweenRequests
        case .fields: .head
        case .fixedBody, .chunkedBody: .body
        case .failed: .failed
        }
    }

    /// What the body that is being read will have at least: what was announced, or what has come in chunks.
    package var bodyBytesExpected: Int {
        if case .fixedBody(let remaining) = state { return bodyBytesRead + remaining }
        return bodyBytesRead
    }

    /// What has come of it.
    package var bodyBytesRead: Int { pending?.body.count ?? 0 }

    /// Takes bytes up to the end of a request, and no further: what is left belongs to the next one.
    package mutating func consume(_ input: UnsafeRawBufferPointer) -> (step: Step, consumed: Int) {
        var offset = 0
        do throws(RequestFault) {
            return (try advance(input, &offset), offset)
        } catch {
            state = .failed(error)
            pending = nil
            return (.fault(error), offset)
        }
    }

    private mutating func advance(_ input: UnsafeRawBufferPointer, _ offset: inout Int) throws(RequestFault) -> Step {
        while true {
            switch state {
            case .start(let skippedEmptyLine):
                guard try readRequestLine(input, &offset, skippedEmptyLine: skippedEmptyLine) else { return .needsMore }
            case .fields:
                guard try section.read(input, &offset, lines: &lines) else { return .needsMore }
                if let step = try endHead() { return step }
            case .fixedBody(let remaining):
                return takeBody(remaining, input, &offset)
            case .chunkedBody:
                switch try decoder!.next(input, &offset) {
                case .needsMore: return .needsMore
                case .data(let range): pending?.body.append(contentsOf: input.part(range))
                case .end:
                    decoder = nil
                    return finish()
                }
            case .failed(let fault):
                throw fault
            }
        }
    }

    /// RFC 9112, 2.2: one empty line in front of a request is skipped (some clients send one after a body).
    private mutating func readRequestLine(
        _ input: UnsafeRawBufferPointer, _ offset: inout Int, skippedEmptyLine: Bool
    ) throws(RequestFault) -> Bool {
        guard offset < input.count else { return false }
        if !lines.isInLine { try check(firstByte: input[offset], skippedEmptyLine: skippedEmptyLine) }
        let queryItemsMax = limits.queryItemsMax
        var line: RequestLine?
        let read = try lines.read(
            input, &offset, contentBytesMax: limits.requestLineBytesMax,
            tooLong: .requestLineTooLong(limits.requestLineBytesMax)
        ) { bytes throws(RequestFault) in
            if !bytes.isEmpty { line = try RequestLine(bytes, queryItemsMax: queryItemsMax) }
        }
        guard case .line = read else { return false }
        state = line == nil ? .start(skippedEmptyLine: true) : .fields
        self.line = line
        return true
    }

    /// Tells another protocol (such as TLS) from HTTP at its first byte, instead of waiting for an LF in it.
    private func check(firstByte: UInt8, skippedEmptyLine: Bool) throws(RequestFault) {
        if firstByte == ASCII.lineFeed { throw .bareLineFeed }
        if firstByte == ASCII.carriageReturn {
            guard !skippedEmptyLine else { throw .invalidRequestLine }
            return
        }
        guard ByteSet.token.contains(firstByte) else { throw .invalidMethod }
    }

    private mutating func endHead() throws(RequestFault) -> Step? {
        guard let line = line.take() else { preconditionFailure("a head ends that never began") }
        let headers = section.takeFields()
        let framing = try BodyFraming(version: line.version, headers: headers, bodyBytesMax: limits.bodyBytesMax)
        pending = try Request(line: line, headers: headers)
        let expectations = line.version == .http11 ? headers.values(of: "expect") : []
        for expectation in expectations where expectation.lowercased() != "100-continue" { throw .unknownExpectation }
        switch framing {
        case .none:
            return finish()
        case .length(let length):
            // Grows with what arrives, not with what was announced.
            pending?.body.reserveCapacity(min(length, 64 * 1024))
            state = .fixedBody(remaining: length)
        case .chunked:
            decoder = ChunkedDecoder(limits: limits, bodyBytesMax: limits.bodyBytesMax)
            state = .chunkedBody
        }
        return expectations.isEmpty ? nil : .expectsContinue
    }

    private mutating func takeBody(_ remaining: Int, _ input: UnsafeRawBufferPointer, _ offset: inout Int) -> Step {
        let count = min(remaining, input.count - offset)
        pending?.body.append(contentsOf: input.part(offset..<offset + count))
        offset += count
        state = .fixedBody(remaining: remaining - count)
        return count == remaining ? finish() : .needsMore
    }

    private mutating func finish() -> Step {
        guard let request = pending.take() else { preconditionFailure("a request ends that never began") }
        state = .start(skippedEmptyLine: false)
        return .request(request)
    }
}

extension RequestParser {
    /// `consume` for bytes in an array, from `offset` on.
    package mutating func consume(_ input: [UInt8], from offset: Int = 0) -> (step: Step, consumed: Int) {
        input.withUnsafeBytes { consume($0.part(offset..<$0.count)) }
    }
}
