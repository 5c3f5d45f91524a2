import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure a running daemon.",
        prose: """
            Numbers of one machine say little about another: compare two things in one run, each pinned to its cores
            (taskset -c 0 millrace serve …; taskset -c 1 millrace bench run …).
            """,
        subcommands: [
            BenchRunCommand.self, BenchWatchCommand.self, BenchStalledCommand.self, BenchNodesCommand.self,
            BenchIdleCommand.self, BenchMapCommand.self, BenchHistoryCommand.self,
        ])
}
