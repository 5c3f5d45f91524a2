import Client
import HTTP
import JSON
import Linux
import Testing

@Suite struct APIClientTests {
    @Test func `an answer is read the same wherever it is split`() throws {
        let body = #"{"items":[],"next_cursor":null}"#
        let text =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\(body.prefix(5))\r\n"
            + "\(String(body.utf8.count - 5, radix: 16))\r\n\(body.dropFirst(5))\r\n0\r\n\r\n"
        let bytes = Array(text.utf8)
        let splits = Array(1..<bytes.count)
        let server = try ScriptedServer(splits.map { .init([Array(bytes[..<$0]), Array(bytes[$0...])]) })
        for split in splits {
            let response = try server.client.call(ClientRequest(.get, ["api", "graphs"]))
            #expect(response.body == Array(body.utf8), "split at \(split)")
        }
        server.finish()
    }

    @Test func `a request says what is needed and escapes what is given`() throws {
        let server = try ScriptedServer([.answer("200 OK", body: "{}"), .answer("200 OK", body: "{}")])
        let client = APIClient(server.address, token: "secret")
        _ = try client.call(
            ClientRequest(.put, ["api", "graphs", "a/b c?"], query: [("q", "x&y")], body: .json(["k": 1])))
        _ = try client.call(ClientRequest(.post, ["x"]))
        server.finish()
        let lines = server.received[0].split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "PUT /api/graphs/a%2Fb%20c%3F?q=x%26y HTTP/1.1")
        for line in [
            "Host: localhost", "Accept: application/json", "Authorization: Bearer secret",
            "Content-Type: application/json", "Content-Length: 7",
        ] {
            #expect(lines.contains { $0 == line }, "\(line)")
        }
        #expect(lines.last == #"{"k":1}"#)
        #expect(server.received[1].contains("Content-Length: 0\r\n"))
    }

    @Test func `a problem says what to do and what is wrong where`() throws {
        let problem = """
            {"type":"about:blank","title":"Unprocessable","status":422,"detail":"The document has a fault; see errors.",\
            "code":"invalid_graph","errors":[{"pointer":"/nodes/0/kind","message":"unknown kind"}]}
            """
        let server = try ScriptedServer([
            .answer("422 Unprocessable Content", "application/problem+json", body: problem)
        ])
        let error = #expect(throws: ClientError.self) { _ = try server.client.call(ClientRequest(.get, ["x"])) }
        #expect(
            error?.description == "The document has a fault; see errors.\n  /nodes/0/kind: unknown kind")
        #expect(error?.name == "refused")
    }

    @Test func `an error of another server is told by its status`() throws {
        let server = try ScriptedServer([
            .answer("502 Bad Gateway", "text/html", body: "<h1>no</h1>"),
            .answer("404 Not Found", "text/plain", body: "nothing here"),
        ])
        let first = #expect(throws: ClientError.self) { _ = try server.client.call(ClientRequest(.get, ["x"])) }
        #expect(first?.description == "the server answered 502 Bad Gateway")
        let second = #expect(throws: ClientError.self) { _ = try server.client.call(ClientRequest(.get, ["x"])) }
        #expect(second?.description == "the server answered 404 Not Found: nothing here")
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nX: \(String(repeating: "a", count: 40_000))\r\n\r\n",
        String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 9),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \u{1B}[31m\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
    ])
    func `a hostile answer is refused`(_ text: String) throws {
        let server = try ScriptedServer([.init(text)])
        let error = #expect(throws: ClientError.self) { _ = try server.client.send(ClientRequest(.get, ["x"])) }
        #expect(error?.name == "malformed")
    }

    @Test func `a head without end is not read for ever`() throws {
        let endless = Array(
            repeatElement(Array("X: \(String(repeating: "y", count: 1000))\r\n".utf8), count: 100).joined())
        let server = try ScriptedServer([.init([Array("HTTP/1.1 200 OK\r\n".utf8) + endless])])
        #expect(throws: ClientError.self) { _ = try server.client.send(ClientRequest(.get, ["x"])) }
    }

    @Test func `an answer of the largest size is taken, one byte more is not`() throws {
        let head = "HTTP/1.1 200 OK\r\n\r\n"
        for (count, isTaken) in [(APIClient.bodyBytesMax, true), (APIClient.bodyBytesMax + 1, false)] {
            let body = [UInt8](repeating: 0x20, count: count)
            let server = try ScriptedServer([.init([Array(head.utf8), body])])
            if isTaken {
                #expect(try server.client.send(ClientRequest(.get, ["x"])).body.count == count)
            } else {
                let error = #expect(throws: ClientError.self) { _ = try server.client.send(ClientRequest(.get, ["x"])) }
                #expect(error == .tooLarge("the answer", bytesMax: APIClient.bodyBytesMax))
            }
        }
    }

    @Test(arguments: [
        ("https://mill.example.org/api/x?y=1", "https://mill.example.org"),
        ("https://h:8443/mill/api/x", "https://h:8443/mill"), ("http://h/sign-in?to=/api/x", "http://h"),
    ])
    func `a redirect is told as the address to name`(_ location: String, _ address: String) throws {
        let server = try ScriptedServer([
            .init("HTTP/1.1 308 Permanent Redirect\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")
        ])
        let error = #expect(throws: ClientError.self) { _ = try server.client.send(ClientRequest(.get, ["api", "x"])) }
        #expect(error == .elsewhere(server.address.description, try: address))
    }

    @Test func `a connection that breaks within the answer is an error`() throws {
        let server = try ScriptedServer([.init("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), .init("")])
        for _ in 0..<2 {
            let error = #expect(throws: ClientError.self) { _ = try server.client.send(ClientRequest(.get, ["x"])) }
            #expect(error?.name == "connectionLost")
        }
    }

    @Test func `an interruption ends the wait`() throws {
        let counter = try EventCounter()
        counter.signal()
        let listener = try Socket.listen(at: .unix("@millrace-client-test-silent"))
        let address = try #require(ServerAddress("unix:@millrace-client-test-silent"))
        let client = APIClient(address, interruptDescriptor: counter.descriptor.raw)
        let error = #expect(throws: ClientError.self) { _ = try client.send(ClientRequest(.get, ["x"])) }
        #expect(error == .interrupted)
        _ = listener.raw
    }

    @Test func `the first address that answers is taken`() throws {
        let absent = try #require(ServerAddress("unix:@millrace-client-test-absent"))
        let server = try ScriptedServer([.init("")])
        #expect(try APIClient.firstReachable(among: [absent, server.address]) == server.address)
    }

    @Test func `where nothing answers, every address that was tried is named`() throws {
        let listener = try Socket.listen(at: .ipv4(0x7F00_0001, port: 0))
        let port = try #require(try listener.localAddress().port)
        try listener.close()
        let addresses = ["unix:@millrace-client-test-absent", "127.0.0.1:\(port)"].compactMap { ServerAddress($0) }
        let error = #expect(throws: ClientError.self) { _ = try APIClient.firstReachable(among: addresses) }
        #expect(
            error?.description
                == "no daemon answers at unix:@millrace-client-test-absent (Connection refused) or "
                + "http://127.0.0.1:\(port) (Connection refused); start it with: millrace serve")
    }
}
