import Executions
import JSON
import Testing

@testable import Server

/// Starts that must happen once, over a real connection.
@Suite struct KeyedStartsTests {
    private static let quick = #"{"id":"quick","nodes":[{"id":"a","kind":"set","config":{"values":{"x":1}}}]}"#

    private func request(key: String, body: String) -> String {
        """
        POST /api/graphs/quick/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
        Prefer: respond-async\r\nIdempotency-Key: \(key)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)
        """
    }

    @Test func `one key starts once, however often and at whatever moment it comes`() throws {
        let live = try LiveServer()
        try live.put(Self.quick)
        let clients = try (0..<8).map { _ in try live.connect() }
        for client in clients { try client.send(request(key: "k", body: "{}")) }
        let answers = try clients.map { try $0.answer() }
        // While one is being created the others are asked to come again.
        #expect(answers.allSatisfy { [202, 409].contains($0.status) })
        let started = answers.filter { $0.status == 202 }.compactMap { location($0) }
        #expect(Set(started).count == 1)
        let again = try live.answer(request(key: "k", body: "{}"))
        #expect(location(again) == started.first)
        try live.stop()
    }

    @Test func `another body under the same key is refused, another key is another start`() throws {
        let live = try LiveServer()
        try live.put(Self.quick)
        let first = try live.answer(request(key: "k", body: "{}"))
        let other = try live.answer(request(key: "k", body: #"{"initial_state":{"y":1}}"#))
        let second = try live.answer(request(key: "l", body: "{}"))
        #expect(first.status == 202)
        #expect(other.status == 422)
        #expect(other.body.contains("idempotency_key_reused"))
        #expect(second.status == 202)
        #expect(location(first) != location(second))
        try live.stop()
    }

    private func location(_ answer: RawClient.Answer) -> String? {
        answer.head.split(separator: "\r\n").first { $0.hasPrefix("Location: ") }.map(String.init)
    }
}
