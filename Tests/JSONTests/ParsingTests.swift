import JSON
import Testing

@Test(arguments: acceptedCases)
func `a valid text stays as it was written`(_ sample: ParsingCase) throws {
    #expect(try JSONText(parsing: sample.bytes).bytes == sample.bytes)
}

@Test(arguments: spacedCases)
func `whitespace between tokens is removed`(_ sample: (spaced: String, minified: String)) throws {
    #expect(try JSONText(parsing: sample.spaced).description == sample.minified)
}

@Test(arguments: [refusedArrays, refusedWords, refusedObjects, refusedStrings, refusedStructures].flatMap { $0 })
func `a malformed text is refused`(_ sample: ParsingCase) {
    let error = #expect(throws: JSONError.self) { try JSONText(parsing: sample.bytes) }
    #expect(error?.kind == .malformed || error?.kind == .notUTF8)
    #expect((0...sample.bytes.count).contains(error?.offset ?? -1))
}

/// What RFC 8259 leaves open, and what is done here.
enum Choice: Sendable { case kept, malformed, notUTF8, duplicateKey }

let choices: [(ParsingCase, Choice)] = [
    // Numbers have no range: they stay as written.
    (.init("i_number_double_huge_neg_exp", "[123.456e-789]"), .kept),
    (.init("i_number_huge_exp", "[0.4e00669999999999999999999999999999999999999999999999999999999999999999]"), .kept),
    (.init("i_number_real_overflow", "[1e400,-1e400]"), .kept),
    (.init("i_number_real_underflow", "[123e-10000000]"), .kept),
    (.init("i_number_too_big_pos_int", "[100000000000000000000]"), .kept),
    (.init("i_number_too_big_neg_int", "[-123123123123123123123123123123]"), .kept),
    (.init("i_number_very_big_int", "[" + String(repeating: "9", count: 5000) + "]"), .kept),
    (.init("i_number_minus_zero", "[-0,-0.0,-0e0]"), .kept),
    // Lone surrogates are no characters (RFC 7493, section 2.1).
    (.init("i_object_key_lone_2nd_surrogate", #"{"\uDFAA":0}"#), .malformed),
    (.init("i_string_1st_surrogate_but_2nd_missing", #"["\uDADA"]"#), .malformed),
    (.init("i_string_1st_valid_surrogate_2nd_invalid", #"["\uD888\u1234"]"#), .malformed),
    (.init("i_string_incomplete_surrogate_and_escape_valid", #"["\uD800\n"]"#), .malformed),
    (.init("i_string_incomplete_surrogates_escape_valid", #"["\uD800\uD800\n"]"#), .malformed),
    (.init("i_string_inverted_surrogates_U+1D11E", #"["\uDd1e\uD834"]"#), .malformed),
    (.init("i_string_lone_second_surrogate", #"["\uDFAA"]"#), .malformed),
    (.init("i_string_first_surrogate_at_end_of_text", #""\uD800""#), .malformed),
    // Only UTF-8 (RFC 8259, section 8.1), without a mark.
    (.init("i_string_UTF-16LE_with_BOM", [0xFF, 0xFE, 0x5B, 0x00, 0x5D, 0x00]), .notUTF8),
    (.init("i_string_UTF-8_invalid_sequence", quoted(0xE6, 0x97, 0xA5, 0xD1, 0x88, 0xFA)), .notUTF8),
    (.init("i_string_UTF8_surrogate_U+D800", quoted(0xED, 0xA0, 0x80)), .notUTF8),
    (.init("i_string_invalid_utf-8", quoted(0xFF)), .notUTF8),
    (.init("i_string_iso_latin_1", quoted(0xE9)), .notUTF8),
    (.init("i_string_lone_utf8_continuation_byte", quoted(0x81)), .notUTF8),
    (.init("i_string_not_in_unicode_range", quoted(0xF4, 0xBF, 0xBF, 0xBF)), .notUTF8),
    (.init("i_string_overlong_sequence_2_bytes", quoted(0xC0, 0xAF)), .notUTF8),
    (.init("i_string_overlong_sequence_3_bytes", quoted(0xE0, 0x80, 0xAF)), .notUTF8),
    (.init("i_string_overlong_sequence_4_bytes", quoted(0xF0, 0x80, 0x80, 0xAF)), .notUTF8),
    (.init("i_string_overlong_sequence_6_bytes", quoted(0xFC, 0x83, 0xBF, 0xBF, 0xBF, 0xBF)), .notUTF8),
    (.init("i_string_overlong_null", quoted(0xC0, 0x80)), .notUTF8),
    (.init("i_string_truncated-utf-8", quoted(0xE0, 0xFF)), .notUTF8),
    (.init("i_string_truncated_at_end", [0x22, 0x61, 0xF0, 0x9F]), .notUTF8),
    (.init("i_string_utf16BE_no_BOM", [0x00, 0x5B, 0x00, 0x5D]), .malformed),
    (.init("i_structure_UTF-8_BOM_empty_object", [0xEF, 0xBB, 0xBF, 0x7B, 0x7D]), .malformed),
    (.init("i_structure_UTF-8_BOM_alone", [0xEF, 0xBB, 0xBF]), .malformed),
    // Unique keys (RFC 7493, section 2.3), compared by code points.
    (.init("i_object_duplicated_key", #"{"a":"b","a":"c"}"#), .duplicateKey),
    (.init("i_object_duplicated_key_and_value", #"{"a":"b","a":"b"}"#), .duplicateKey),
    (.init("i_object_duplicated_empty_key", #"{"":1,"":2}"#), .duplicateKey),
    (.init("i_object_duplicated_key_escaped", #"{"a":1,"\u0061":2}"#), .duplicateKey),
    (.init("i_object_duplicated_key_escaped_solidus", #"{"\/":1,"/":2}"#), .duplicateKey),
    (.init("i_object_duplicated_key_surrogate_pair", "{\"\\uD83D\\uDE00\":1,\"😀\":2}"), .duplicateKey),
    (.init("i_object_duplicated_key_two_bytes", "{\"\\u00e9\":1,\"\u{E9}\":2}"), .duplicateKey),
    (.init("i_object_duplicated_key_three_bytes", "{\"\\u20AC\":1,\"€\":2}"), .duplicateKey),
    (.init("i_object_duplicated_key_control", #"{"\n":1,"\u000A":2}"#), .duplicateKey),
    (.init("i_object_duplicated_key_nested", #"[{"x":{"a":1,"b":[{}],"a":2}}]"#), .duplicateKey),
    (.init("i_object_canonically_equivalent_keys", "{\"\u{E9}\":1,\"e\u{301}\":2}"), .kept),
    (.init("i_object_key_and_prefix", #"{"a":1,"ab":2,"a\u0000":3}"#), .kept),
]

@Test(arguments: choices)
func `what the standard leaves open is decided`(_ sample: ParsingCase, _ choice: Choice) {
    let kind: JSONError.Kind
    switch choice {
    case .kept:
        #expect((try? JSONText(parsing: sample.bytes))?.bytes == sample.bytes)
        return
    case .malformed: kind = .malformed
    case .notUTF8: kind = .notUTF8
    case .duplicateKey: kind = .duplicateKey
    }
    let error = #expect(throws: JSONError.self) { try JSONText(parsing: sample.bytes) }
    #expect(error?.kind == kind)
}

@Test(arguments: [
    ("[1,2", 4), ("[1 2]", 3), ("[1,,2]", 3), (#"{"a":1,}"#, 7), (#"{"a":1 "b"}"#, 7), (#"{"a":1,b}"#, 7), ("[[]", 3),
    ("[1} ", 2),
    (#"{"a":1}}"#, 7), (#"{ "[" : 1"#, 9), (#"{"a" 1}"#, 5), ("  [1]  x", 7), ("[01]", 1),
    ("[1.x]", 3), (#"["ab\q"]"#, 4), (#"["a\ud800"]"#, 3), ("[\"a\nb\"]", 3), ("[true, \"abc]", 7), ("", 0), ("  ", 2),
    (#"{ "a" : 1 , "b":2, "\u0061":3}"#, 19), ("[nil]", 1), ("1 1", 2),
])
func `an error names the place of the fault`(_ text: String, _ offset: Int) {
    let error = #expect(throws: JSONError.self) { try JSONText(parsing: text) }
    #expect(error?.offset == offset)
    #expect(error?.message.contains("at byte \(offset)") == true)
}

@Test func `an error names the first byte that is not UTF-8`() {
    let error = #expect(throws: JSONError.self) { try JSONText(parsing: Array("[\"é€😀".utf8) + [0xC3, 0x28]) }
    #expect(error?.offset == 11)
}

@Test func `an error names the key that occurs twice`() {
    let error = #expect(throws: JSONError.self) { try JSONText(parsing: #"{"limits": 1, "limits": 2}"#) }
    #expect(error?.message.hasSuffix(#""limits""#) == true)
    let long = String(repeating: "é", count: 1000)
    let shortened = #expect(throws: JSONError.self) { try JSONText(parsing: "{\"\(long)\":1,\"\(long)\":2}") }
    #expect(shortened?.message.hasSuffix("ééé…") == true)
    #expect((shortened?.message.utf8.count ?? 1000) < 200)
}

@Test(arguments: [2, 15, 16, 17, 18, 100, 5000], [false, true])
func `a duplicate is found among many keys`(_ count: Int, _ escaped: Bool) throws {
    let members = (0..<count - 1).map { #""key\#($0)":\#($0)"# }
    let last = escaped ? #""\u006bey0":0"# : #""key0":0"#
    #expect(throws: Never.self) { try JSONText(parsing: "{" + members.joined(separator: ",") + "}") }
    let error = #expect(throws: JSONError.self) {
        try JSONText(parsing: "{" + (members + [last]).joined(separator: ", ") + "}")
    }
    #expect(error?.kind == .duplicateKey)
}

@Test func `all ways to hand over a text read the same`() throws {
    let text = #"{"a": [1, "é"]}"#
    let expected = try JSONText(parsing: Array(text.utf8))
    #expect(try JSONText(parsing: text) == expected)
    #expect(try Array(text.utf8).withUnsafeBytes { try JSONText(parsing: $0) } == expected)
}

@Test(arguments: [4095, 4096, 4097, 65_535, 65_536, 65_537, 300_000])
func `texts of all sizes are read whole`(_ count: Int) throws {
    let text = "[\"" + String(repeating: "x", count: count - 4) + "\"]"
    #expect(try JSONText(parsing: text + "\n").description == text)
    #expect(throws: JSONError.self) { try JSONText(parsing: String(text.dropLast())) }
}

@Test func `threads read texts side by side`() async {
    await withTaskGroup(of: Bool.self) { group in
        for task in 0..<8 {
            group.addTask {
                (0..<300).allSatisfy { round in
                    let text = "[" + String(repeating: "\(task),", count: round * 7) + "{\"key\":\(round)}]"
                    return (try? JSONText(parsing: text))?.description == text
                }
            }
        }
        for await allRight in group { #expect(allRight) }
    }
}
