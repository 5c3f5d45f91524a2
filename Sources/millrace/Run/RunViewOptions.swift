import ArgumentParser
import Client

/// How an execution is to be shown; the same for `run` and `watch`.
struct RunViewOptions: ParsableArguments {
    @Flag(help: "Print the events as they come, a line of JSON each.")
    var json = false

    @Flag(help: "Print a plain line for each event, also on a terminal.")
    var plain = false

    @Option(
        help: ArgumentHelp(
            "How much of the states the events carry: full, update or none (default: full with --json, else update).",
            valueName: "full|update|none"))
    var detail: StreamDetail?

    var streamDetail: StreamDetail { detail ?? (json ? .full : .update) }

    func validate() throws {
        if json, plain { throw ValidationError("--json and --plain exclude each other.") }
    }

    /// The view that stdout calls for.
    func view(
        clock: ViewClock = ViewClock(), environment: [String: String] = ProcessEnvironment.current
    ) throws(OutputFailure) -> any RunView {
        if json { return RunViewJSON(isForTerminal: Terminal.isInteractive) }
        if plain || !Terminal.canRedraw(environment: environment) { return RunViewPlain() }
        return try RunViewLive(usesColor: Terminal.wantsColor(environment: environment), clock: clock)
    }
}

extension StreamDetail: ExpressibleByArgument {}
