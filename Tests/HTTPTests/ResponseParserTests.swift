import HTTP
import Testing

struct ResponseParserTests {
    private struct Reading: Equatable {
        var heads: [ResponseParser.Head] = []
        var body: [UInt8] = []
        var ends = 0
        var fault: String?
    }

    /// Reads `text` in pieces of `count` bytes, and the end of the connection behind it.
    private func read(_ text: String, inPiecesOf count: Int, answersHead: Bool = false) -> Reading {
        var parser = ResponseParser()
        parser.answersHead = answersHead
        var reading = Reading()
        let bytes = [UInt8](text.utf8)
        for start in stride(from: 0, to: bytes.count, by: count) {
            let piece = Array(bytes[start..<min(start + count, bytes.count)])
            guard feed(piece, to: &parser, &reading) else { return reading }
        }
        switch parser.close() {
        case .end: reading.ends += 1
        case .fault(let fault): reading.fault = fault.code
        default: break
        }
        return reading
    }

    private func feed(_ piece: [UInt8], to parser: inout ResponseParser, _ reading: inout Reading) -> Bool {
        var offset = 0
        while true {
            let (step, consumed) = piece.withUnsafeBytes {
                parser.consume(UnsafeRawBufferPointer(rebasing: $0[offset...]))
            }
            switch step {
            case .needsMore: return true
            case .head(let head): reading.heads.append(head)
            case .body(let range): reading.body += piece[(offset + range.lowerBound)..<(offset + range.upperBound)]
            case .end: reading.ends += 1
            case .fault(let fault):
                reading.fault = fault.code
                return false
            }
            offset += consumed
        }
    }

    private func read(_ text: String, answersHead: Bool = false) -> Reading {
        let whole = read(text, inPiecesOf: max(1, text.utf8.count), answersHead: answersHead)
        for count in 1...max(1, text.utf8.count) {
            #expect(read(text, inPiecesOf: count, answersHead: answersHead) == whole, "pieces of \(count)")
        }
        return whole
    }

    @Test func `a response of known length is followed by the next`() {
        let reading = read(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        #expect(reading.heads.map(\.status) == [200, 404])
        #expect(reading.heads.map(\.keepsAlive) == [true, true])
        #expect(reading.body == Array("hi".utf8))
        #expect(reading.ends == 2 && reading.fault == nil)
    }

    @Test func `a chunked body is decoded`() {
        let reading = read(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000002\r\nhi\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n")
        #expect(reading.body == Array("hi!".utf8))
        #expect(reading.ends == 1 && reading.fault == nil)
    }

    @Test func `a body without a length ends with the connection`() {
        let reading = read("HTTP/1.0 200 OK\r\n\r\nhi")
        #expect(reading.body == Array("hi".utf8))
        #expect(reading.ends == 1 && reading.heads.map(\.keepsAlive) == [false])
    }

    @Test func `interim responses are skipped`() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\n"
        let reading = read("\(interim)HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        #expect(reading.heads.map(\.status) == [204])
        #expect(reading.ends == 1)
        let final = "HTTP/1.1 204 No Content\r\n\r\n"
        #expect(read(String(repeating: interim, count: 8) + final).fault == nil)
        #expect(read(String(repeating: interim, count: 9) + final).fault == "too_many_interim_responses")
    }

    @Test func `the answer to HEAD has no body`() {
        let reading = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", answersHead: true)
        #expect(reading.ends == 1 && reading.fault == nil)
    }

    @Test(arguments: [
        ("HTTP/2 200\r\n\r\n", "invalid_status_line"), ("HTTP/1.1 20\r\n\r\n", "invalid_status_line"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "invalid_status_line"), ("SSH-2.0-x\r\n", "invalid_status_line"),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "unexpected_upgrade"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "truncated"), ("HTTP/1.1 200 OK\r\nX", "truncated"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "truncated"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "repeated_content_length"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "unsupported_transfer_coding"),
        ("HTTP/1.1 200 OK\r\nX: a\nb\r\n\r\n", "bare_line_feed"),
    ])
    func `a broken response is a fault`(text: String, code: String) {
        #expect(read(text).fault == code)
    }

    @Test func `status line and fields are bounded`() {
        func phrase(_ count: Int) -> String { "HTTP/1.1 204 \(String(repeating: "x", count: count - 13))\r\n\r\n" }
        #expect(read(phrase(1024), inPiecesOf: 100).fault == nil)
        #expect(read(phrase(1025), inPiecesOf: 100).fault == "status_line_too_long")
        func fields(_ count: Int) -> String {
            "HTTP/1.1 204 x\r\n\(String(repeating: "X: y\r\n", count: count))\r\n"
        }
        #expect(read(fields(100), inPiecesOf: 100).fault == nil)
        #expect(read(fields(101), inPiecesOf: 100).fault == "too_many_header_fields")
    }

    @Test func `what is written is read back`() {
        var output: [UInt8] = []
        _ = ResponseHead(201, ["Location": "/x"]).writeStreaming(to: &output, date: "now")
        ChunkWriter.append("one".utf8, to: &output)
        ChunkWriter.append("two".utf8, to: &output)
        output += ChunkWriter.lastChunk
        let reading = read(String(decoding: output, as: UTF8.self))
        #expect(reading.heads.first?.headers["location"] == "/x")
        #expect(reading.body == Array("onetwo".utf8) && reading.ends == 1)
    }
}
