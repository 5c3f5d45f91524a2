import Executions
import Graphs
import JSON
import Testing

@testable import Nodes

@Suite struct TemplateTests {
    private let object: JSONObject = ["name": "Ada", "n": 2, "list": [1, "x"], "nothing": .null, "quote": "a\"b\n"]

    private func set(_ values: JSONObject) throws -> JSONObject? {
        let body = try SetKind().compile(["values": JSONText(values)], files: GraphFiles())
        guard case .finished(let outcome) = body.start(call(object)) else { return nil }
        return outcome.update
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
            ("}} plain {", #""}} plain {""#), ("", #""""#), ("é{{ 1 }}", #""é1""#), ("{{ state.n -- two }}", nil),
        ] as [(String, String?)])
    func `a string's expressions are filled in`(template: String, expected: String?) throws {
        guard let expected else {
            // A comment runs to the end of the line, so the braces are in it, but the line feed that follows is ours.
            return #expect(try set(["v": JSONText(template)]) == ["v": 2])
        }
        #expect(try set(["v": JSONText(template)])?.description == "{\"v\":\(expected)}")
    }

    @Test func `values nest, and keep what holds no expression`() throws {
        let values = try JSONObject(
            parsing: Array(#"{"a":{"z":1.50,"b":["{{ state.n }}",{"c":"\u00e9"}]},"d":1e2}"#.utf8))
        #expect(try set(values)?.description == #"{"a":{"z":1.50,"b":[2,{"c":"\u00e9"}]},"d":1e2}"#)
    }

    @Test func `an expression that raises names its key`() throws {
        let body = try SetKind().compile(["values": ["a": 1, "b": "{{ state.x.y }}"]], files: GraphFiles())
        guard case .finished(.failure(let failure)) = body.start(call()) else {
            return #expect(Bool(false), "it fails")
        }
        #expect(failure.message == "b: template:1: attempt to index a nil value (field 'x')")
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

    @Test func `all templates of a node share one bound of time`() throws {
        let slow = "{{ (function() for i = 1, 2e6 do end end)() }}"
        let values = JSONObject((0..<50).map { (JSONKey("k\($0)"), JSONText(slow)) })
        let body = try SetKind().compile(["values": JSONText(values)], files: GraphFiles())
        guard case .finished(.failure(let failure)) = body.start(call()) else {
            return #expect(Bool(false), "it fails")
        }
        #expect(failure.message.contains("used more than 100 ms of CPU time"))
    }

    @Test func `a template's text is bounded`() throws {
        let half = "{{ ('x'):rep(8 << 20) }}"
        #expect(try Template(half + half).render(State(initial: [:])).message == nil)
        let failure = try Template(half + half + "x").render(State(initial: [:])).message
        #expect(failure == "the template's text is longer than 16777216 bytes")
    }

    @Test func `expressions of a template are counted`() throws {
        _ = try Template(String(repeating: "{{1}}", count: Template.expressionsMax))
        #expect(throws: NodeFailure.self) {
            try Template(String(repeating: "{{1}}", count: Template.expressionsMax + 1))
        }
    }

    @Test func `text is rendered raw`() throws {
        let text = try Template("{{ state.quote }}{{ state.list }}").render(State(initial: object))
        #expect(try text.get() == "a\"b\n[1,\"x\"]")
    }
}
