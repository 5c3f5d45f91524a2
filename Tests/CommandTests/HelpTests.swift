import ArgumentParser
import Testing

@testable import millrace

@Suite struct `The help` {
    private static let commands: [any ParsableCommand.Type] = {
        func below(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
            [command] + command.configuration.subcommands.flatMap(below)
        }
        return below(Millrace.self)
    }()

    @Test(arguments: [80, 100, 140])
    func `is wrapped once, at the width of whoever reads it`(_ columns: Int) {
        for command in Self.commands {
            let lines = Millrace.helpMessage(for: command, columns: columns).split(
                separator: "\n", omittingEmptySubsequences: false)
            // The parser leaves the line with the usage alone.
            for (line, next) in zip(lines, lines.dropFirst()) where !line.hasPrefix("USAGE:") {
                #expect(line.count <= columns, "\(command): \(line)")
                // A line of a paragraph ends where its next word had no room.
                let isProse = [line, next].allSatisfy { !$0.isEmpty && !$0.hasPrefix(" ") }
                guard isProse, let word = next.split(separator: " ").first else { continue }
                guard !line.hasPrefix("OVERVIEW:"), !line.hasSuffix(":") else { continue }
                #expect(line.count + 1 + word.count >= columns, "\(command): \(line)|\(next)")
            }
        }
    }

    @Test func `keeps examples as they are, to be copied`() {
        for command in Self.commands {
            let configuration = command.configuration
            for example in configuration.discussion.split(separator: "\n") where example.hasPrefix("  ") {
                #expect(example.count <= 80, "\(command): \(example)")
            }
        }
    }

    @Test func `joins the lines of a paragraph, and nothing else`() {
        #expect(Prose.joined("a\nb\n\nc\n\n  x\n    y\n\nd\ne") == "a b\n\nc\n\n  x\n    y\n\nd e")
        #expect(Prose.joined("  x") == "  x")
    }
}

@Suite struct `An unknown command` {
    @Test(arguments: [
        (["grpah", "list"], "millrace graph?"), (["graph", "lst"], "millrace graph list?"),
        (["exec"], "the commands are serve, run,"), (["execution", "canel", "x"], "millrace execution cancel?"),
        (["help", "toke"], "millrace token?"), (["bench", "rn"], "millrace bench run?"),
        (["Run", "x"], "millrace run?"),
    ])
    func `is answered with what was meant`(_ arguments: [String], _ words: String) throws {
        let failure = try #require(UnknownCommand(in: arguments, below: Millrace.self)).failure
        #expect(failure.description.contains(words), "\(failure.description)")
        #expect(failure.status.code == 64)
    }

    @Test(arguments: [
        [], ["--help"], ["run", "grpah"], ["graph", "--json"], ["graph", "list"], ["help"], ["help", "graph", "list"],
        ["execution", "cancel", "x"], ["--version"],
    ])
    func `is no word in another place`(_ arguments: [String]) {
        #expect(UnknownCommand(in: arguments, below: Millrace.self)?.failure.description == nil)
    }
}

@Suite struct `What a daemon says` {
    @Test(arguments: [
        (
            "There is no graph x; GET /api/graphs lists those there are.",
            "There is no graph x; millrace graph list lists those there are."
        ),
        ("There is a graph x already; PUT /api/graphs/x.y replaces it.", "There is a graph x already."),
        ("It has no revision 3; GET /api/graphs/x/revisions lists them. Look.", "It has no revision 3. Look."),
        ("nothing; of the kind.", "nothing; of the kind."),
    ])
    func `names no requests at a terminal`(_ text: String, _ shown: String) {
        #expect(TerminalWords.translated(text) == shown)
    }
}
