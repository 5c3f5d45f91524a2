import JSON
import Testing

@testable import millrace

@Suite struct TextTests {
    @Test(arguments: [
        ("plain", "plain"), ("a\tb\nc\rd", "a b c d"), ("\u{1B}[31mred\u{7}", "[31mred"), ("\u{9B}1m\u{7F}x", "1mx"),
        ("a\u{202E}b\u{2066}c", "abc"), ("žluťoučký 木 👍", "žluťoučký 木 👍"), ("\r\n", "  "),
    ])
    func `a line holds nothing that a terminal obeys`(_ text: String, _ line: String) {
        #expect(TerminalText.line(text) == line)
    }

    @Test(arguments: [
        ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("木木", 3, "木…"), ("木木", 4, "木木"), ("abc", 1, "…"), ("abc", 0, ""),
    ])
    func `a line is cut by columns`(_ text: String, _ columns: Int, _ cut: String) {
        #expect(TerminalText.truncated(text, columns: columns) == cut)
    }

    @Test func `a styled line is cut by what shows, not by its codes`() {
        var line = StyledLine("ab", .red)
        line.append("cd")
        #expect(line.rendered(columns: 3, usesColor: true) == "\u{1B}[31mab\u{1B}[0m…")
        #expect(line.rendered(columns: 4, usesColor: true) == "\u{1B}[31mab\u{1B}[0mcd")
        #expect(line.rendered(columns: 4, usesColor: false) == "abcd")
    }

    @Test func `a table is aligned`() {
        var table = TextTable(["ID", "NAME", "X"])
        table.add(["long one", "木\u{1B}", ""])
        #expect(table.lines == ["ID        NAME  X", "long one  木"])
    }

    @Test(arguments: [
        (0, "0.00 ms"), (0.424, "0.42 ms"), (9.99, "9.99 ms"), (9.999, "10.0 ms"), (12.34, "12.3 ms"),
        (999.4, "999.4 ms"),
        (999.6, "1.00 s"), (59_990, "59.99 s"), (60_000, "1m 00s"), (123_000, "2m 03s"), (3_599_600, "1h 00m"),
        (3_720_000, "1h 02m"), (-5, "0.00 ms"), (1e300, "888888h 53m"),
    ])
    func `durations read well`(_ milliseconds: Double, _ text: String) {
        #expect(ReadableText.duration(milliseconds: milliseconds) == text)
    }

    @Test func `a JSON document is indented`() throws {
        let text = try JSONText(parsing: #"{"a":[1,{"b":[]}],"c":{}}"#)
        #expect(
            ReadableText.indented(text) == "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}")
    }

    @Test func `JSON for a terminal keeps its value and loses its control characters`() throws {
        let text = "{\"a\":\"\u{9B}31m\u{7F}\"}"
        let shown = ReadableText.json(text, forTerminal: true)
        #expect(shown == #"{"a":"\u009b31m\u007f"}"#)
        #expect(try JSONText(parsing: shown).isEquivalent(to: JSONText(parsing: text)))
        #expect(ReadableText.json(text, forTerminal: false) == text)
    }
}
