import Client
import HTTP
import JSON
import Linux
import Testing

@Suite struct EventStreamTests {
    private let location = "Location: /api/executions/E/events\r\n"

    private func block(_ seq: Int, _ type: String) -> String {
        "id: \(seq)\ndata: {\"type\":\"\(type)\",\"seq\":\(seq)}\n\n"
    }

    /// All events up to the end; one that does not come in time is an error.
    private func all(_ stream: EventStream) throws -> [String] {
        var events: [String] = []
        while true {
            switch try stream.next(timeoutMilliseconds: 20_000) {
            case .event(let event): events.append("\(event.seq.map(String.init) ?? "-") \(event.type)")
            case .idle:
                // A wait for the next attempt may end a moment early, never in vain.
                continue
            case .end: return events
            }
        }
    }

    @Test func `events come in order until the terminal one`() throws {
        let server = try ScriptedServer([
            .stream(["retry: 1\n\n" + block(1, "start"), ": keep-alive\n\n", block(2, "complete")], headers: location)
        ])
        let stream = try server.client.execute("g", initialState: ["a": 1], detail: .update)
        #expect(stream.executionID == "E")
        #expect(try all(stream) == ["1 start", "2 complete"])
        server.finish()
        #expect(server.received[0].hasPrefix("POST /api/graphs/g/execute/stream?state=update HTTP/1.1\r\n"))
        #expect(server.received[0].hasSuffix(#"{"initial_state":{"a":1}}"#))
    }

    @Test func `a stream is read the same wherever it is split`() throws {
        let reply = ScriptedServer.Reply.stream([block(1, "start"), block(2, "complete")], headers: location)
        let bytes = reply.pieces[0]
        let splits = Array(1..<bytes.count)
        let server = try ScriptedServer(splits.map { .init([Array(bytes[..<$0]), Array(bytes[$0...])]) })
        for split in splits {
            #expect(try all(server.client.events(of: "E")) == ["1 start", "2 complete"], "split at \(split)")
        }
    }

    @Test func `a broken stream is resumed after the last whole event, and by GET`() throws {
        let cut = "id: 3\ndata: {\"type\":\"node_comp"
        let server = try ScriptedServer([
            .stream(
                ["retry: 1\n\n", block(1, "start"), block(2, "node_start"), cut], headers: location, isWhole: false),
            .stream(["retry: 1\n\n"], isWhole: false),
            .stream([block(2, "node_start"), block(3, "node_complete")]),
            .stream([block(4, "complete")]),
        ])
        let stream = try server.client.execute("g", detail: .none)
        #expect(try all(stream) == ["1 start", "2 node_start", "3 node_complete", "4 complete"])
        server.finish()
        let heads = server.received.map { String($0.split(separator: "\r\n")[0]) }
        #expect(heads[0] == "POST /api/graphs/g/execute/stream?state=none HTTP/1.1")
        #expect(Set(heads.dropFirst()) == ["GET /api/executions/E/events?state=none HTTP/1.1"])
        let cursors = server.received.dropFirst().map {
            $0.firstMatch(of: /Last-Event-ID: ([0-9]+)/).map { String($0.1) }
        }
        #expect(cursors == ["2", "2", "3"])
    }

    @Test func `a POST is not repeated when the daemon has not said where to go on`() throws {
        let server = try ScriptedServer([.stream(["retry: 1\n\n", block(1, "start")], isWhole: false)])
        let stream = try server.client.execute("g")
        #expect(try stream.next(timeoutMilliseconds: 20_000) != .idle)
        let error = #expect(throws: ClientError.self) { _ = try stream.next(timeoutMilliseconds: 20_000) }
        #expect(error?.name == "connectionLost")
        server.finish()
        #expect(server.received.count == 1)
    }

    @Test func `a stream that never comes back is given up after a number of attempts`() throws {
        let broken = ScriptedServer.Reply.stream(["retry: 1\n\n"], isWhole: false)
        let server = try ScriptedServer(Array(repeating: broken, count: EventStream.attemptsMax + 1))
        let stream = try server.client.events(of: "E")
        #expect(throws: ClientError.self) { _ = try all(stream) }
        server.finish()
        #expect(server.received.count == EventStream.attemptsMax + 1)
        #expect(try stream.next(timeoutMilliseconds: 0) == .end)
    }

