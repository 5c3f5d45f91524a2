/// The head of a response and how it is written (RFC 9112, 4). Framing fields are the writer's: `Content-Length`,
/// `Transfer-Encoding` and `Connection` follow from what is sent and must not be among `headers`.
package struct ResponseHead: Sendable, Equatable {
    package var status: Status
    package var headers: HeaderFields
    /// The names, numbers and line ends of the status line, the date and the framing take less.
    private static let otherBytesMax = 160

    package init(_ status: Status, _ headers: HeaderFields = [:]) {
        self.status = status
        self.headers = headers
    }

    /// To whom a response goes: what decides on its framing besides itself.
    package struct Recipient: Sendable, Equatable {
        /// The response to a HEAD request has the fields of the one to GET, and no body.
        package let isHead: Bool
        package let version: Version
        /// False to say that the connection will be closed.
        package let keepsAlive: Bool

        package init(isHead: Bool = false, version: Version = .http11, keepsAlive: Bool = true) {
            self.isHead = isHead
            self.version = version
            self.keepsAlive = keepsAlive
        }

        package init(_ request: borrowing Request) {
            self.init(isHead: request.method == .head, version: request.version, keepsAlive: request.keepsAlive)
        }
    }

    /// Appends head and body in one piece.
    ///
    /// - Parameters:
    ///   - body: must be empty where the status forbids one; not sent in answer to HEAD.
    ///   - date: the `Date` field's value (`HTTPDate`), which the caller keeps for a second.
    package func write(
        body: some Collection<UInt8>, to output: inout [UInt8], date: String, recipient: Recipient = Recipient()
    ) {
        precondition(!status.forbidsBody || body.isEmpty, "a \(status.code) has no body")
        appendHead(to: &output, date: date, addingCapacity: recipient.isHead ? 0 : body.count) { writer in
            writeConnection(to: &writer, recipient: recipient)
            guard !status.forbidsBody else { return }
            writer.write("Content-Length: ")
            writer.write(decimal: UInt64(body.count))
            writer.write("\r\n")
        }
        if !recipient.isHead { output.append(contentsOf: body) }
    }

    /// Appends the head of a body that is written piece by piece.
    ///
    /// - Returns: whether the pieces are to be written as chunks (`ChunkWriter`). Not so for HTTP/1.0, where the body
    ///   ends with the connection, which then must be closed; and in answer to HEAD nothing more must be written.
    package func writeStreaming(to output: inout [UInt8], date: String, recipient: Recipient = Recipient()) -> Bool {
        precondition(!status.forbidsBody, "a \(status.code) has no body")
        let isChunked = recipient.version == .http11
        let keepsAlive = recipient.keepsAlive && (isChunked || recipient.isHead)
        let recipient = Recipient(isHead: recipient.isHead, version: recipient.version, keepsAlive: keepsAlive)
        appendHead(to: &output, date: date, addingCapacity: 0) { writer in
            writeConnection(to: &writer, recipient: recipient)
            if isChunked { writer.write("Transfer-Encoding: chunked\r\n") }
        }
        return isChunked
    }

    /// The interim response that asks for the body (RFC 9110, 15.2.1).
    package static func writeContinue(to output: inout [UInt8]) {
        output.append(contentsOf: "HTTP/1.1 100 Continue\r\n\r\n".utf8)
    }

    /// - Parameters:
    ///   - capacity: room for what follows.
    ///   - writeFraming: writes the fields that are not among `headers`.
    @inline(__always)
    private func appendHead(
        to output: inout [UInt8], date: String, addingCapacity capacity: Int, writeFraming: (inout RawWriter) -> Void
    ) {
        assert(!headers.contains("content-length"), "Content-Length is the writer's own")
        assert(!headers.contains("transfer-encoding"), "Transfer-Encoding is the writer's own")
        let reason = status.reason
        let headBytesMax = headers.writtenBytes + reason.utf8.count + date.utf8.count + Self.otherBytesMax
        output.append(addingCapacity: headBytesMax + capacity) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                var writer = RawWriter(buffer: UnsafeMutableRawBufferPointer(buffer), offset: initialized)
                writer.write("HTTP/1.1 ")
                writer.write(decimal: UInt64(status.code))
                writer.write(" ")
                writer.write(text: reason)
                writer.write("\r\nDate: ")
                writer.write(text: date)
                writer.write("\r\n")
                headers.write(to: &writer)
                writeFraming(&writer)
                writer.write("\r\n")
                initialized = writer.offset
            }
        }
    }

    /// Says what is not the version's default. A `Connection: keep-alive` among the fields is promised by the contract
    /// of streams; it must not stand beside a `close`.
    private func writeConnection(to writer: inout RawWriter, recipient: Recipient) {
        if !recipient.keepsAlive {
            precondition(!headers.contains("connection"), "the connection is closed: leave out the Connection field")
            writer.write("Connection: close\r\n")
        } else if recipient.version == .http10, !headers.contains("connection") {
            writer.write("Connection: keep-alive\r\n")
        }
    }
}

extension [UInt8] {
    mutating func append(literal: StaticString) {
        append(contentsOf: UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    mutating func appendDecimal(_ value: UInt64) {
        if value >= 10 { appendDecimal(value / 10) }
        append(ASCII.zero + UInt8(value % 10))
    }
}
