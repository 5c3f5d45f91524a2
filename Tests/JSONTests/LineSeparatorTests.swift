import JSON
import Testing

/// Line separators stand as escapes in what is one line for every reader.
@Suite struct LineSeparatorTests {
    static let separators: [(text: String, escape: String)] = [
        ("\u{2028}", #"\u2028"#), ("\u{2029}", #"\u2029"#), ("\u{85}", #"\u0085"#),
    ]

    private func escaped(_ text: String) -> String {
        String(decoding: JSONText(text).bytesOfOneLine, as: UTF8.self)
    }

    @Test(arguments: 0..<70) func `each is found wherever it lies`(offset: Int) {
        for (separator, escape) in Self.separators {
            let (before, behind) = (String(repeating: "x", count: offset), String(repeating: "é", count: 70 - offset))
            #expect(escaped(before + separator + behind) == "\"\(before)\(escape)\(behind)\"")
            #expect(escaped(before + separator) == "\"\(before)\(escape)\"")
        }
    }

    @Test func `several in a row are several escapes`() {
        let all = Self.separators.map(\.text).joined()
        #expect(escaped(all + all) == "\"" + String(repeating: #"\u2028\u2029\u0085"#, count: 2) + "\"")
    }

    @Test(arguments: [
        "", "plain", "naïve Å ✅ 入", "\u{2027}\u{202A}\u{84}\u{86}\u{C2}\u{E2}", "\u{80}\u{A8}\u{A9}",
        "\u{10028}\u{1F600}",
        "â\u{80}¨", "Â…", "“quoted” – and … so on",
    ])
    func `what only looks like one stays as it is`(text: String) {
        let padded = String(repeating: "x", count: 29) + text + String(repeating: "y", count: 40)
        #expect(escaped(padded) == "\"\(padded)\"")
    }

    @Test func `the value stays the same`() throws {
        let text = Self.separators.map(\.text).joined(separator: "a")
        let object: JSONObject = [JSONKey(text): JSONText(text)]
        let parsed = try JSONObject(parsing: object.text.bytesOfOneLine)
        #expect(parsed[text]?.string == text)
    }

    @Test func `a writer's text before the start is left alone`() {
        var writer = ByteWriter()
        writer.append(utf8: "\u{2028}")
        let start = writer.count
        writer.append(utf8: "a\u{85}b")
        let isFound = writer.hasLineSeparators
        #expect(isFound)
        writer.escapeLineSeparators(from: start)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "\u{2028}a\\u0085b")
    }
}
