import Linux
import Testing

@testable import HTTPClient

@Suite struct HTTPClientTests {
    @Test func `a request is sent as it was given, and its response comes whole`() async throws {
        let server = try LoopbackServer { _ in LoopbackServer.answer("201 Created", ["X-Word: yes"], body: "hello") }
        let client = try HTTPClient.started()
        var request = OutgoingRequest(method: "PUT", url: server.url + "/a%2Fb?c=d", body: Array("body".utf8))
        request.fields = [("X-Asked", "this"), ("X-Empty", "")]
        let outcome = await client.fetch(request)
        client.stop()
        server.stop()
        #expect(outcome.error == nil)
        #expect(outcome.head?.status == 201)
        #expect(outcome.head?["x-word"] == "yes")
        #expect(outcome.body == "hello")
        let sent = try #require(server.received.first)
        #expect(sent.hasPrefix("PUT /a%2Fb?c=d HTTP/1.1\r\n"))
        #expect(sent.contains("\r\nX-Asked: this\r\n"))
        #expect(sent.contains("\r\nX-Empty:\r\n"))
        #expect(!sent.contains("Expect:") && !sent.contains("Content-Type:"))
        #expect(sent.hasSuffix("\r\n\r\nbody"))
    }

    @Test func `redirects are followed, and only so many`() async throws {
        let server = try LoopbackServer { request in
            let step = request.firstMatch(of: /^[A-Z]+ \/([0-9]+)/).flatMap { Int($0.1) } ?? 0
            guard step > 0 else { return LoopbackServer.answer(body: "there") }
            return LoopbackServer.answer("302 Found", ["Location: \(step - 1)"], body: "unread")
        }
        let client = try HTTPClient.started()
        let five = await client.get(server.url + "/5")
        let six = await client.get(server.url + "/6")
        client.stop()
        server.stop()
        #expect((five.error, five.body) == (nil, "there"))
        #expect(six.error == .tooManyRedirects(max: 5))
        #expect(six.head == nil)
    }

    @Test func `another server gets to see no credentials`() async throws {
        let other = try LoopbackServer { _ in LoopbackServer.answer(body: "other") }
        let server = try LoopbackServer { [url = other.url] _ in
            LoopbackServer.answer("307 Temporary Redirect", ["Location: \(url)/x"])
        }
        let client = try HTTPClient.started()
        var request = OutgoingRequest(method: "POST", url: server.url, body: Array("b".utf8))
        request.fields = [("Authorization", "Bearer k"), ("X-Key", "s"), ("X-Plain", "p")]
        request.confidentialFields = ["x-key"]
        let outcome = await client.fetch(request)
        client.stop()
        server.stop()
        other.stop()
        #expect(outcome.body == "other")
        let first = try #require(server.received.first)
        let second = try #require(other.received.first)
        #expect(first.contains("Authorization: Bearer k") && first.contains("X-Key: s"))
        #expect(!second.contains("Bearer") && !second.contains("X-Key"))
        #expect(second.contains("X-Plain: p") && second.hasPrefix("POST /x ") && second.hasSuffix("\r\n\r\nb"))
    }

    @Test(arguments: ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"])
    func `a denied address is not connected to, however it is written`(host: String) async throws {
        let server = try LoopbackServer { _ in LoopbackServer.answer() }
        let client = try HTTPClient.started(denying: ClientSettings.deniedByDefault)
        let outcome = await client.get("http://\(host):\(server.port)/")
        client.stop()
        server.stop()
        guard case .denied = outcome.error else { return _ = Issue.record("\(String(describing: outcome.error))") }
        #expect(server.received == [])
    }

    @Test func `a redirect leads to no denied address either`() async throws {
        let server = try LoopbackServer { _ in LoopbackServer.answer("302 Found", ["Location: http://127.0.0.2:1/"]) }
        let client = try HTTPClient.started(denying: ["127.0.0.2"])
        let outcome = await client.get(server.url)
        client.stop()
        server.stop()
        #expect(outcome.error == .denied(address: "127.0.0.2", host: "127.0.0.2"))
    }

    @Test func `what an operator has chosen may be anywhere, and lends its connections to nobody else`() async throws {
        let server = try LoopbackServer { _ in "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx" }
        let client = try HTTPClient.started(denying: ClientSettings.deniedByDefault)
        var request = OutgoingRequest(method: "GET", url: server.url)
        request.isOperators = true
        let outcome = await client.fetch(request)
        let other = await client.get(server.url)
        client.stop()
        server.stop()
        #expect(outcome.body == "x")
        #expect(other.error == .denied(address: "127.0.0.1", host: "127.0.0.1"))
    }

    @Test(arguments: ["file:///etc/passwd", "ftp://h/", "gopher://h/", "http://", "nonsense", "http://h:99999/"])
    func `what is no web address is refused`(url: String) async throws {
        let client = try HTTPClient.started()
        let outcome = await client.get(url)
        client.stop()
        guard case .badURL = outcome.error else { return _ = Issue.record("\(String(describing: outcome.error))") }
    }

    @Test func `a head without end ends the transfer`() async throws {
        let fields = (0..<2000).map { "X-\($0): " + String(repeating: "y", count: 64) }
        let server = try LoopbackServer { _ in LoopbackServer.answer("200 OK", fields) }
        let client = try HTTPClient.started()
        let outcome = await client.get(server.url)
        client.stop()
        server.stop()
        #expect(outcome.error == .headTooLong(bytesMax: ClientSettings.headBytesMax))
    }

    @Test func `a receiver that wants no more gets no more`() async throws {
        let server = try LoopbackServer { _ in LoopbackServer.answer(body: String(repeating: "z", count: 1 << 20)) }
        let client = try HTTPClient.started()
        let outcome = await client.fetch(OutgoingRequest(method: "GET", url: server.url), bytesMax: 100_000)
        client.stop()
        server.stop()
        #expect(outcome.error == .refused)
        #expect(outcome.body.utf8.count < 200_000)
    }

    @Test func `a cancel and a stop end what waits`() async throws {
        let server = try LoopbackServer { _ in nil }
        let client = try HTTPClient.started()
        let (first, second) = (Gathering(), Gathering())
        let handle = client.send(OutgoingRequest(method: "GET", url: server.url), to: first)
        _ = client.send(OutgoingRequest(method: "GET", url: server.url), to: second)
        handle.cancel()
        #expect(await first.outcome.error == .cancelled)
        client.stop()
        #expect(await second.outcome.error == .stopped("the daemon is stopping"))
        #expect(await client.get(server.url).error == .stopped("the daemon is stopping"))
        server.stop()
    }

    @Test func `a name that nobody knows is told`() async throws {
        let client = try HTTPClient.started()
        let outcome = await client.get("http://no-such-name.invalid/")
        client.stop()
        guard case .nameNotFound(let host, _) = outcome.error else {
            return _ = Issue.record("\(String(describing: outcome.error))")
        }
        #expect(host == "no-such-name.invalid")
    }

    @Test func `a response that breaks off is none`() async throws {
        let server = try LoopbackServer { _ in "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf" }
        let client = try HTTPClient.started()
        let outcome = await client.get(server.url)
        client.stop()
        server.stop()
        guard case .broken = outcome.error else { return _ = Issue.record("\(String(describing: outcome.error))") }
    }
}