    @Test func `a busy daemon is asked again, one that knows nothing of the execution is not`() throws {
        let busy = ScriptedServer.Reply.answer(
            "503 Service Unavailable", "application/problem+json", body: #"{"detail":"later"}"#)
        let gone = ScriptedServer.Reply.answer(
            "404 Not Found", "application/problem+json", body: #"{"detail":"no execution"}"#)
        let server = try ScriptedServer([.stream(["retry: 1\n\n", block(1, "start")], isWhole: false), busy, gone])
        let stream = try server.client.events(of: "E")
        let error = #expect(throws: ClientError.self) { _ = try all(stream) }
        #expect(error?.description == "no execution")
        server.finish()
        #expect(server.received.count == 3)
    }

    @Test func `nothing follows the terminal event`() throws {
        let server = try ScriptedServer([.stream([block(1, "start"), block(2, "error"), block(3, "start")])])
        #expect(try all(server.client.events(of: "E")) == ["1 start", "2 error", "3 start"].dropLast())
    }

    @Test func `past the terminal event there is nothing`() throws {
        let server = try ScriptedServer([.init("HTTP/1.1 204 No Content\r\n\r\n")])
        #expect(try all(server.client.events(of: "E", after: 9)) == [])
        #expect(server.received[0].contains("Last-Event-ID: 9\r\n"))
    }

    @Test func `a gap is handed on`() throws {
        let gap = "data: {\"type\":\"gap\",\"from\":1,\"to\":5}\n\n"
        let server = try ScriptedServer([.stream([gap, block(6, "complete")])])
        #expect(try all(server.client.events(of: "E")) == ["- gap", "6 complete"])
    }

    @Test func `a stream behind a proxy's path is resumed behind it`() throws {
        let location = "Location: /a/b/api/executions/E/events\r\n"
        let server = try ScriptedServer([
            .stream(["retry: 1\n\n", block(1, "start")], headers: location, isWhole: false),
            .stream([block(2, "complete")]),
        ])
        let stream = try server.client.execute("g")
        #expect(try all(stream) == ["1 start", "2 complete"])
        server.finish()
        #expect(server.received[1].hasPrefix("GET /api/executions/E/events?state=full HTTP/1.1\r\n"))
    }

    @Test(arguments: [
        "//evil.example/x", "/api/executions/a b/events", "/api/executions//events", "/api/executions/a?x/events",
        "http://evil.example/api", "/a b", "/a\u{7F}", "x",
        "/" + String(repeating: "a", count: 1024),
    ])
    func `a place to resume at that is no plain path is refused`(_ place: String) throws {
        let server = try ScriptedServer([.stream([block(1, "start")], headers: "Location: \(place)\r\n")])
        let error = #expect(throws: ClientError.self) { _ = try server.client.execute("g") }
        #expect(error?.name == "malformed")
    }

    @Test(arguments: [
        "id: 1\ndata: no json\n\n", "id: 1\ndata: {}\n\n", "id: x\ndata: {\"type\":\"start\"}\n\n",
        "data: {\"type\":\"start\"}\n\n",
    ])
    func `what is no event ends the stream`(_ block: String) throws {
        let server = try ScriptedServer([.stream([block])])
        let stream = try server.client.events(of: "E")
        let error = #expect(throws: ClientError.self) { _ = try all(stream) }
        #expect(error?.name == "malformed")
    }

    @Test func `what is no stream is refused`() throws {
        let server = try ScriptedServer([.answer("200 OK", "text/html", body: "<p>hello")])
        #expect(throws: ClientError.self) { _ = try server.client.events(of: "E") }
    }

    @Test func `a wait ends when its time is over or something interrupts it`() throws {
        let held = ScriptedServer.Reply([Array("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n".utf8)])
        let counter = try EventCounter()
        let server = try ScriptedServer([held])
        let client = APIClient(server.address, interruptDescriptor: counter.descriptor.raw)
        let stream = try client.events(of: "E")
        #expect(try stream.next(timeoutMilliseconds: 0) == .idle)
        counter.signal()
        #expect(try stream.next(timeoutMilliseconds: 20_000) == .idle)
    }

    @Test func `an event of the largest size is taken, one byte more is not`() throws {
        let (empty, limit) = (#"{"type":"start","x":""}"#, 1000)
        for (count, isTaken) in [(limit, true), (limit + 1, false)] {
            let filler = String(repeating: "x", count: count - empty.utf8.count - "data: ".utf8.count)
            let server = try ScriptedServer([
                .stream(["retry: 1\n\n", "id: 1\n", #"data: {"type":"start","x":"\#(filler)"}"# + "\n\n"]),
                .stream([block(2, "complete")]),
            ])
            let stream = try server.client.events(of: "E", eventBytesMax: limit)
            if isTaken {
                #expect(try all(stream) == ["1 start", "2 complete"])
            } else {
                let error = #expect(throws: ClientError.self) { _ = try all(stream) }
                #expect(error == .tooLarge("an event", bytesMax: limit))
            }
        }
    }
}
