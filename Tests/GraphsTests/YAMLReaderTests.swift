import JSON
import Testing

@testable import Graphs

@Suite struct YAMLReaderTests {
    private func json(_ yaml: String) throws -> String {
        try YAMLReader.json(from: Array(yaml.utf8)).description
    }

    private func faults(_ yaml: String) -> [String] {
        do {
            _ = try YAMLReader.json(from: Array(yaml.utf8))
            return []
        } catch {
            return error.faults.map { fault in
                let place = fault.place.map { " (line \($0.line), column \($0.column))" } ?? ""
                return "\(fault.pointer): \(fault.message)\(place)"
            }
        }
    }

    @Test(arguments: [
        ("a: NO", #"{"a":"NO"}"#), ("a: yes", #"{"a":"yes"}"#), ("a: off", #"{"a":"off"}"#), ("a: y", #"{"a":"y"}"#),
        ("y: 1", #"{"y":1}"#), ("on: 1", #"{"on":1}"#),
        ("a: 2024-05-01", #"{"a":"2024-05-01"}"#), ("a: 12:30:45", #"{"a":"12:30:45"}"#),
        ("a: 1.2.3", #"{"a":"1.2.3"}"#), ("a: 0123abc", #"{"a":"0123abc"}"#), ("a: 1_a", #"{"a":"1_a"}"#),
        ("a: .", #"{"a":"."}"#), ("a: e3", #"{"a":"e3"}"#), ("a: _1", #"{"a":"_1"}"#),
        ("a: 1e", #"{"a":"1e"}"#), ("a: 0x", #"{"a":"0x"}"#), ("a: 0xg", #"{"a":"0xg"}"#),
        ("a: nan", #"{"a":"nan"}"#), ("a: nUll", #"{"a":"nUll"}"#),
    ])
    func `what only other readers take for something else is a string`(yaml: String, expected: String) throws {
        #expect(try json(yaml) == expected)
    }

    @Test(arguments: [
        ("a: true", #"{"a":true}"#), ("a: FALSE", #"{"a":false}"#), ("a:", #"{"a":null}"#), ("a: ~", #"{"a":null}"#),
        ("a: Null", #"{"a":null}"#), ("a: 'true'", #"{"a":"true"}"#), ("a: \"1\"", #"{"a":"1"}"#),
        ("a: !!str 1", #"{"a":"1"}"#), ("a: !!int \"3\"", #"{"a":3}"#),
        ("a: !!float 3", #"{"a":3}"#), ("a: !!seq [1]", #"{"a":[1]}"#), ("a: !!map {}", #"{"a":{}}"#),
    ])
    func `the core schema resolves plain scalars`(yaml: String, expected: String) throws {
        #expect(try json(yaml) == expected)
    }

    @Test(arguments: ["0", "-0", "1.0", "1.10", "1e3", "-2.5E-07", "123456789012345678901234567890", "1e400"])
    func `a number keeps the token that was written`(token: String) throws {
        #expect(try json("a: \(token)") == "{\"a\":\(token)}")
    }

    @Test(arguments: [
        "0x1F", "0o17", "0b11", "017", "00", "-01", "+1", ".5", "5.", "-.5", "1_000", "1_0.5", "1.e3", "0x_F", ".inf",
        "-.INF",
        ".nan", "+.inf",
    ])
    func `a number that JSON cannot hold as written is refused`(token: String) {
        #expect(
            faults("a: [b, \(token)]") == [
                "/a/1: `\(token)` is not a number as JSON writes them; write it in decimal, or quote it if it is text "
                    + "(line 1, column 8)"
            ])
    }

    @Test func `keys keep their order and strings their code points`() throws {
        #expect(
            try json("b: \"caf\\u00e9 \\U0001F600 \\0\"\na: 'cafe\u{301}'")
                == "{\"b\":\"café 😀 \\u0000\",\"a\":\"cafe\u{301}\"}")
    }

    @Test func `folded and literal blocks are unfolded`() throws {
        #expect(try json("a: |\n  x\n   y\nb: >-\n  x\n  y\n") == #"{"a":"x\n y\n","b":"x y"}"#)
    }

    @Test func `JSON is read as YAML`() throws {
        #expect(try json(#"{"a": [1, {"b": null}], "c": "\/\t"}"#) == #"{"a":[1,{"b":null}],"c":"/\t"}"#)
    }

    @Test func `every duplicate key is named`() {
        #expect(
            faults("a: 1\nb: {c: 1, \"c\": 2}\na: 3\n") == [
                "/b/c: the key stands here a second time (line 2, column 11)",
                "/a: the key stands here a second time (line 3, column 1)",
            ])
    }

    @Test func `keys that differ only in normalization are two keys`() throws {
        #expect(try json("{\"\u{e9}\": 1, \"e\u{301}\": 2}") == "{\"\u{e9}\":1,\"e\u{301}\":2}")
    }

    @Test(arguments: [
        ("x: {1: a}", "/x: a key must be a string: quote `1` (line 1, column 5)"),
        ("x: {true: a}", "/x: a key must be a string: quote `true` (line 1, column 5)"),
        ("x: {~: a}", "/x: a key must be a string: quote `~` (line 1, column 5)"),
        ("x: {[1]: a}", "/x: a key must be a string (line 1, column 5)"),
        ("a: &a b\nx: {*a : c}", "/x: a key must be a string (line 2, column 5)"),
        ("x: {&k a: b}", "/x: a key cannot be an anchor: `k` (line 1, column 5)"),
        ("x: *a", "/x: no anchor before this names `a` (line 1, column 4)"),
        ("x: &a [*a]", "/x/0: no anchor before this names `a` (line 1, column 8)"),
        ("x: !thing 1", "/x: the tag `!thing` is not known (line 1, column 4)"),
        ("x: !!binary aGk=", "/x: the tag !!binary is not known (line 1, column 4)"),
        ("x: !!int a", "/x: `a` is no value of the tag !!int (line 1, column 4)"),
        ("x: !!set {a}", "/x: the tag `tag:yaml.org,2002:set` does not fit (line 1, column 4)"),
        ("x: {<<: {a: 1}}", "/x: a merge key takes an alias of a mapping, or a list of such (line 1, column 9)"),
        ("a: &a 1\nx: {<<: *a}", "/x: a merge key takes an alias of a mapping, or a list of such (line 2, column 9)"),
    ])
    func `what JSON has no place for is refused`(yaml: String, fault: String) {
        #expect(faults(yaml) == [fault])
    }

    @Test(arguments: [
        ("a: [1", ": did not find expected ',' or ']', while parsing a flow sequence (line 2, column 1)"),
        ("a: 1\n b: 2", ": mapping values are not allowed in this context (line 2, column 3)"),
        (
            "\tx: 1",
            ": found character that cannot start any token, while scanning for the next token (line 1, column 1)"
        ),
        ("a: 1\n---\nb: 2", ": a second document begins; a text holds one graph (line 2, column 1)"),
        ("", ": the document is empty (line 1, column 1)"),
        ("# nothing\n", ": the document is empty (line 1, column 1)"),
        ("a: \u{1}", ": control characters are not allowed (line 1, column 4)"),
        (
            "a: \"\\ud83d\\ude00\"",
            ": found invalid Unicode character escape code, while parsing a quoted scalar (line 1, column 7)"
        ),
    ])
    func `a syntax error says where it is`(yaml: String, fault: String) {
        #expect(faults(yaml) == [fault])
    }

    @Test func `a text that is not UTF-8 is refused`() {
        #expect(throws: GraphFaults("invalid leading UTF-8 octet", place: TextPlace(line: 1, column: 4))) {
            try YAMLReader.json(from: Array("a: ".utf8) + [0xFF])
        }
    }

    @Test func `a byte order mark is no part of the document`() throws {
        #expect(try json("\u{FEFF}a: 1") == #"{"a":1}"#)
    }
}

// MARK: - Aliases and bounds

extension YAMLReaderTests {
    @Test func `an alias repeats what its anchor names`() throws {
        #expect(
            try json("a: &a {b: &b [1, 2]}\nc: *a\nd: [*b, &e x, *e]")
                == #"{"a":{"b":[1,2]},"c":{"b":[1,2]},"d":[[1,2],"x","x"]}"#)
    }

    @Test func `an anchor may be named anew`() throws {
        #expect(try json("[&a 1, *a, &a 2, *a]") == "[1,1,2,2]")
    }

    @Test func `merge keys take over what is not there, the first of a list before the others`() throws {
        let yaml = """
            - &a {x: 1, y: 1}
            - &b {y: 2, z: 2}
            - &c {<<: [*a, *b], w: 0}
            - {z: 9, <<: *c}
            - {"<<": 1}
            """
        #expect(
            try json(yaml)
                == #"[{"x":1,"y":1},{"y":2,"z":2},{"w":0,"x":1,"y":1,"z":2},{"z":9,"w":0,"x":1,"y":1},{"<<":1}]"#)
    }

    /// Twelve levels of ten aliases each.
    private var laughs: String {
        let levels = (1...12).map { level in
            "l\(level): &l\(level) [\(repeatElement("*l\(level - 1)", count: 10).joined(separator: ", "))]"
        }
        return "l0: &l0 [lol, lol]\n" + levels.joined(separator: "\n")
    }

    @Test func `a billion laughs are refused before they are laughed`() {
        #expect(
            faults(laughs)
                .first?.contains("aliases and merge keys repeat more than 1048576 bytes (line ") == true)
    }

    @Test func `keys that are bombs are refused as well`() {
        let found = faults(laughs + "\n? *l12\n: x")
        #expect(found.contains { $0.contains("aliases and merge keys repeat more than 1048576 bytes (line ") })
    }

    @Test func `merge keys that add nothing are counted too`() {
        let base = (0..<1000).map { "k\($0): 1" }.joined(separator: ", ")
        let merges = (0..<1000).map { _ in "*a" }.joined(separator: ", ")
        #expect(
            faults("- &a {\(base)}\n- {<<: [\(merges)]}") == [
                "/1: aliases and merge keys repeat more than 1048576 bytes (line 2, column 3)"
            ])
    }

    @Test func `aliases may repeat as much as the bound and not a byte more`() throws {
        // The anchored string is 1,024 bytes with its quotes, so 1,024 aliases make the bound.
        let half = "- &a \(String(repeating: "x", count: 1022))\n"
        #expect(throws: Never.self) { try json(half + String(repeating: "- *a\n", count: 1024)) }
        #expect(
            faults(half + String(repeating: "- *a\n", count: 1025)) == [
                "/1025: aliases and merge keys repeat more than 1048576 bytes (line 1026, column 3)"
            ])
    }

    @Test func `values nest as deep as the bound and not deeper`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try json(nested(GraphBounds.depthMax)) == nested(GraphBounds.depthMax))
        #expect(
            faults(nested(GraphBounds.depthMax + 1)).first?
                .hasSuffix("arrays and objects nest deeper than 100 levels (line 1, column 101)") == true)
        #expect(faults(String(repeating: "[", count: 1_000_000)).count == 1)
        #expect(faults(String(repeating: "- ", count: 1_000_000)).count == 1)
        let half = "a: &a \(nested(51))\nb: \(String(repeating: "[", count: 49))"
        #expect(
            faults("\(half)*a\(String(repeating: "]", count: 49))").first?.contains("deeper than 100 levels (line 2, ")
                == true)
    }

    @Test func `a text as long as the bound is read, a longer one refused`() throws {
        let text = Array("a: ".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: GraphBounds.documentBytesMax - 3)
        #expect(try YAMLReader.json(from: text).bytes.count == GraphBounds.documentBytesMax + 5)
        #expect(throws: GraphFaults("the document has 8,388,609 bytes; the limit is 8,388,608", place: .start)) {
            try YAMLReader.json(from: text + [UInt8(ascii: "x")])
        }
    }
}
