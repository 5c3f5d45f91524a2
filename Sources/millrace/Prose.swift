import ArgumentParser

/// Text of a command's help, as it stands in the code: paragraphs of lines, and indented examples.
enum Prose {
    /// The text with each paragraph in one line, so that whoever shows it wraps it at its own width, and only there.
    static func joined(_ text: String) -> String {
        var lines: [String] = []
        var isInParagraph = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isProse = !line.isEmpty && !line.hasPrefix(" ")
            if isProse, isInParagraph {
                lines[lines.count - 1] += " \(line)"
            } else {
                lines.append(String(line))
            }
            isInParagraph = isProse
        }
        return lines.joined(separator: "\n")
    }
}

extension CommandConfiguration {
    /// - Parameter prose: the discussion, as `Prose` has it.
    init(
        commandName: String, abstract: String, prose: String, version: String = "", shouldDisplay: Bool = true,
        subcommands: [any ParsableCommand.Type] = []
    ) {
        self.init(
            commandName: commandName, abstract: abstract, discussion: Prose.joined(prose), version: version,
            shouldDisplay: shouldDisplay, subcommands: subcommands)
    }
}
