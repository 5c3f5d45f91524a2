import ArgumentParser
import Client

struct BenchWatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Watch one execution with many streams, and time each event from its timestamp to its arrival.",
        prose: """
            Must run on the daemon's host: the times are compared by the wall clock. The graph should run for a while and
            emit events steadily. Events from before all streams were open are replayed to some, and not timed; the time
            contains the commit, since nothing is sent before it is stored, and the reading here of all streams one after
            the other.

              millrace bench watch agents --watchers 1000
            """)

    @Argument(help: "The graph to execute.")
    var graph: String
    @OptionGroup var options: BenchOptions
    @Option(help: "Streams at once.")
    var watchers = 1000
    @Option(help: "How much of the states the streams carry: full, update or none.")
    var detail = StreamDetail.update

    func validate() throws {
        guard watchers > 0 else { throw ValidationError("--watchers must be at least 1") }
    }

    func run() throws {
        try reportingFailures {
            try measure()
            return .success
        }
    }

    private func measure() throws {
        let session = try options.session()
        try session.requireGraph(graph)
        let id = try session.start(graph)
        let run = BenchWatch(session, count: watchers)
        try run.watch(session.request("GET", "/api/executions/\(id)/events?state=\(detail.rawValue)"))
        if let failure = run.failure { throw failure }
        try Terminal.print(
            "\(run.events) events to \(watchers) watchers of execution \(id), \(run.report.count) of them timed")
        if run.report.count > 0 { try Terminal.print("event to arrival: \(run.report.line)") }
        try Terminal.print("streams that differ: \(run.differing)")
    }
}
