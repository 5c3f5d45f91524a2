import FuzzEntries
import HTTP
import Testing

struct RequestParserTests {
    private func request(_ text: String) throws -> Request {
        let outcome = RequestOutcome.parsing([UInt8](text.utf8))
        #expect(outcome.fault == nil)
        return try #require(outcome.requests.first)
    }

    @Test func `the path and the query are decoded`() throws {
        let request = try request("GET /a%2Fb/%C3%A9/?q=%20x+y&q=2&&bare HTTP/1.1\r\nHost: A.example:80\r\n\r\n")
        #expect(request.path == ["a/b", "é", ""])
        #expect(request.query.map(\.name) == ["q", "q", "bare"])
        #expect(request.query.map(\.value) == [" x y", "2", ""])
        #expect(request.queryValue("q") == " x y")
        #expect(request.queryValue("z") == nil)
        #expect(request.authority == Authority("a.example:80"))
    }

    @Test func `a plus is a plus in the path`() throws {
        #expect(try request("GET /a+b HTTP/1.1\r\nHost: a\r\n\r\n").path == ["a+b"])
    }

    @Test func `the root has no segments`() throws {
        #expect(try request("GET / HTTP/1.1\r\nHost: a\r\n\r\n").path == [])
        #expect(try request("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").path == [])
    }

    @Test(
        arguments: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "get", "PROPFIND", "GETS"])
    func `a method is the token that it was written as`(name: String) {
        #expect(Method(name).rawValue == name)
        #expect((Method(name) == .get) == (name == "GET"))
    }

    @Test func `a query is read by name, the first value of it`() throws {
        let request = try request("GET /a?x=%41+b&y&x=2&=3&z=%C3%A9 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(request.queryValue("x") == "A b")
        #expect(request.queryValue("y") == "")
        #expect(request.queryValue("") == "3")
        #expect(request.queryValue("z") == "é")
        #expect(request.queryValue("w") == nil)
        #expect(request.query.count == 5)
        #expect(request.target.raw == "/a?x=%41+b&y&x=2&=3&z=%C3%A9")
    }

    @Test func `an absolute target has the path of an origin target`() throws {
        let request = try request("GET http://a:80/x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(request.target.form == .absolute)
        #expect(request.path == ["x"])
        #expect(request.queryValue("y") == "1")
    }

    @Test func `header fields are found in any case and keep their order`() throws {
        let request = try request("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1 \r\nx-b: 2\r\nx-a:3\r\n\r\n")
        #expect(request.headers["X-a"] == "1")
        #expect(request.headers.values(of: "x-A") == ["1", "3"])
        #expect((0..<4).map(request.headers.name(at:)) == ["Host", "X-A", "x-b", "x-a"])
        #expect(request.headers["x-c"] == nil)
    }

    @Test(arguments: [
        ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.1", "Connection: x, CLOSE\r\n", false),
        ("1.0", "", false), ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false), ("1.1", "Connection: closer\r\n", true),
    ])
    func `the connection is kept as version and Connection say`(version: String, field: String, keeps: Bool) throws {
        #expect(try request("GET / HTTP/\(version)\r\nHost: a\r\n\(field)\r\n").keepsAlive == keeps)
    }

    @Test func `a client that expects 100 is told once, before its body`() {
        var parser = RequestParser()
        let head = [UInt8]("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n".utf8)
        #expect(parser.consume(head).step == .expectsContinue)
        #expect(parser.pending?.path == ["x"])
        #expect(parser.phase == .body)
        #expect(parser.consume([0x68]).step == .needsMore)
        guard case .request(let request) = parser.consume([0x69]).step else {
            Issue.record("no request")
            return
        }
        #expect(request.body == [0x68, 0x69])
        #expect(parser.pending == nil)
        #expect(parser.phase == .betweenRequests)
    }

    @Test func `the phase tells which timeout applies`() {
        var parser = RequestParser()
        #expect(parser.phase == .betweenRequests)
        for (text, phase) in [
            ("G", RequestParser.Phase.head), ("ET / HTTP/1.1\r\n", .head), ("Host: a\r\nContent-Length: 1\r\n", .head),
            ("\r\n", .body), ("x", .betweenRequests), ("\r\n", .head), ("\n", .failed),
        ] {
            _ = parser.consume([UInt8](text.utf8))
            #expect(parser.phase == phase, "\(text)")
        }
    }

    @Test func `bytes of the next request are left alone`() {
        let text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /"
        var parser = RequestParser()
        #expect(parser.consume([UInt8](text.utf8)).consumed == text.utf8.count - 5)
    }

    @Test func `after a fault nothing more is read`() {
        var parser = RequestParser()
        guard case .fault(let fault) = parser.consume([UInt8]("\n".utf8)).step else {
            Issue.record("no fault")
            return
        }
        let (step, consumed) = parser.consume([UInt8]("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        #expect(step == .fault(fault))
        #expect(consumed == 0)
    }
}
