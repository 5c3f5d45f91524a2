import ArgumentParser

@main
struct Millrace: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace", abstract: "Store workflow graphs, run them, and stream every step live.",
        version: Installation.version, subcommands: [ServeCommand.self, BenchCommand.self])
}
