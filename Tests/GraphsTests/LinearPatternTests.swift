import Testing

@testable import Graphs

/// Regular expressions that match in linear time.
@Suite struct LinearPatternTests {
    private func matches(_ pattern: String, _ text: String) throws -> Bool? {
        var steps = 1_000_000
        return try LinearPattern(pattern).matches(text, stepsLeft: &steps)
    }

    @Test(arguments: [
        ("b", "abc"), ("^a.c$", "abc"), ("^(a|bc)+$", "abca"), ("^a?b*c+$", "bbcc"), ("^a{2,3}$", "aaa"),
        ("^a{2}$", "aa"),
        ("^a{2,}$", "aaaaa"), ("^[a-c_-]+$", "a-b_c"), ("^[^0-9]$", "x"), (#"^\d{4}-\d\d$"#, "2026-01"),
        (#"^\w+\s\W$"#, "ab_9\u{A0}!"), (#"\bcat\b"#, "a cat!"), (#"a\Bb"#, "ab"), (#"^\u0041\x42\u{1F600}$"#, "AB😀"),
        (#"^\p{Lu}\p{Ll}+$"#, "Élan"), (#"^\P{L}$"#, "1"), (#"^\.\*\/$"#, ".*/"), ("", "anything"), ("^$", ""),
        ("a|", "b"), ("^(?:ab)+?$", "abab"), ("^(?<year>[0-9]+)$", "2026"), (#"^[\d.]+$"#, "1.5"),
        (#"^[\]\\]+$"#, "]\\"),
        ("^(a*)*$", "aaaa"), (#"^[\w-]+$"#, "a-b"), ("^[^]$", "x"), ("^{$".replacing("{", with: #"\{"#), "{"),
    ])
    func `it finds what matches`(pattern: String, text: String) throws {
        #expect(try matches(pattern, text) == true)
    }

    @Test(arguments: [
        ("^b", "abc"), ("^a.c$", "a\nc"), ("^a{2,3}$", "aaaa"), ("^a{2}$", "a"), ("^[^0-9]$", "5"), (#"^\d$"#, "٣"),
        (#"\bcat\b"#, "concat"), (#"^\p{Lu}$"#, "é"), ("^(a|b)$", "ab"), ("[]", "x"), ("^.$", "ab"),
        ("^é$", "e\u{301}"),
    ])
    func `it passes over what does not`(pattern: String, text: String) throws {
        #expect(try matches(pattern, text) == false)
    }

    @Test(arguments: [
        ("(a", "has a ( without ) behind it"), ("a)", "has a ) that closes nothing"),
        ("[a", "has a [ without ] behind it"),
        ("*a", "has a * with nothing before it"), ("a**", "has two repetitions behind one another"),
        ("(?=a)", "looks ahead or behind, which is not supported"),
        ("(?<!a)", "looks ahead or behind, which is not supported"),
        (#"(a)\1"#, "refers to a group, which is not supported"), ("a{3,2}", "repeats from 3 to 2 times"),
        ("a{2", "has a { without } behind it (write \\{ for a plain one)"), (#"\"#, "ends in a backslash"),
        (#"\q"#, "has \\q, which stands for nothing"), ("[z-a]", "has a range in [ ] that is none"),
        (#"\p{Klingon}"#, "names the category Klingon, which is not supported"),
        ("a{1001}", "must repeat a whole number of times, at most 1000"),
        ("(a{1000}){1000}", "is too large: its repetitions make more than 5000 steps"),
        ("((((((){999}){999}){999}){999}){999}){999}", "is too large: its repetitions make more than 5000 steps"),
        (String(repeating: "(", count: 200), "is nested more than 100 groups deep"),
        (#"\u{110000}"#, "has the number 110000, which is no character"),
        ("^*", "repeats a place instead of characters"),
    ])
    func `it says why an expression is refused`(pattern: String, message: String) {
        #expect(throws: PatternError(message)) { try LinearPattern(pattern) }
    }

    @Test func `no text takes more than its length times the expression`() throws {
        let text = String(repeating: "a", count: 2_000)
        for pattern in ["^(a+)+$", "^(a|a)*$", "^(a*)*b$", "(x+x+)+y", "^(a?){500}a{500}$"] {
            let program = try LinearPattern(pattern)
            var steps = Int.max
            _ = program.matches(text + "!", stepsLeft: &steps)
            #expect(Int.max - steps <= (text.count + 2) * program.instructions.count, "\(pattern)")
        }
        var few = 100
        #expect(try LinearPattern("^(a+)+$").matches(text, stepsLeft: &few) == nil)
    }
}
