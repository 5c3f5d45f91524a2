import Testing

@testable import HTTP

struct SSEParserTests {
    private func items(_ text: String, inPiecesOf count: Int) throws -> [SSEParser.Item] {
        var parser = SSEParser()
        var items: [SSEParser.Item] = []
        let bytes = [UInt8](text.utf8)
        for start in stride(from: 0, to: bytes.count, by: count) {
            try bytes[start..<min(start + count, bytes.count)].withUnsafeBytes {
                try parser.consume($0) { items.append($0) }
            }
        }
        return items
    }

    private func items(_ text: String) throws -> [SSEParser.Item] {
        let whole = try items(text, inPiecesOf: text.utf8.count)
        for count in 1...text.utf8.count { #expect(try items(text, inPiecesOf: count) == whole) }
        return whole
    }

    private func event(_ data: String, id: String = "", type: String = "message") -> SSEParser.Item {
        .event(SSEParser.Event(id: id, type: type, data: Array(data.utf8)))
    }

    @Test(arguments: ["\n", "\r", "\r\n"])
    func `lines end in LF, CR or CRLF`(end: String) throws {
        let text = ["id: 1", "data: a", "data: b", "", "data:c", "", ""].joined(separator: end)
        #expect(try items(text) == [event("a\nb", id: "1"), event("c", id: "1")])
    }

    @Test func `comments and retries are told as they come`() throws {
        #expect(
            try items("retry: 1500\n\n: keep-alive\n\nretry: 1x\nretry:\n\n")
                == [.retry(milliseconds: 1500), .comment("keep-alive")])
    }

    @Test func `one space behind the colon is left out, and a field may have no colon`() throws {
        #expect(try items("data:  a\n\ndata\n\ndata\ndata\n\n") == [event(" a"), event(""), event("\n")])
    }

    @Test func `a byte order mark is skipped at the start only`() throws {
        #expect(try items("\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n") == [event("a")])
    }

    @Test func `a type holds for one event`() throws {
        #expect(try items("event: x\ndata: a\n\ndata: b\n\n") == [event("a", type: "x"), event("b")])
        #expect(try items("event: x\n\ndata: b\n\n") == [event("b")])
    }

    @Test func `an id holds until the next, and one with NUL is none`() throws {
        #expect(
            try items("id: 7\n\ndata: a\n\nid: 8\0\ndata: b\n\nid\ndata: c\n\n")
                == [event("a", id: "7"), event("b", id: "7"), event("c")])
    }

    @Test func `unknown fields and an unfinished event are dropped`() throws {
        #expect(try items("foo: bar\ndata: a\n\ndata: b\n") == [event("a")])
    }

    @Test func `an event may have as many bytes as allowed`() throws {
        for (count, fits) in [(10, true), (11, false)] {
            var parser = SSEParser(eventBytesMax: 10)
            let line = [UInt8]("data:\(String(repeating: "x", count: count - 5))\n".utf8)
            let result = Result { try line.withUnsafeBytes { try parser.consume($0) { _ in } } }
            #expect(((try? result.get()) != nil) == fits)
        }
    }

    @Test func `written blocks are read back`() throws {
        var output: [UInt8] = []
        SSEWriter.appendRetry(milliseconds: 10, to: &output)
        SSEWriter.appendEvent(id: 5, data: Array("{}".utf8), to: &output)
        #expect(
            try items(String(decoding: output, as: UTF8.self)) == [.retry(milliseconds: 10), event("{}", id: "5")])
    }
}
