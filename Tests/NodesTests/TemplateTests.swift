import Executions
import Graphs
import JSON
import Testing

@testable import Nodes

@Suite struct TemplateTests {
    private let object: JSONObject = ["name": "Ada", "n": 2, "list": [1, "x"], "nothing": .null, "quote": "a\"b\n"]

    private func run(_ values: JSONObject, _ state: JSONObject = [:]) async throws -> NodeOutcome {
        try await SetKind().compile(["values": JSONText(values)], files: GraphFiles()).run(call(state))
    }

    private func set(_ values: JSONObject) async throws -> JSONObject? {
        try await run(values, object).update
    }

    private func value(of template: String, _ state: String) async throws -> String? {
        let state = try JSONObject(parsing: Array(state.utf8))
        return try await run(["v": JSONText(template)], state).update?["v"]?.description
    }

    @Test(
        arguments: [
            ("{{ state.n + 1 }}", "3"), ("{{state.list}}", #"[1,"x"]"#), ("{{ state.missing }}", "null"),
            ("{{ null }}", "null"),
            ("{{ array() }}", "[]"), ("{{ {a={b=1}} }}", #"{"a":{"b":1}}"#), (#"{{ "}}" }}"#, #""}}""#),
            ("n={{ state.n }}", #""n=2""#), ("{{ state.n }}!", #""2!""#), ("{{ state.name }}{{ state.n }}", #""Ada2""#),
            ("<{{ state.list }}>", #""<[1,\"x\"]>""#), ("<{{ state.missing }}{{ state.nothing }}>", #""<null>""#),
            ("<{{ state.quote }}>", #""<a\"b\n>""#), (#"\{{ x }}"#, #""{{ x }}""#),
            (#"\{{ {{ state.n }} }}"#, #""{{ 2 }}""#),
            ("}} plain {", #""}} plain {""#), ("", #""""#), ("é{{ 1 }}", #""é1""#), ("{{ state.n -- two }}", "2"),
            ("{{ {{1}} }}", "[[1]]"), ("{{ {1}}} }", #""[1] }""#), ("{{ [[}}]] }}", #""}}""#),
            ("{{ [==[ ]] }} ]==] }}", #"" ]] }} ""#), ("{{ '\\'}}' }}", #""'}}""#), ("{{ 1 --[[ }} ]] }}", "1"),
            ("{{ {1, -- }}\n2} }}", "[1,2]"), (#"{{ "a\z"# + "\n }}\" }}", #""a}}""#), ("{{ state.list[1] }}", "1"),
        ])
    func `a string's expressions are filled in`(template: String, expected: String) async throws {
        #expect(try await set(["v": JSONText(template)])?.description == "{\"v\":\(expected)}")
    }

    @Test func `values nest, and keep what holds no expression`() async throws {
        let values = try JSONObject(
            parsing: Array(#"{"a":{"z":1.50,"b":["{{ state.n }}",{"c":"\u00e9"}]},"d":1e2}"#.utf8))
        #expect(try await set(values)?.description == #"{"a":{"z":1.50,"b":[2,{"c":"\u00e9"}]},"d":1e2}"#)
    }

    @Test(arguments: [
        (#"{"k":"\\{{ no"}"#, #"{"k":"{{ no"}"#), (#"["\\{{ no",{"k":"\\{{"}]"#, #"["{{ no",{"k":"{{"}]"#),
        (#"{"k":"\\{{ no","z":1.50,"t":"{{ state.n }}"}"#, #"{"k":"{{ no","z":1.50,"t":2}"#),
        (#"{"k":"\u00e9 {","z":1.50}"#, #"{"k":"\u00e9 {","z":1.50}"#),
    ])
    func `a plain brace is one wherever it stands`(value: String, expected: String) async throws {
        let value = try JSONText(parsing: value)
        #expect(try await set(["v": value])?["v"]?.description == expected)
    }

    @Test(arguments: [
        ("{{ state.user or 'nobody' }}", #""nobody""#), ("Hi {{ state.user or 'nobody' }}", #""Hi nobody""#),
        ("{{ not state.user }}", "true"), ("{{ state.user and 1 }}", "null"), ("{{ state.user }}", "null"),
        ("{{ state.user == null }}", "true"),
    ])
    func `null is false in a template`(template: String, expected: String) async throws {
        #expect(try await value(of: template, #"{"user":null}"#) == expected)
    }

    @Test(arguments: [
        "1.10", "1E5", "-0", "100000000000000000000", "1e400", "0.1234567890123456789012", "1.0e-7", "12",
    ])
    func `a number keeps its digits`(number: String) async throws {
        let state = "{\"v\":\(number),\"o\":{\"l\":[\(number)]}}"
        #expect(try await value(of: "{{ state.v }}", state) == number)
        #expect(
            try await value(of: "{{ {a = state.v, b = state.o} }}", state)
                == "{\"a\":\(number),\"b\":{\"l\":[\(number)]}}")
        #expect(try await value(of: "<{{ state.v }}>", state) == "\"<\(number)>\"")
    }

    @Test func `an expression that raises names its key`() async throws {
        let failure = try await run(["a": ["{{ 1 }}", "{{ 2 }}"], "b": "{{ state.x.y }}", "c": "{{ 3 }}"]).failure
        #expect(failure?.message == "b: template:1: attempt to index a nil value (field 'x')")
    }

    @Test(arguments: [
        ("{{ state.n + }}", "unexpected symbol"), ("{{ state.n", "without }}"), ("{{ }}", "unexpected symbol"),
        ("{{ 1 }} {{ x y }}", "expected near 'y'"),
    ])
    func `an expression that does not compile is a fault`(template: String, message: String) throws {
        let config: JSONObject = ["values": ["list": [0, JSONText(template)]]]
        let faults = try #require(throws: GraphFaults.self) { try SetKind().compile(config, files: GraphFiles()) }
        #expect(faults.faults.map(\.pointer) == ["/values/list/1"])
        #expect(faults.faults[0].message.contains(message))
    }

    @Test func `all templates of a node share one bound of time`() async throws {
        let slow = "{{ (function() for i = 1, 2e6 do end end)() }}"
        let values = JSONObject((0..<50).map { (JSONKey("k\($0)"), JSONText(slow)) })
        let failure = try await run(values).failure
        #expect(failure?.message.contains(" ms of CPU time") == true)
    }

    @Test func `all templates of a node share one bound of bytes`() async throws {
        let values = JSONObject((0..<3).map { (JSONKey("k\($0)"), "{{ ('x'):rep(6 << 20) }}") })
        let body = try SetKind(limits: .unhurried).compile(["values": JSONText(values)], files: GraphFiles())
        #expect(await body.run(call()).failure?.message == "k2: the templates made more than 16777216 bytes")
    }

    @Test func `templates that take long run in slices and can be cancelled`() async throws {
        let body = try SetKind().compile(
            ["values": ["a": "{{ 1 }}", "b": "{{ (function() while true do end end)() }}"]], files: GraphFiles())
        guard case .waiting(let work) = body.start(call()) else { return #expect(Bool(false), "it waits") }
        let task = Task { await work() }
        task.cancel()
        #expect(await task.value.failure?.message.contains("cancelled") == true)
    }

    @Test func `a template's text is bounded`() async throws {
        let half = "{{ ('x'):rep(8 << 20) }}"
        let state = State(initial: [:])
        #expect(try await Template(half + half).render(state, limits: .unhurried).message == nil)
        let failure = try await Template(half + half + "x").render(state, limits: .unhurried).message
        #expect(failure == "the template's text is longer than 16777216 bytes")
    }

    @Test func `a template's expressions are bounded in bytes, its text is not`() throws {
        let half = "{{ '" + String(repeating: "x", count: LuaLimits.expressionBytesMax / 2 - 4) + "' }}"
        let text = String(repeating: "text ", count: LuaLimits.expressionBytesMax)
        _ = try Template(half + text + half)
        #expect(throws: NodeFailure.self) { try Template(half + " {{ }}" + half) }
    }

    @Test func `a template with many ends that are none is compiled once`() throws {
        let terms = (0..<4_000).map { _ in "a" }.joined(separator: " or ")
        let failure = try #require(throws: NodeFailure.self) {
            try Template("{{ {" + terms + String(repeating: ", '}}'", count: 1_000) + " ")
        }
        #expect(failure.message.contains("template:1:"))
    }

    @Test func `expressions of a template are counted`() throws {
        _ = try Template(String(repeating: "{{1}}", count: Template.expressionsMax))
        #expect(throws: NodeFailure.self) {
            try Template(String(repeating: "{{1}}", count: Template.expressionsMax + 1))
        }
    }

    @Test func `text is rendered raw`() async throws {
        let text = try await Template("{{ state.quote }}{{ state.list }}").render(State(initial: object))
        #expect(try text.get() == "a\"b\n[1,\"x\"]")
    }
}
