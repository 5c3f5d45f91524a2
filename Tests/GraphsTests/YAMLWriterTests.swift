import JSON
import Testing

@testable import Graphs

@Suite struct YAMLWriterTests {
    @Test func `a document reads as people write it`() throws {
        let yaml = """
            id: triage
            name: Ticket triage
            description: "Sorts: a ticket # and more"
            initial_state: { ticket: "", log: [] }
            limits: { max_parallel_nodes: 16, timeout_ms: 6e5 }
            nodes:
              - id: classify
                kind: python
                config:
                  code: |
                    def execute(state):
                        return {"a": 1}
              - id: reply
                kind: noop
                position: { x: 80, y: 40 }
            edges:
              - { from: classify, to: reply, when: state.score > 0.8 }

            """
        #expect(try graph(yaml).document.yaml() == yaml)
    }

    @Test(arguments: [
        "yes", "No", "ON", "off", "true", "False", "null", "~", "", " ", " a", "a ", "1.0", "1", "-1", "+1", "0x1F",
        ".5", ".inf",
        "1_000", "2024-05-01", "12:30:45", "3.11-slim", "- a", "-", "? a", ": a", "a: b", "a:", "a :b", "a #b", "#a",
        "&a", "*a",
        "!a", "|", ">", "%a", "@a", "`a", "'a'", "\"a\"", "{a}", "[a]", "a, b", "a]", "<<", "=", "---", "...",
        "http://a/b?c#d", "a:b",
        "\\", "a\\nb", "\t", "\r", "a\rb", "\n", "\n\n", "a\n", "a\n\n", "\na", "a\nb", "  a\nb", "\ta\nb", "a\n  \nb",
        " \na", "a \nb",
        "a\n\tb", "a\n---\nb", "a\n...\nb", "# a\nb", "a\r\nb", "\u{0}", "\u{7}", "\u{7F}", "\u{85}", "a\u{85}\nb",
        "\u{A0}", "\u{2028}",
        "a\n\u{2029}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}", "é", "e\u{301}", "😀", "日本: 語", "\u{E000}", "\u{10FFFF}",
        "a\u{FEFF}b",
    ])
    func `every string comes back, as value, item and key`(string: String) throws {
        let text = JSONText(string)
        var object = JSONObject([(JSONKey(string), text)])
        object["list-of-" + string] = [text, [text], ["k": text]]
        for json in [text, [text], object.text, ["o": object.text], [object.text, 1], [[object.text]]] as [JSONText] {
            let yaml = YAMLWriter.text(of: json)
            #expect(try YAMLReader.json(from: Array(yaml.utf8)) == json, "\(yaml)")
        }
    }

    @Test(arguments: ["yes", "No", "1.0", "2024-05-01", "12:30", "null", "0o7"])
    func `what readers disagree about is quoted`(string: String) {
        #expect(YAMLWriter.text(of: ["a": JSONText(string)]) == "a: \"\(string)\"\n")
    }

    @Test(arguments: [
        "{}", "[]", "1", "null", "[[]]", "[{}]", #"{"a":{"b":{"c":[[1,[2]],{"d":[{"e":1}]}]}}}"#, "[[[1,\"\"]]]",
    ])
    func `every shape comes back`(json: String) throws {
        let yaml = YAMLWriter.text(of: try JSONText(parsing: json))
        #expect(try YAMLReader.json(from: Array(yaml.utf8)).description == json, "\(yaml)")
    }

    @Test func `keys beyond what YAML allows on one line come back`() throws {
        for length in [1, 127, 128, 129, 1023, 1024, 1025, 5000] {
            let key = JSONKey(String(repeating: "k", count: length))
            for value in [1, "a\nb", [1], ["b": [["c": 2]]], [:]] as [JSONText] {
                let object = JSONObject([("first", 0), (key, value)])
                for json in [object.text, ["o": object.text], [object.text]] as [JSONText] {
                    let yaml = YAMLWriter.text(of: json)
                    #expect(try YAMLReader.json(from: Array(yaml.utf8)) == json, "\(length): \(yaml)")
                }
            }
        }
    }

    @Test func `random values come back`() throws {
        for seed in UInt64(0)..<400 {
            var random = SeededRandom(seed)
            let json = random.json(depth: 5)
            let yaml = YAMLWriter.text(of: json)
            #expect(try YAMLReader.json(from: Array(yaml.utf8)) == json, "seed \(seed): \(yaml)")
        }
    }
}

extension SeededRandom {
    fileprivate mutating func json(depth: Int) -> JSONText {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 4), using: &self) {
        case 0:
            return ["null", "true", "-0", "1.50", "1E+9", "123456789012345678901"].randomElement(using: &self)
                .flatMap { try? JSONText(parsing: $0) } ?? .null
        case 1...3: return JSONText(string())
        case 4, 5: return JSONText(array: (0..<Int.random(in: 0..<5, using: &self)).map { _ in json(depth: depth - 1) })
        default:
            return JSONObject(
                (0..<Int.random(in: 0..<5, using: &self)).map { _ in (JSONKey(string()), json(depth: depth - 1)) }
            )
            .text
        }
    }

    private mutating func string() -> String {
        let pieces = [
            "a", "B", "word", " ", "\n", "\t", ":", "#", "-", "'", "\"", "\\", "{", "]", ",", "1", ".", "é", "\u{85}",
            "|", "&", "0",
            "yes", "~", "?", "!", "%", "\r", "😀", "_", "/",
        ]
        return (0..<Int.random(in: 0..<8, using: &self)).map { _ in pieces.randomElement(using: &self) ?? "" }.joined()
    }
}
