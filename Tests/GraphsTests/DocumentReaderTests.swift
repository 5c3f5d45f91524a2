import JSON
import OrderedCollections
import Testing

@testable import Graphs

@Suite struct DocumentReaderTests {
    private let triage = """
        id: triage
        name: Ticket triage
        description: Sorts a ticket and drafts an answer.
        initial_state: { ticket: "", log: [] }
        reducers: { log: append, é: max }
        limits: { max_parallel_nodes: 4, timeout_ms: 1000 }
        on_restart: fail
        nodes:
          - id: classify
            name: Classify
            kind: process
            config: { command: [sort, -u] }
            timeout_ms: 30000
            retry: { max_attempts: 3, delay_ms: 0, backoff: 1.5 }
            on_error: skip
            idempotent: false
            position: { x: 80, y: -40.5 }
          - { id: reply, kind: noop }
        edges:
          - { from: classify, to: reply, when: "state.score > 0.8" }
        """

    @Test func `a document is read as it is written`() throws {
        let document = try graph(triage).document
        #expect(document.id == "triage")
        #expect(document.name == "Ticket triage")
        #expect(document.description == "Sorts a ticket and drafts an answer.")
        #expect(document.initialState.text.description == #"{"ticket":"","log":[]}"#)
        #expect(Array(document.reducers.keys) == ["log", "é"])
        #expect(Array(document.reducers.values) == [.append, .max])
        #expect(document.limits == GraphLimits(maxParallelNodes: 4, timeoutMilliseconds: 1000))
        #expect(document.onRestart == .fail)
        #expect(
            document.nodes[0]
                == GraphNode(
                    id: "classify", name: "Classify", kind: "process", config: ["command": ["sort", "-u"]],
                    timeoutMilliseconds: 30000,
                    retry: RetryPolicy(maxAttempts: 3, delayMilliseconds: 0, backoff: 1.5), onError: .skip,
                    isIdempotent: false, position: GraphPosition(x: 80, y: -40.5)))
        #expect(document.edges == [GraphEdge(from: "classify", to: "reply", when: "state.score > 0.8")])
    }

    @Test func `what is left out has its default`() throws {
        let document = try graph("{id: a, nodes: [{id: n, kind: noop}]}").document
        #expect(document.name == "a")
        #expect(document.description == "")
        #expect(document.initialState.isEmpty)
        #expect(document.reducers.isEmpty)
        #expect(document.limits == GraphLimits(maxParallelNodes: 16, timeoutMilliseconds: 600_000))
        #expect(document.onRestart == .resume)
        #expect(document.edges.isEmpty)
        #expect(document.nodes[0] == GraphNode(id: "n", name: "n", kind: "noop"))
        #expect(document.nodes[0].retry == RetryPolicy(maxAttempts: 1, delayMilliseconds: 200, backoff: 2))
        #expect(document.nodes[0].onError == .continue)
        #expect(document.nodes[0].isIdempotent)
    }

    @Test func `the source keeps what was written`() throws {
        let text = #"{"nodes":[{"kind":"noop","id":"n","position":{"x":1.50,"y":1e2}}],"id":"a"}"#
        #expect(try graph(text, .json).document.source.description == text)
        #expect(try graph(text, .yaml).document.source.description == text)
    }

    @Test(arguments: [
        ("a: 1", ["/a: unknown key `a`"]),
        ("edgs: []", ["/edgs: unknown key `edgs`; did you mean `edges`?"]),
        ("name: 1", ["/name: must be a string, not a number"]),
        ("description: [a]", ["/description: must be a string, not a list"]),
        ("initial_state: null", ["/initial_state: must be an object, not null"]),
        (
            "reducers: {a: apend}",
            ["/reducers/a: must be one of replace, append, merge, sum, min, max; did you mean `append`?"]
        ),
        ("reducers: {a/b~: 1}", ["/reducers/a~1b~0: must be a string, not a number"]),
        ("reducers: []", ["/reducers: must be an object, not a list"]),
        ("limits: 1", ["/limits: must be an object, not a number"]),
        ("limits: {timeout: 1}", ["/limits/timeout: unknown key `timeout`; did you mean `timeout_ms`?"]),
        ("limits: {timeout_ms: 0}", ["/limits/timeout_ms: must be a whole number from 1 to 2,678,400,000, not 0"]),
        (
            "limits: {timeout_ms: 2678400001}",
            ["/limits/timeout_ms: must be a whole number from 1 to 2,678,400,000, not 2678400001"]
        ),
        (
            "limits: {max_parallel_nodes: 0}",
            ["/limits/max_parallel_nodes: must be a whole number from 1 to 10,000, not 0"]
        ),
        (
            "limits: {max_parallel_nodes: 10001}",
            ["/limits/max_parallel_nodes: must be a whole number from 1 to 10,000, not 10001"]
        ),
        (
            "limits: {max_parallel_nodes: 1.5}",
            ["/limits/max_parallel_nodes: must be a whole number from 1 to 10,000, not 1.5"]
        ),
        (
            "limits: {max_parallel_nodes: '2'}",
            ["/limits/max_parallel_nodes: must be a whole number from 1 to 10,000, not a string"]
        ),
        ("edges: {}", ["/edges: must be a list, not an object"]),
        ("edges: [1]", ["/edges/0: must be an object, not a number"]),
    ])
    func `a fault of the document is named`(member: String, expected: [String]) {
        #expect(faults("id: a\nnodes: [{id: n, kind: noop}]\n\(member)") == expected)
    }

    @Test(arguments: [
        ("[]", [": must be an object, not a list"]),
        ("{}", [": `id` is missing", ": `nodes` is missing"]),
        ("{id: a, nodes: []}", ["/nodes: must not be empty"]),
        ("{id: a, nodes: {}}", ["/nodes: must be a list, not an object"]),
        (
            "{id: A, nodes: [{id: n, kind: noop}]}",
            [
                "/id: must be 1 to 64 characters of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit; `A` is not"
            ]
        ),
        ("{id: 1, nodes: [{id: n, kind: noop}]}", ["/id: must be a string, not a number"]),
    ])
    func `a document that lacks the most is refused`(document: String, expected: [String]) {
        #expect(faults(document) == expected)
    }

    @Test(arguments: [
        ("{kind: noop}", ["/nodes/0: `id` is missing"]),
        ("{id: n}", ["/nodes/0: `kind` is missing"]),
        ("n", ["/nodes/0: must be an object, not a string"]),
        (
            "{id: 1n, kind: noop}",
            [
                "/nodes/0/id: must be 1 to 64 characters of A-Z, a-z, 0-9, `_` and `-`, the first a letter or `_`; `1n` is not"
            ]
        ),
        ("{id: n, kind: nop}", ["/nodes/0/kind: no kind of nodes is called `nop`; did you mean `noop`?"]),
        ("{id: n, kind: 1}", ["/nodes/0/kind: must be a string, not a number"]),
        ("{id: n, kind: noop, nmae: x}", ["/nodes/0/nmae: unknown key `nmae`; did you mean `name`?"]),
        ("{id: n, kind: noop, name: 1}", ["/nodes/0/name: must be a string, not a number"]),
        ("{id: n, kind: noop, config: 1}", ["/nodes/0/config: must be an object, not a number"]),
        ("{id: n, kind: delay}", ["/nodes/0/config: `duration_ms` is missing"]),
        (
            "{id: n, kind: delay, config: {duration_ms: -1}}",
            ["/nodes/0/config/duration_ms: must be a whole number ≥ 0, not -1"]
        ),
        (
            "{config: {comand: [a], command: [1]}, kind: process, id: n}",
            [
                "/nodes/0/config/comand: unknown key `comand`; did you mean `command`?",
                "/nodes/0/config/command/0: must be a string, not a number",
            ]
        ),
        (
            "{id: n, kind: noop, timeout_ms: 0}",
            ["/nodes/0/timeout_ms: must be a whole number from 1 to 2,678,400,000, not 0"]
        ),
        ("{id: n, kind: noop, on_error: ignore}", ["/nodes/0/on_error: must be one of continue, skip, stop"]),
        ("{id: n, kind: noop, idempotent: 1}", ["/nodes/0/idempotent: must be true or false, not a number"]),
        ("{id: n, kind: noop, retry: {tries: 1}}", ["/nodes/0/retry/tries: unknown key `tries`"]),
        (
            "{id: n, kind: noop, retry: {max_attempts: 0}}",
            ["/nodes/0/retry/max_attempts: must be a whole number from 1 to 100, not 0"]
        ),
        (
            "{id: n, kind: noop, retry: {max_attempts: 101}}",
            ["/nodes/0/retry/max_attempts: must be a whole number from 1 to 100, not 101"]
        ),
        (
            "{id: n, kind: noop, retry: {delay_ms: -1}}",
            ["/nodes/0/retry/delay_ms: must be a whole number from 0 to 3,600,000, not -1"]
        ),
        (
            "{id: n, kind: noop, retry: {delay_ms: 3600001}}",
            ["/nodes/0/retry/delay_ms: must be a whole number from 0 to 3,600,000, not 3600001"]
        ),
        (
            "{id: n, kind: noop, retry: {backoff: 0.9}}",
            ["/nodes/0/retry/backoff: must be a number from 1 to 100, not 0.9"]
        ),
        (
            "{id: n, kind: noop, retry: {backoff: 100.1}}",
            ["/nodes/0/retry/backoff: must be a number from 1 to 100, not 100.1"]
        ),
        (
            "{id: n, kind: noop, retry: {backoff: x}}",
            ["/nodes/0/retry/backoff: must be a number from 1 to 100, not a string"]
        ),
        ("{id: n, kind: noop, position: {x: 1}}", ["/nodes/0/position: `y` is missing"]),
        (
            "{id: n, kind: noop, position: {x: 1, y: 1e400}}",
            ["/nodes/0/position/y: must be a number from -1000000000 to 1000000000, not 1e400"]
        ),
    ])
    func `a fault of a node is named`(node: String, expected: [String]) {
        #expect(faults("{id: a, nodes: [\(node)]}") == expected)
    }

    @Test(arguments: [
        ("{from: n}", ["/edges/0: `to` is missing"]),
        ("{from: n, to: m, if: x}", ["/edges/0/if: unknown key `if`"]),
        ("{from: n, to: 1}", ["/edges/0/to: must be a string, not a number"]),
        (
            "{from: nn, to: x}",
            ["/edges/0/from: no node has the id `nn`; did you mean `n`?", "/edges/0/to: no node has the id `x`"]
        ),
        ("{from: n, to: n}", ["/edges/0: joins `n` to itself"]),
        ("{from: n, to: m, when: 1}", ["/edges/0/when: must be a string, not a number"]),
        ("{from: n, to: m, when: '(('}", ["/edges/0/when: does not compile: unexpected symbol near `(`"]),
        ("{from: n, to: m}, {to: m, from: n}", ["/edges/1: says the same as /edges/0"]),
        ("{from: n, to: m, when: x}, {from: n, to: m, when: x}", ["/edges/1: says the same as /edges/0"]),
        ("{from: n, to: m, when: x}, {from: n, to: m, when: y}, {from: n, to: m}", []),
    ])
    func `a fault of an edge is named`(edges: String, expected: [String]) {
        #expect(faults("{id: a, edges: [\(edges)], nodes: [{id: n, kind: noop}, {id: m, kind: noop}]}") == expected)
    }
}

