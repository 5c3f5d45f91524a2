import Testing

@testable import Graphs

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("comand", "command"), ("commnad", "command"), ("commandd", "command"), ("Command", "command"),
        ("xommand", "command"),
        ("timeout", "timeout_ms"), ("nam", "name"), ("di", "id"), ("zzz", nil), ("x", nil), ("", nil),
        ("identifier", nil),
    ])
    func `a slip of the fingers is understood`(typed: String, meant: String?) {
        #expect(Suggestion.nearest(to: typed, among: ["id", "name", "command", "timeout_ms"]) == meant)
    }

    @Test func `among very many names none is looked for`() {
        let names = (0..<200).map { "name\($0)" }
        #expect(Suggestion.nearest(to: "nme7", among: names) == "name7")
        #expect(Suggestion.nearest(to: "nme7", among: names + ["one more"]) == nil)
    }
}
