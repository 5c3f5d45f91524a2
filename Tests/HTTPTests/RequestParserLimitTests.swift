import FuzzEntries
import HTTP
import Testing

/// Each limit at its value and one past it, in one piece and cut.
struct RequestParserLimitTests {
    private func code(_ text: String, _ limits: RequestLimits = RequestLimits()) -> String? {
        let bytes = [UInt8](text.utf8)
        let whole = RequestOutcome.parsing(bytes, limits: limits)
        for count in [1, 7, 4096] {
            #expect(RequestOutcome.parsing(bytes, inPiecesOf: count, limits: limits) == whole, "pieces of \(count)")
        }
        #expect(whole.fault != nil || whole.requests.count == 1)
        return whole.fault.map { "\($0.status) \($0.code)" }
    }

    private func chunked(_ body: String) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)"
    }

    @Test func `the defaults are the documented ones`() {
        let limits = RequestLimits()
        #expect(limits.requestLineBytesMax == 8192)
        #expect(limits.headerBytesMax == 32768)
        #expect(limits.headerFieldsMax == 100)
        #expect(limits.bodyBytesMax == 8_388_608)
    }

    @Test func `a request line may have 8 KiB`() {
        func request(_ bytes: Int) -> String {
            "GET /\(String(repeating: "x", count: bytes - 14)) HTTP/1.1\r\nHost: a\r\n\r\n"
        }
        #expect(code(request(8192)) == nil)
        #expect(code(request(8193)) == "414 request_line_too_long")
    }

    @Test func `an endless request line is refused without its end`() {
        #expect(code("GET /" + String(repeating: "x", count: 8188)) == "414 request_line_too_long")
    }

    @Test func `header fields may have 32 KiB`() {
        func request(_ bytes: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: bytes - 14))\r\n\r\n"
        }
        #expect(code(request(32768)) == nil)
        #expect(code(request(32769)) == "431 header_too_large")
    }

    @Test func `many short fields count together`() {
        var limits = RequestLimits()
        limits.headerBytesMax = 9 + 3 * 6
        let fields = String(repeating: "X: y\r\n", count: 3)
        #expect(code("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n", limits) == nil)
        #expect(code("GET / HTTP/1.1\r\nHost: a\r\n\(fields)X:\r\n\r\n", limits) == "431 header_too_large")
    }

    @Test func `a head may have 100 fields`() {
        func request(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: count - 1))\r\n"
        }
        #expect(code(request(100)) == nil)
        #expect(code(request(101)) == "431 too_many_header_fields")
    }

    @Test func `a body of too large a Content-Length is refused before it is read`() {
        var limits = RequestLimits()
        limits.bodyBytesMax = 4
        #expect(code("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", limits) == nil)
        #expect(code("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", limits) == "413 body_too_large")
        #expect(code("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8388609\r\n\r\n") == "413 body_too_large")
    }

    @Test func `the chunks of a body count together`() {
        var limits = RequestLimits()
        limits.bodyBytesMax = 4
        #expect(code(chunked("2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n"), limits) == nil)
        #expect(code(chunked("2\r\nbo\r\n3\r\n"), limits) == "413 body_too_large")
    }

    @Test func `trailers may have 8 KiB`() {
        func request(_ bytes: Int) -> String { chunked("0\r\nX: \(String(repeating: "x", count: bytes - 5))\r\n\r\n") }
        #expect(code(request(8192)) == nil)
        #expect(code(request(8193)) == "431 header_too_large")
    }

    @Test func `trailers may have 100 fields`() {
        func request(_ count: Int) -> String { chunked("0\r\n\(String(repeating: "X: y\r\n", count: count))\r\n") }
        #expect(code(request(100)) == nil)
        #expect(code(request(101)) == "431 too_many_header_fields")
    }

    @Test func `a chunk size line may have 256 bytes`() {
        func request(_ bytes: Int) -> String { chunked("0;\(String(repeating: "x", count: bytes - 2))\r\n\r\n") }
        #expect(code(request(256)) == nil)
        #expect(code(request(257)) == "400 chunk_line_too_long")
    }

    @Test func `the chunk extensions of a body count together`() {
        var limits = RequestLimits()
        limits.chunkExtensionBytesMax = 6
        #expect(code(chunked("1;a\r\nx\r\n1;b\r\ny\r\n0;c\r\n\r\n"), limits) == nil)
        #expect(code(chunked("1;a\r\nx\r\n1;b\r\ny\r\n0;cc\r\n\r\n"), limits) == "400 chunk_extensions_too_large")
    }

    @Test func `a query may have 100 items`() {
        func request(_ count: Int) -> String {
            "GET /?\(String(repeating: "a=b&", count: count)) HTTP/1.1\r\nHost: a\r\n\r\n"
        }
        #expect(code(request(100)) == nil)
        #expect(code(request(101)) == "400 too_many_query_items")
    }
}
