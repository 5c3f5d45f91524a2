import ArgumentParser
import Client

struct BenchStalledCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stalled",
        abstract: "Measure what streams that nobody reads cost those that are read.",
        prose: """
            Executes the graph again and again, in turn with stalled streams beside the healthy ones and without, and times
            each event of a healthy stream from its timestamp to its arrival. Must run on the daemon's host. The graph should
            run for several seconds and put out so much that the stalled streams fill the buffers of the system while the
            first events, which are not timed, pass by.

              millrace bench stalled GRAPH --healthy 500 --stalled 500 --rounds 5
            """)

    @Argument(help: "The graph to execute.")
    var graph: String
    @OptionGroup var options: BenchOptions
    @Option(help: "Streams that are read.")
    var healthy = 500
    @Option(help: "Streams that are not.")
    var stalled = 500
    @Option(help: "Pairs of executions, one with stalled streams and one without.")
    var rounds = 5
    @Option(help: "Events of so many first seconds of each execution are not timed.")
    var settle = 3
    @Option(help: "How much of the states the streams carry: full, update or none.")
    var detail = StreamDetail.update

    func validate() throws {
        guard healthy > 0, stalled > 0, rounds > 0, settle >= 0 else {
            throw ValidationError("--healthy, --stalled and --rounds take 1 or more, --settle 0 or more")
        }
    }

    func run() throws {
        try reportingFailures {
            try compare()
            return .success
        }
    }

    private func compare() throws {
        let session = try options.session()
        try session.requireGraph(graph)
        var p50: [Double] = []
        var p99: [Double] = []
        for round in 0..<rounds {
            // What goes first in one round goes last in the next.
            let isAloneFirst = round % 2 == 0
            let first = try measure(session, stalled: isAloneFirst ? 0 : stalled)
            let second = try measure(session, stalled: isAloneFirst ? stalled : 0)
            let (alone, beside) = isAloneFirst ? (first, second) : (second, first)
            try Terminal.print("\(healthy) alone:            \(alone.line)")
            try Terminal.print("\(healthy) beside \(stalled) stalled: \(beside.line)")
            p50.append(Self.ratio(beside, alone, 50))
            p99.append(Self.ratio(beside, alone, 99))
        }
        try Terminal.print(
            "beside stalled / alone, median of \(rounds): p50 \(Self.median(p50))  p99 \(Self.median(p99))")
    }

    private func measure(_ session: BenchSession, stalled: Int) throws -> BenchReport {
        let id = try session.start(graph)
        let request = session.request("GET", "/api/executions/\(id)/events?state=\(detail.rawValue)")
        let run = BenchWatch(session, count: healthy, untimedMilliseconds: Int64(settle) * 1000)
        try run.stall(request, count: stalled)
        try run.watch(request)
        run.close()
        if let failure = run.failure { throw failure }
        guard run.report.count > 0 else {
            throw CommandFailure("the execution had ended before any event was timed: see --settle")
        }
        return run.report
    }

    private static func ratio(_ beside: BenchReport, _ alone: BenchReport, _ percentile: Double) -> Double {
        Double(beside.value(atPercentile: percentile)) / Double(max(alone.value(atPercentile: percentile), 1))
    }

    private static func median(_ values: [Double]) -> Double {
        values.sorted()[values.count / 2].rounded(toPlaces: 2)
    }
}