// MARK: - Across the document

extension DocumentReaderTests {
    @Test func `a duplicate id names its first holder, and edges go there`() {
        #expect(
            faults(
                "{id: a, nodes: [{id: n, kind: noop}, {id: m, kind: noop}, {id: n, kind: noop}], edges: [{from: n, to: m}]}"
            )
                == ["/nodes/2/id: `n` is the id of /nodes/0 already"])
    }

    @Test func `a cycle is named by its path, at the edge that closes it`() {
        let nodes = "nodes: [{id: c, kind: noop}, {id: a, kind: noop}, {id: b, kind: noop}, {id: s, kind: noop}]"
        let edges = "edges: [{from: s, to: a}, {from: a, to: b}, {from: c, to: a}, {from: b, to: c}]"
        #expect(faults("{id: g, \(nodes), \(edges)}") == ["/edges/3: cycle: c → a → b → c"])
    }

    @Test func `each of several cycles is named, beside other faults, in document order`() {
        let nodes = ["a", "b", "c", "d", "e"].map { "{id: \($0), kind: noop}" }.joined(separator: ", ")
        let edges =
            "{from: a, to: b}, {from: b, to: a}, {from: b, to: c}, {from: c, to: d}, {from: d, to: c}, {from: d, to: e}"
        #expect(
            faults("{edges: [\(edges), {from: e, to: zz}], nodes: [\(nodes)], id: A-}") == [
                "/edges/1: cycle: a → b → a", "/edges/4: cycle: c → d → c",
                "/edges/6/to: no node has the id `zz`",
                "/id: must be 1 to 64 characters of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit; `A-` is not",
            ])
    }

    @Test func `a long cycle is abridged`() {
        let nodes = (0..<30).map { "{id: n\($0), kind: noop}" }.joined(separator: ", ")
        let edges = (0..<30).map { "{from: n\($0), to: n\(($0 + 1) % 30)}" }.joined(separator: ", ")
        let path = (0..<20).map { "n\($0) → " }.joined() + "(10 more) → n0"
        #expect(faults("{id: g, nodes: [\(nodes)], edges: [\(edges)]}") == ["/edges/29: cycle: \(path)"])
    }

    @Test func `of many faults the first are kept and all are counted`() throws {
        let nodes = (0..<1000).map { "{id: n\($0), kind: noop, name: \($0)}" }.joined(separator: ", ")
        let error = #expect(throws: GraphFaults.self) { try graph("{nodes: [\(nodes)], id: g}") }
        #expect(error?.count == 1000)
        #expect(error?.faults.map(\.pointer) == (0..<100).map { "/nodes/\($0)/name" })
        #expect(error?.description.hasSuffix("\nand 900 more") == true)
    }

    @Test func `a fault that is found late but stands early is among those kept`() throws {
        let nodes = (0..<300).map { "{id: n\($0), kind: noop, name: \($0)}" }.joined(separator: ", ")
        let found = faults("{edges: [{from: n0, to: n1}, {from: n1, to: n0}], nodes: [\(nodes)], id: g}")
        #expect(found.first == "/edges/1: cycle: n0 → n1 → n0")
        #expect(found.count == 100)
    }

    @Test func `a long name is cut in messages`() {
        let name = String(repeating: "x", count: 65)
        let shown = String(repeating: "x", count: 64) + "…"
        #expect(faults("{id: g, nodes: [{id: n, kind: noop}], \(name): 1}") == ["/\(name): unknown key `\(shown)`"])
    }

    @Test(arguments: [64, 65])
    func `an id has at most 64 characters`(length: Int) {
        let id = String(repeating: "x", count: length)
        #expect(faults("{id: \(id), nodes: [{id: \(id), kind: noop}]}").count == (length == 64 ? 0 : 2))
    }

    @Test func `a graph has at most 10,000 nodes`() {
        func document(_ count: Int) -> String {
            "{\"id\":\"g\",\"nodes\":[\((0..<count).map { "{\"id\":\"n\($0)\",\"kind\":\"noop\"}" }.joined(separator: ","))],\"edges\":[{\"from\":\"n0\",\"to\":\"n1\"}]}"
        }
        #expect(faults(document(10_000), .json) == [])
        #expect(faults(document(10_001), .json) == ["/nodes: must have at most 10,000 items, has 10,001"])
    }

    @Test func `a graph has at most 100,000 edges`() {
        let nodes = (0..<448).map { "{\"id\":\"n\($0)\",\"kind\":\"noop\"}" }.joined(separator: ",")
        let pairs = (1..<448).lazy.flatMap { to in (0..<to).lazy.map { ($0, to) } }
        func document(_ count: Int) -> String {
            let edges = pairs.prefix(count).map { "{\"from\":\"n\($0)\",\"to\":\"n\($1)\"}" }.joined(separator: ",")
            return "{\"id\":\"g\",\"nodes\":[\(nodes)],\"edges\":[\(edges)]}"
        }
        #expect(faults(document(100_000), .json) == [])
        #expect(faults(document(100_001), .json) == ["/edges: must have at most 100,000 items, has 100,001"])
    }

    @Test func `the bounds themselves are allowed`() throws {
        let document = try graph(
            """
            id: g
            limits: { max_parallel_nodes: 10000, timeout_ms: 2678400000 }
            nodes:
              - { id: a, kind: noop, timeout_ms: 2678400000, retry: { max_attempts: 100, delay_ms: 3600000, backoff: 100 } }
              - { id: b, kind: noop, timeout_ms: 1, retry: { max_attempts: 1, delay_ms: 0, backoff: 1 } }
            """
        ).document
        #expect(document.limits.timeoutMilliseconds == 2_678_400_000)
        #expect(document.nodes[0].retry.backoff == 100)
    }

    @Test func `a text that is no JSON has one fault`() {
        let found = faults("{\"id\": }", .json)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix(": ") == true)
    }

    @Test func `every duplicate key of JSON is named by its pointer`() {
        #expect(
            faults("{\"a\": [{\"b\": 1, \"\\u0062\": 2}],\n\"a\": 1}", .json) == [
                "/a/0/b: the key stands here a second time",
                "/a: the key stands here a second time",
            ])
        // A surrogate pair is no YAML, so the JSON parser's own words have to do.
        #expect(faults(#"{"a": "\ud83d\ude00", "a": 1}"#, .json).first?.hasPrefix(": ") == true)
    }
}

