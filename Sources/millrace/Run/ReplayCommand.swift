import ArgumentParser
import Client

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Show an execution again, in the rhythm in which it ran.",
        prose: """
            Draws it like `millrace run` did, with the pauses between its events as they were recorded, or so many times
            faster. `millrace watch` shows all that has happened at once. Ctrl-C leaves.

              millrace replay 01930b1c-7d2e-7cc3-98c4-dc0c0c07398f
              millrace replay "$id" --speed 10
              millrace replay "$id" --speed 0.5 --plain

            \(CommandStatus.help)
            """)

    /// Beyond that, nothing is left to be seen.
    private static let speeds = 0.001...1_000_000.0

    @OptionGroup var execution: ExecutionReference

    @Option(help: ArgumentHelp("How many times as fast as it ran.", valueName: "number"))
    var speed = 1.0

    @Option(help: ArgumentHelp("Begin behind this event; 0 is the beginning.", valueName: "seq"))
    var from: UInt64 = 0

    @OptionGroup var server: ServerOptions
    @OptionGroup var viewing: RunViewOptions

    func validate() throws {
        guard Self.speeds.contains(speed) else {
            throw ValidationError("--speed takes a number from 0.001 to 1000000.")
        }
    }

    func run() throws {
        try reportingFailures {
            let interrupts = try Interrupts()
            let client = try server.client(interrupt: interrupts.descriptor)
            let id = try execution.resolve(client)
            let stream = try client.events(of: id, after: from, detail: viewing.streamDetail)
            let clock = ViewClock(speed: speed)
            let source = ReplayEvents(
                DaemonEvents(stream, of: id, client: client), clock: clock, interrupt: interrupts.descriptor)
            let follower = try RunFollower(
                source: source, view: viewing.view(clock: clock), interrupts: interrupts, onInterrupt: .leave,
                clock: clock)
            return try follower.follow()
        }
    }
}
