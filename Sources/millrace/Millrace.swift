import ArgumentParser

@main
struct Millrace: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace", abstract: "Store workflow graphs, run them, and stream every step live.",
        prose: """
            A graph is a YAML or JSON document of nodes and edges. Run one in this terminal, or start the daemon and work
            through it:

              millrace run hello.yaml
              millrace serve
              millrace graph put hello.yaml
              millrace run hello --set name=World
              millrace execution list

            The commands find the daemon of this user by themselves; --server or $MILLRACE_SERVER names another one, and
            $MILLRACE_TOKEN is the token that it may ask for. \(CommandStatus.help)
            """,
        version: Installation.version,
        subcommands: [
            ServeCommand.self, RunCommand.self, WatchCommand.self, ReplayCommand.self, GraphCommand.self,
            ExecutionCommand.self, TokenCommand.self, ConfigCommand.self, BenchCommand.self, PythonPathCommand.self,
            ManualCommand.self,
        ])
}
