import ArgumentParser
import Config

/// A word in the place of a command that is none.
struct UnknownCommand {
    let failure: CommandFailure

    /// - Returns: nil if the words name a command, or begin with something else, such as an option.
    init?(in arguments: [String], below root: any ParsableCommand.Type) {
        var (command, path) = (root, "millrace")
        for word in arguments {
            guard !word.isEmpty, !word.hasPrefix("-") else { return nil }
            if word == "help", path == "millrace" { continue }
            let known = command.configuration.subcommands
            guard !known.isEmpty else { return nil }
            guard let next = known.first(where: { $0.configuration.commandName == word }) else {
                failure = Self.failure(word, known, path)
                return
            }
            command = next
            path += " \(word)"
        }
        return nil
    }

    private static func failure(
        _ word: String, _ known: [any ParsableCommand.Type], _ path: String
    ) -> CommandFailure {
        let names = known.map { $0.configuration }.filter { $0.shouldDisplay }.compactMap { $0.commandName }
        let nearest = Suggestion.nearest(to: word, among: names)
        let help = nearest.map { "did you mean \(path) \($0)?" } ?? "the commands are \(names.joined(separator: ", "))"
        return CommandFailure("there is no command \(path) \(word); \(help)\nsee \(path) --help", status: .usage)
    }
}
