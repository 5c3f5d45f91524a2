import HTTP
import Testing

struct ResponseHeadTests {
    private let date = "Sun, 06 Nov 1994 08:49:37 GMT"

    private func written(
        _ head: ResponseHead, body: String = "", _ recipient: ResponseHead.Recipient = .init()
    ) -> String {
        var output: [UInt8] = []
        head.write(body: body.utf8, to: &output, date: date, recipient: recipient)
        return String(decoding: output, as: UTF8.self)
    }

    @Test func `a response is one buffer of head and body`() {
        #expect(
            written(ResponseHead(200, ["Content-Type": "text/plain"]), body: "hello") == """
                HTTP/1.1 200 OK\r\nDate: \(date)\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello
                """)
    }

    @Test func `the answer to HEAD has the length and no body`() {
        let text = written(ResponseHead(200), body: "hello", .init(isHead: true))
        #expect(text == "HTTP/1.1 200 OK\r\nDate: \(date)\r\nContent-Length: 5\r\n\r\n")
    }

    @Test(arguments: [204, 304])
    func `a status without a body has no length`(status: Int) {
        #expect(!written(ResponseHead(Status(status))).contains("Content-Length"))
    }

    @Test func `a body where none may be is a bug`() async {
        await #expect(processExitsWith: .failure) {
            var output: [UInt8] = []
            ResponseHead(204).write(body: [1], to: &output, date: "")
        }
    }

    @Test func `Connection says what is not the version's default`() {
        func connection(_ version: Version, _ keepsAlive: Bool) -> String {
            let text = written(ResponseHead(200), .init(version: version, keepsAlive: keepsAlive))
            return text.split(separator: "\r\n").first { $0.hasPrefix("Connection") }.map(String.init) ?? ""
        }
        #expect(connection(.http11, true) == "")
        #expect(connection(.http11, false) == "Connection: close")
        #expect(connection(.http10, true) == "Connection: keep-alive")
        #expect(connection(.http10, false) == "Connection: close")
    }

    @Test func `a stream is chunked, and ends with the connection in HTTP 1_0`() {
        var output: [UInt8] = []
        #expect(ResponseHead(200).writeStreaming(to: &output, date: date))
        #expect(String(decoding: output, as: UTF8.self).hasSuffix("Transfer-Encoding: chunked\r\n\r\n"))
        output = []
        #expect(!ResponseHead(200).writeStreaming(to: &output, date: date, recipient: .init(version: .http10)))
        #expect(String(decoding: output, as: UTF8.self).hasSuffix("Connection: close\r\n\r\n"))
    }

    @Test(arguments: ["a\rb", "a\nb", "a\r\nSet-Cookie: x", "a\0", "\u{7F}"])
    func `a value from outside cannot break out of its field`(value: String) {
        var headers = HeaderFields()
        #expect(throws: HeaderFields.FieldError.invalidValue(name: "X")) { try headers.addUntrusted("X", value) }
        #expect(headers.isEmpty)
    }

    @Test(arguments: ["", "a b", "a:", "a\r\n", "é"])
    func `a name from outside is a token`(name: String) {
        var headers = HeaderFields()
        #expect(throws: HeaderFields.FieldError.invalidName(name)) { try headers.addUntrusted(name, "x") }
    }

    @Test func `fields are found by their names in any case, and written in order`() {
        var headers: HeaderFields = ["Via": "a", "Content-Type": "x: y", "Empty": "", "via": "b"]
        headers.add("Location", "/x/", trusted: Array("1".utf8), "/events")
        #expect(headers.count == 5)
        #expect(headers["VIA"] == "a")
        #expect(headers.values(of: "Via") == ["a", "b"])
        #expect(headers.count(of: "via") == 2)
        #expect(headers["content-type"] == "x: y")
        #expect(headers["empty"] == "")
        #expect(headers["location"] == "/x/1/events")
        #expect(!headers.contains("vib") && !headers.contains("x"))
        #expect(headers.name(at: 1) == "Content-Type" && headers.value(at: 4) == "/x/1/events")
        let fields = "Via: a\r\nContent-Type: x: y\r\nEmpty: \r\nvia: b\r\nLocation: /x/1/events\r\n"
        #expect(written(ResponseHead(200, headers)).contains("\r\nDate: \(date)\r\n\(fields)Content-Length: 0\r\n"))
    }

    @Test func `a broken field of our own is a bug`() async {
        await #expect(processExitsWith: .failure) {
            var headers = HeaderFields()
            headers.add("X", "a\nb")
        }
    }

    @Test func `a framing field among the headers is a bug`() async {
        await #expect(processExitsWith: .failure) {
            var output: [UInt8] = []
            ResponseHead(200, ["content-length": "7"]).write(body: [], to: &output, date: "")
        }
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    ])
    func `dates are written as IMF-fixdate`(seconds: Int, text: String) {
        #expect(HTTPDate.text(unixSeconds: seconds) == text)
        #expect(HTTPDate.unixSeconds(text) == seconds)
    }

    @Test(arguments: [
        "", "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
    ])
    func `what is no such date is none`(text: String) {
        #expect(HTTPDate.unixSeconds(text) == nil)
    }
}
