import ArgumentParser
import Client

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Watch an execution of the daemon.",
        prose: """
            Shows all events so far, then follows live until the execution ends; one that has ended is replayed. A broken
            connection is resumed without a loss. Ctrl-C leaves and does nothing to the execution.

              millrace watch 01930b1c-7d2e-7cc3-98c4-dc0c0c07398f
              millrace watch --last
              millrace watch 98f2c1
              millrace watch "$id" --json --from 120

            \(CommandStatus.help)
            """)

    @OptionGroup var execution: ExecutionReference

    @Option(help: ArgumentHelp("Begin behind this event; 0 is the beginning.", valueName: "seq"))
    var from: UInt64 = 0

    @OptionGroup var server: ServerOptions
    @OptionGroup var viewing: RunViewOptions

    func run() throws {
        try reportingFailures {
            let interrupts = try Interrupts()
            let client = try server.client(interrupt: interrupts.descriptor)
            let id = try execution.resolve(client)
            let stream = try client.events(of: id, after: from, detail: viewing.streamDetail)
            let source = DaemonEvents(stream, of: id, client: client)
            let view = try viewing.view()
            return try RunFollower(source: source, view: view, interrupts: interrupts, onInterrupt: .leave).follow()
        }
    }
}
