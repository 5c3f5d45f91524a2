import Executions
import Graphs
import HTTPClient
import JSON
import Testing

@testable import Nodes

@Suite struct HTTPConfigTests {
    private func request(_ config: JSONObject, _ state: JSONObject = [:]) async throws -> OutgoingRequest {
        try await HTTPConfig(config).request(call(state))
    }

    @Test(arguments: [
        ("http://h/{{ state.v }}", "a/b?c#d e", "http://h/a%2Fb%3Fc%23d%20e"),
        ("http://h?{{ state.v }}", "a=b&c", "http://h?a%3Db%26c"),
        ("http://h/x-._~{{ state.v }}", "-._~", "http://h/x-._~-._~"),
        ("http://{{ state.v }}/x", "a.b:8", "http://a.b:8/x"),
        ("{{ state.v }}/x/{{ state.v }}", "http://h", "http://h/x/http%3A%2F%2Fh"),
        ("http://h/{{ state.v }}", "ü", "http://h/%C3%BC"),
        ("http://h/{{ state.v }}.json", "a..b", "http://h/a..b.json"),
        ("http://h/?p={{ state.v }}", "..", "http://h/?p=.."),
    ])
    func `a value behind the host is encoded, one before it is not`(url: String, value: String, wanted: String)
        async throws
    {
        #expect(try await request(["url": JSONText(url)], ["v": JSONText(value)]).url == wanted)
    }

    @Test(arguments: [
        "http://h/{{ state.v }}", "http://h/{{ state.v }}/x", "http://h/.{{ state.w }}", "{{ state.h }}/{{ state.v }}",
    ])
    func `no value walks out of the path`(url: String) async throws {
        await #expect(throws: NodeFailure.self) {
            try await request(["url": JSONText(url)], ["v": "..", "w": ".", "h": "http://h"])
        }
    }

    @Test(arguments: [
        ("http://h", "http://h?a=1&b%20c=x%26y&l=1&l=true"), ("http://h/?z", "http://h/?z&a=1&b%20c=x%26y&l=1&l=true"),
        ("http://h/#f", "http://h/?a=1&b%20c=x%26y&l=1&l=true#f"),
    ])
    func `a query is added to what is there`(url: String, wanted: String) async throws {
        let query: JSONText = ["a": 1, "b c": "x&y", "n": .null, "l": [1, true]]
        #expect(try await request(["url": JSONText(url), "query": query]).url == wanted)
    }

    @Test func `a body says what it is, unless the node does`() async throws {
        let text = try await request(["url": "http://h", "method": "POST", "body": "{{ 'a' }}b"])
        #expect(text.body == Array("ab".utf8))
        #expect(text.fields.contains { $0 == ("Content-Type", "text/plain; charset=utf-8") })
        let json = try await request([
            "url": "http://h", "method": "POST", "body": ["n": "{{ 1 }}"], "headers": ["content-type": "x/y"],
        ])
        #expect(json.body == Array(#"{"n":1}"#.utf8))
        #expect(json.fields.filter { $0.name.lowercased() == "content-type" }.map(\.value) == ["x/y"])
    }

    @Test(arguments: [
        ("GET", false), ("HEAD", false), ("OPTIONS", false), ("POST", true), ("PUT", true), ("PATCH", true),
        ("DELETE", true),
    ])
    func `what changes something carries a key`(method: String, isKeyed: Bool) async throws {
        let asked = call([:])
        let fields = try await HTTPConfig(["url": "http://h", "method": JSONText(method)]).request(asked).fields
        #expect(fields.filter { $0.name == "Idempotency-Key" }.map(\.value) == (isKeyed ? [asked.idempotencyKey] : []))
    }

    @Test(arguments: ["a\r\nb", "a\nb", "a\0b", "\u{7F}"])
    func `a value is no second field`(value: String) async throws {
        await #expect(throws: NodeFailure.self) {
            try await request(["url": "http://h", "headers": ["X": "{{ state.v }}"]], ["v": JSONText(value)])
        }
    }

    @Test func `messages name neither query nor credentials`() {
        func place(_ url: String) -> String { OutgoingRequest(method: "GET", url: url).place }
        #expect(place("https://u:p@h:1/x?key=s#f") == "https://h:1/x")
        #expect(place("https://h/a@b") == "https://h/a@b")
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `base64 is that of RFC 4648`(text: String, wanted: String) {
        #expect(Base64.encoded(Array(text.utf8)) == wanted)
    }

    @Test(arguments: [
        ("0", 0), ("120", 120_000), ("Sun, 06 Nov 1994 08:49:37 GMT", 7000), ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
        ("-1", nil),
        ("soon", nil), ("9223372036854775807", nil), ("", nil),
    ])
    func `Retry-After is seconds or a date`(value: String, wanted: Int64?) {
        #expect(RetryAfter.milliseconds(value, nowUnixSeconds: 784_111_770) == wanted)
    }
}
