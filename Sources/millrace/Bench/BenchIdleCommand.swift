import ArgumentParser
import Glibc
import JSON
import Linux
import Reactor

struct BenchIdleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle",
        abstract: "Open many streams of an execution that does nothing, and see what each costs the daemon.",
        prose: """
            Stores a graph (bench-idle, deleted at the end) whose one node waits, watches it with all streams, and reads the
            daemon's resident memory and CPU time in /proc: before, when all are open, and after a while of nothing but
            heartbeats. Ask a daemon that has just been started: one that has worked has memory left over, and streams
            seem to cost nothing. Memory of the kernel for the sockets is not in it. Over a unix socket that the daemon has made
            itself its process is known; else say which it is.

              millrace bench idle --streams 10000 --pid "$(pgrep -f 'millrace serve')"
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: "Streams at once.")
    var streams = 10_000
    @Option(help: "How long to look at the idle streams; heartbeats come every 15 s (stream.keep_alive_ms).")
    var seconds = 30
    @Option(help: "The daemon's process.")
    var pid: Int32?

    private static let graphID = "bench-idle"
    /// Buffers and tables that the first streams bring about are no cost of each.
    private static let firstStreams = 200

    func validate() throws {
        guard streams > 0, seconds >= 0 else {
            throw ValidationError("--streams must be at least 1, --seconds at least 0")
        }
    }

    func run() throws {
        try reportingFailures {
            try measure()
            return .success
        }
    }

    private func measure() throws {
        let session = try options.session()
        let process = try self.process(session)
        try session.store(Self.document, as: Self.graphID)
        defer { try? session.delete(Self.graphID) }
        let id = try session.start(Self.graphID)
        defer { _ = try? session.call(session.request("POST", "/api/executions/\(id)/cancel")) }
        let crowd = IdleStreams(session, session.request("GET", "/api/executions/\(id)/events"))
        defer { crowd.close() }
        try crowd.open(Self.firstStreams)
        let before = try ProcessFigures(process)
        try crowd.open(streams)
        try crowd.wait(milliseconds: 2_000)
        let full = try ProcessFigures(process)
        try Terminal.print(
            "\(streams) idle streams: \((full.residentBytes - before.residentBytes) / streams) bytes each")
        try Terminal.print(
            "resident: \(before.residentBytes >> 10) KiB before, \(full.residentBytes >> 10) KiB with them")
        guard seconds > 0 else { return }
        try crowd.wait(milliseconds: Int64(seconds) * 1000)
        let used = try ProcessFigures(process).cpuMicroseconds - full.cpuMicroseconds
        let share = Double(used) / Double(seconds) / Double(streams + Self.firstStreams)
        try Terminal.print("CPU: \(share.rounded(toPlaces: 2)) µs per second for each stream")
    }

    private func process(_ session: BenchSession) throws -> Int32 {
        if let pid { return pid }
        if case .unix = session.address {
            let found = try Socket.connect(to: session.address).peerCredentials().processID
            // A service manager has made the socket, not the daemon.
            if found > 1 { return found }
        }
        throw CommandFailure("say which process the daemon is, with --pid", status: .usage)
    }

    private static var document: JSONText {
        let node: JSONObject = [
            "id": "wait", "kind": "delay", "config": JSONText(["duration_ms": JSONText(3_600_000)] as JSONObject),
        ]
        let limits: JSONObject = ["timeout_ms": JSONText(7_200_000)]
        return JSONText(
            ["id": JSONText(graphID), "limits": JSONText(limits), "nodes": JSONText(array: [JSONText(node)])]
                as JSONObject)
    }
}

/// Streams that are open, and read whatever comes.
private final class IdleStreams {
    private let session: BenchSession
    private let request: [UInt8]
    private var clients: [BenchConnection] = []
    private var begun = 0
    private var failure: CommandFailure?

    init(_ session: BenchSession, _ request: [UInt8]) {
        self.session = session
        self.request = request
    }

    /// Opens so many more, and waits until each has begun.
    func open(_ count: Int) throws {
        for _ in 0..<count {
            var hasBegun = false
            let client = try BenchConnection(to: session.address, on: session.reactor) { [self] _, progress in
                switch progress {
                case .body:
                    if !hasBegun { begun += 1 }
                    hasBegun = true

                case .end(let status): fail(CommandFailure("a stream ended with status \(status)"))
                case .failed(let failure): fail(failure)
                }
            }
            clients.append(client)
            client.send(request)
            // Whoever accepts must not be left behind.
            if clients.count % 100 == 0 { try awaitAll() }
        }
        try awaitAll()
    }

    /// Reads for a while.
    func wait(milliseconds: Int64) throws {
        var isOver = false
        _ = session.reactor.schedule(afterMilliseconds: milliseconds) { isOver = true }
        while !isOver, failure == nil { try session.reactor.turn() }
        if let failure { throw failure }
    }

    func close() {
        for client in clients { client.close() }
    }

    private func awaitAll() throws {
        while begun < clients.count, failure == nil { try session.reactor.turn() }
        if let failure { throw failure }
    }

    private func fail(_ cause: CommandFailure) {
        failure = failure ?? cause
    }
}

/// What the kernel says about a process: proc(5).
private struct ProcessFigures {
    let residentBytes: Int
    let cpuMicroseconds: Int64

    init(_ process: Int32) throws {
        let status = String(decoding: try SmallFile.read("/proc/\(process)/status", bytesMax: 65_536), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        guard let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw CommandFailure("/proc/\(process)/status says nothing of resident memory")
        }
        residentBytes = kibibytes << 10
        let stat = String(decoding: try SmallFile.read("/proc/\(process)/stat", bytesMax: 65_536), as: UTF8.self)
        // The name of the program may hold spaces and brackets; behind it stand the state and numbers.
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Int64(fields[12]), let system = Int64(fields[13]) else {
            throw CommandFailure("/proc/\(process)/stat cannot be read")
        }
        cpuMicroseconds = (user + system) * 1_000_000 / Int64(sysconf(Int32(_SC_CLK_TCK)))
    }
}
