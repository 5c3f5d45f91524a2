import ArgumentParser
import Executions
import Glibc
import History
import JSON
import Linux

struct BenchHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Compare a large history with a small one: listing, opening and taking up executions.",
        prose: """
            Needs no daemon: it fills two histories in a temporary folder with executions that an engine really runs (a
            million takes some 500 MB, and a minute), asks both the same in turn, and prints the medians and how many times
            longer the large one takes. What it reads lies in the memory of the host; of a disk it says nothing. When it is
            interrupted, the folder (millrace-bench.…) stays.

              millrace bench history --executions 1000000
            """)

    @Option(help: "Executions in the large history.")
    var executions = 1_000_000
    @Option(help: "Executions in the small one.")
    var small = 1_000
    @Option(help: "How often each question is asked.")
    var rounds = 2_000
    @Option(help: "Where the temporary folder is made.")
    var folder = "/tmp"

    func validate() throws {
        guard small >= HistoryFill.unfinishedCount, executions >= small, rounds >= 1 else {
            throw ValidationError(
                "--small must be at least \(HistoryFill.unfinishedCount), --executions no less than that")
        }
    }

    func run() throws {
        try reportingFailures {
            try compare()
            return .success
        }
    }

    private func compare() throws {
        var template = Array("\(folder)/millrace-bench.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandFailure("cannot make a folder in \(folder): \(String(cString: strerror(errno)))")
        }
        let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { Self.remove(made) }
        let few = try fill("\(made)/small.sqlite", small)
        let many = try fill("\(made)/large.sqlite", executions)
        let comparison = HistoryComparison(small: few, large: many, rounds: rounds)
        try comparison.run()
    }

    private func fill(_ path: String, _ count: Int) throws -> HistoryComparison.Side {
        let began = SystemClock.monotonicNanoseconds()
        let filling = try HistoryFill(path: path, count: count).run { done in
            if Terminal.isInteractive { Terminal.complain("\(done) of \(count)") }
        }
        let seconds = Double(SystemClock.monotonicNanoseconds() - began) / 1e9
        var status = stat()
        let bytes = stat(path, &status) == 0 ? Int(status.st_size) : 0
        try Terminal.print("\(count) executions in \(seconds.rounded(toPlaces: 1)) s, \(bytes >> 20) MiB")
        return HistoryComparison.Side(path: path, filling: filling)
    }

    private static func remove(_ folder: String) {
        for name in ["small", "large"] {
            for suffix in ["", "-wal", "-shm"] { unlink("\(folder)/\(name).sqlite\(suffix)") }
            rmdir("\(folder)/\(name).sqlite.python")
        }
        rmdir(folder)
    }
}

/// Asks two histories the same questions in turn.
struct HistoryComparison {
    struct Side {
        let path: String
        let filling: HistoryFill.Filling
    }

    /// One history's times for one question.
    private struct Times {
        private var nanoseconds: [Int64] = []

        mutating func measure(_ body: () throws -> Void) rethrows {
            let began = SystemClock.monotonicNanoseconds()
            try body()
            nanoseconds.append(SystemClock.monotonicNanoseconds() - began)
        }

        var median: Double { Double(nanoseconds.sorted()[nanoseconds.count / 2]) / 1000 }
    }

    /// Taking up opens the file anew each time.
    private static let openingsMax = 31

    let small: Side
    let large: Side
    let rounds: Int

    func run() throws {
        try Terminal.print("median in µs          small      large  ratio")
        let few = HistoryStore(.file(small.path))
        let many = HistoryStore(.file(large.path))
        try few.start()
        try many.start()
        try compare("list", few, many) { store, _ in _ = try store.executions(ExecutionQuery()) }
        try compare("list a graph", few, many) { store, _ in
            _ = try store.executions(ExecutionQuery(graphID: HistoryFill.graphID))
        }
        try compare("list errors", few, many) { store, _ in _ = try store.executions(ExecutionQuery(status: .error)) }
        try compare("list both", few, many) { store, _ in
            _ = try store.executions(ExecutionQuery(graphID: "broken", status: .error))
        }
        try compare("open one", few, many) { store, side in
            try Self.open(side.filling.ids[Int.random(in: side.filling.ids.indices)], store, side)
        }
        try few.stop()
        try many.stop()
        try takeUp()
    }

    /// Its summary, and its events as a stream carries them.
    private static func open(_ id: ExecutionID, _ store: HistoryStore, _ side: Side) throws {
        guard let summary = try store.execution(id), let graph = side.filling.graphs[summary.graphID] else {
            throw CommandFailure("execution \(id) is not there")
        }
        var renderer = EventRenderer(log: EventLog(stored: summary, graph: graph), detail: .full)
        var text = ByteWriter()
        let slice = try store.records(of: id, after: 0, bytesMax: 1 << 20)
        try slice.forEachRecord { try renderer.render($0, to: &text) }
        guard slice.lastSeq == summary.lastSeq else { throw CommandFailure("execution \(id) is not whole") }
    }

    private func compare(
        _ name: String, _ few: HistoryStore, _ many: HistoryStore, _ ask: (HistoryStore, Side) throws -> Void
    ) throws {
        var (short, long) = (Times(), Times())
        for _ in 0..<rounds {
            try short.measure { try ask(few, small) }
            try long.measure { try ask(many, large) }
        }
        try report(name, short, long)
    }

    /// What a daemon does with its history when it starts.
    private func takeUp() throws {
        var (short, long) = (Times(), Times())
        for _ in 0..<min(rounds, Self.openingsMax) {
            try Self.takeUp(small, &short)
            try Self.takeUp(large, &long)
        }
        try report("take up", short, long)
    }

    private static func takeUp(_ side: Side, _ times: inout Times) throws {
        let store = HistoryStore(.file(side.path))
        try times.measure {
            try store.start()
            _ = try store.lastRowID()
            let left = try [ExecutionStatus.running, .queued].flatMap {
                try store.executions(ExecutionQuery(status: $0, limit: .max))
            }
            guard left.count >= HistoryFill.unfinishedCount else {
                throw CommandFailure(
                    "\(left.count) executions are unfinished, \(HistoryFill.unfinishedCount) should be")
            }
            for summary in left { try store.forEachRecord(of: summary.id) { _ in } }
        }
        try store.stop()
    }

    private func report(_ name: String, _ short: Times, _ long: Times) throws(OutputFailure) {
        func column(_ value: Double, _ width: Int) -> String {
            let text = "\(value)"
            return String(repeating: " ", count: max(width - text.count, 1)) + text
        }
        let (few, many) = (short.median.rounded(toPlaces: 1), long.median.rounded(toPlaces: 1))
        let label = name + String(repeating: " ", count: max(14 - name.count, 1))
        try Terminal.print(label + column(few, 13) + column(many, 11) + column((many / few).rounded(toPlaces: 2), 7))
    }
}