// MARK: - Files

extension DocumentReaderTests {
    private func document(_ configs: String...) -> String {
        let nodes = configs.enumerated().map { "{id: n\($0), kind: python, config: \($1)}" }
        return "{id: g, nodes: [\(nodes.joined(separator: ", "))]}"
    }

    @Test func `named files become part of the revision`() throws {
        let files = GraphFiles(["a.py": [1], "b.py": [2], "c.py": [3]])
        let text = Array(document("{file: a.py}", "{file: b.py}", "{file: a.py}").utf8)
        let content = try Graph.parse(text, format: .yaml, vocabulary: Kinds(), files: files)
        #expect(content.files == GraphFiles(["a.py": [1], "b.py": [2]]))
    }

    @Test func `a file that cannot be had is a fault of each place that names it`() {
        #expect(
            faults(document("{file: a.py}", "{file: a.py}")) == [
                "/nodes/0/config/file: the file `a.py` is not among the document's files",
                "/nodes/1/config/file: the file `a.py` is not among the document's files",
            ])
    }

    @Test func `the kind judges the config with its files`() {
        #expect(
            faults(document("{file: a.py}"), files: GraphFiles(["a.py": Array("import".utf8)]))
                == ["/nodes/0/config/file: line 1: invalid syntax"])
    }

    @Test(arguments: [0, 1])
    func `one file has a bound`(excess: Int) {
        let file = [UInt8](repeating: 0, count: GraphBounds.fileBytesMax + excess)
        let expected = ["/nodes/0/config/file: the file `a.py` is larger than 4,194,304 bytes"]
        #expect(faults(document("{file: a.py}"), files: GraphFiles(["a.py": file])) == (excess == 0 ? [] : expected))
    }

    @Test(arguments: [0, 1])
    func `all files together have a bound`(excess: Int) {
        let file = [UInt8](repeating: 0, count: GraphBounds.fileBytesMax)
        let files = GraphFiles(["a": file, "b": file, "c": file, "d": file, "e": [UInt8](repeating: 0, count: excess)])
        let expected = ["/nodes/4/config/file: with `e`, the document's files exceed 16,777,216 bytes together"]
        let text = document("{file: a}", "{file: b}", "{file: c}", "{file: d}", "{file: e}")
        #expect(faults(text, files: files) == (excess == 0 ? [] : expected))
    }
}
