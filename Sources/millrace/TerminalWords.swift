/// What a daemon says to programs, for people at a terminal: where it names a request, they know a command for it.
enum TerminalWords {
    private static let commands = [
        ("GET /api/graphs lists", "millrace graph list lists"),
        ("GET /api/executions lists", "millrace execution list lists"),
        ("GET /api/tokens lists", "millrace token list lists"),
    ]

    /// The text, in which no clause is about a request any more.
    static func translated(_ text: String) -> String {
        var result = text
        for (request, command) in commands { result.replace(request, with: command) }
        // To the end of the sentence: a dot that nothing follows, or a space.
        return result.replacing(/; (?:GET|PUT|POST|DELETE) \/api\/(?:[^;.\n]|\.(?=[^ \n]))*/, with: "")
    }
}
