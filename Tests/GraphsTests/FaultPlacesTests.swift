import Testing

@testable import Graphs

/// Where faults stand in the text: "line:column pointer".
@Suite struct FaultPlacesTests {
    private func places(_ text: String, _ format: GraphFormat = .yaml) -> [String] {
        do {
            _ = try graph(text, format)
            return []
        } catch {
            return error.faults.map { fault in
                let place = fault.place.map { "\($0.line):\($0.column)" } ?? "nowhere"
                return "\(place) \(fault.pointer)"
            }
        }
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func `values and keys of block style are found, however lines end`(end: String) {
        let text = """
            # a comment
            id: g
            limts: { timeout_ms: 1 }
            nodes:
              - id: a
                kind: dealy
              - kind: delay
                id: b
                config:
                  duration_ms: -1
                  duration: 3
            edges:
              - { from: a, to: c }
              - from: a
                to: b
                when: ((
            """
        #expect(
            places(text.split(separator: "\n").joined(separator: end)) == [
                "3:1 /limts", "6:11 /nodes/0/kind", "10:20 /nodes/1/config/duration_ms",
                "11:7 /nodes/1/config/duration",
                "13:20 /edges/0/to", "16:11 /edges/1/when",
            ])
    }

    @Test func `flow style is as good as block style`() {
        #expect(
            places("{id: g, nodes: [{id: ä, kind: noop},\n {id: b, kind: nop}], edges: [{from: b, to: b}]}") == [
                "1:22 /nodes/0/id", "2:16 /nodes/1/kind", "2:31 /edges/0",
            ])
    }

    @Test func `JSON has lines too, with white space in it or without, and characters of several bytes`() {
        #expect(
            places(
                "{\n  \"id\": \"g\",\n\t\"nämes\": 1, \"nodes\": [ { \"id\" : \"a\", \"kind\":\"nöp\",\"x\":2 } ]\n}",
                .json) == [
                    "3:2 /nämes", "3:46 /nodes/0/kind", "3:52 /nodes/0/x",
                ])
        #expect(places(#"{"id":"g","nodes":[{"id":"a","kind":"nop"}]}"#, .json) == ["1:37 /nodes/0/kind"])
        #expect(places(#"{"\u0069d":"G","nodes":[{"id":"a","kind":"noop"}]}"#, .json) == ["1:12 /id"])
    }

    @Test(arguments: [
        ("{\n\"id\": }", GraphFormat.json, ["2:7 "]), ("", .json, ["1:1 "]),
        ("{\"a\":1,\n \"a\":2}", .json, ["2:2 /a"]),
        (#"{"a": "\ud83d\ude00",\#n "a": 1}"#, .json, ["2:2 "]),
        ("id: g\n bad: 1", .yaml, ["2:5 "]), ("a: 1\na: 2", .yaml, ["2:1 /a"]),
    ])
    func `a text that cannot be read says where`(text: String, format: GraphFormat, expected: [String]) {
        #expect(places(text, format) == expected)
    }

    @Test func `what is missing stands where it is missed`() {
        #expect(
            places("name: g\nnodes:\n  - id: a\n    kind: delay\n  - { id: b, kind: delay, config: {} }\n") == [
                "1:1 ", "3:5 /nodes/0/config", "5:35 /nodes/1/config",
            ])
        #expect(places(" {} ", .json) == ["1:2 ", "1:2 "])
    }

    @Test func `two edges that say the same, a second id and a cycle are named where they stand`() {
        let text = """
            id: g
            nodes:
              - { id: a, kind: noop }
              - { id: b, kind: noop }
              - { id: a, kind: noop }
            edges:
              - { from: a, to: b }
              - { from: a, to: b }
              - { from: b, to: a }
            """
        #expect(places(text) == ["5:11 /nodes/2/id", "8:5 /edges/1", "9:5 /edges/2"])
    }

    @Test func `what an alias repeats stands where it is written, and an alias where it is`() {
        let text = """
            id: g
            nodes:
              - id: a
                kind: noop
                retry: &retry { max_attempts: 0 }
              - &b
                id: b
                kind: noop
                name: &name [1]
                retry: *retry
              - { <<: *b, id: c, name: *name }
              - { <<: *b, id: d }
            """
        #expect(
            places(text) == [
                "5:35 /nodes/0/retry/max_attempts", "9:11 /nodes/1/name", "5:35 /nodes/1/retry/max_attempts",
                "11:28 /nodes/2/name", "5:35 /nodes/2/retry/max_attempts", "9:11 /nodes/3/name",
                "5:35 /nodes/3/retry/max_attempts",
            ])
    }

    @Test func `a byte order mark is no part of the text, and UTF-16 is named`() throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        for (text, format) in [
            ("id: g\nnodes: [{id: a, kind: noop}]\n", GraphFormat.yaml),
            (#"{"id":"g","nodes":[{"id":"a","kind":"noop"}]}"#, .json),
        ] {
            let graph = try Graph.parse(mark + text.utf8, format: format, vocabulary: Kinds(), files: GraphFiles())
                .graph
            #expect(graph.document.id == "g")
        }
        #expect(places("\u{FEFF}id: G\nnodes: [{id: a, kind: noop}]") == ["1:5 /id"])
        #expect(throws: GraphFaults("the text is UTF-16; save it as UTF-8", place: .start)) {
            try Graph.source([0xFF, 0xFE, 0x69, 0x00], .yaml)
        }
    }

    @Test func `each of many faults has its place`() {
        let nodes = (0..<300).map { "  - { id: n\($0), kind: nop }\n" }.joined()
        let found = places("id: g\nnodes:\n" + nodes)
        #expect(found.count == GraphFaults.keptMax)
        #expect(found.first == "3:21 /nodes/0/kind" && found.last == "102:22 /nodes/99/kind")
    }
}
