import ArgumentParser
import Client
import Glibc
import Linux
import Reactor

struct BenchRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Start executions as fast as they end, and time each from request to last event.",
        prose: """
            Each connection starts an execution, reads its stream to the end, and starts the next on the same connection.

              millrace bench run hello --connections 100 --seconds 10
            """)

    @Argument(help: "The graph to execute.")
    var graph: String
    @OptionGroup var options: BenchOptions
    @Option(help: "Connections at once.")
    var connections = 100
    @Option(help: "How long.")
    var seconds = 10
    @Option(help: "How much of the states the streams carry: full, update or none.")
    var detail = StreamDetail.full

    func validate() throws {
        guard connections > 0, seconds > 0 else { throw ValidationError("--connections and --seconds take 1 or more") }
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
        let request = session.request("POST", "/api/graphs/\(graph)/execute/stream?state=\(detail.rawValue)")
        let reactor = session.reactor
        var report = BenchReport()
        var bytes: UInt64 = 0
        var failure: CommandFailure?
        var isOver = false
        var clients: [BenchConnection] = []
        for _ in 0..<connections {
            clients.append(
                try BenchConnection(to: session.address, on: reactor) { connection, progress in
                    switch progress {
                    case .body(let piece): bytes += UInt64(piece.count)
                    case .end(status: 200):
                        report.record(nanoseconds: SystemClock.monotonicNanoseconds() - connection.sentAtNanoseconds)
                        if !isOver { connection.send(request) }
                    case .end(let status): failure = CommandFailure("the daemon answered \(status)")
                    case .failed(let cause): failure = cause
                    }
                    if failure != nil { reactor.stop() }
                })
        }
        let began = SystemClock.monotonicNanoseconds()
        for client in clients { client.send(request) }
        _ = reactor.schedule(afterMilliseconds: Int64(seconds) * 1000) {
            isOver = true
            reactor.stop()
        }
        try reactor.run()
        let elapsed = Double(SystemClock.monotonicNanoseconds() - began) / 1e9
        if let failure { throw failure }
        try Terminal.print(
            "\(report.count) executions in \(elapsed.rounded(toPlaces: 2)) s: \(Int(Double(report.count) / elapsed)) per second"
        )
        try Terminal.print("start to last event: \(report.line)")
        try Terminal.print("received: \((Double(bytes) / elapsed / 1e6).rounded(toPlaces: 1)) MB/s")
    }
}

extension Double {
    func rounded(toPlaces places: Int) -> Double {
        let scale = pow(10, Double(places))
        return (self * scale).rounded() / scale
    }
}
