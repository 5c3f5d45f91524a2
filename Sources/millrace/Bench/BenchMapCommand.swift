import ArgumentParser
import JSON
import Linux
import Reactor

struct BenchMapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "map",
        abstract: "Measure what an item of a map costs, in maps of 1,000 to a million items.",
        discussion: """
            Stores a graph with a map over one `set` node (bench-map, deleted at the end; its executions stay in the history), \
            runs it over lists of so many items, and prints the time for each item, by how much the daemon's memory has grown \
            at the most, and how long it takes to open the node of the last item.

              millrace bench map --sizes 1000,1000000
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: "Numbers of items, with commas between them.")
    var sizes = "1000,10000,100000,1000000"
    @Option(help: "Items at a time.")
    var parallel = 8
    @Flag(help: "Keep the list of results.")
    var results = false

    private static let graphID = "bench-map"
    /// Between two looks at the execution and at the daemon's memory.
    private static let lookMilliseconds: Int64 = 50
    private static let itemsMax = 2_000_000

    func validate() throws { _ = try numbers() }

    func run() throws {
        let session = try options.session()
        try session.store(document, as: Self.graphID)
        defer { try? session.delete(Self.graphID) }
        print("    items   µs per item   items/s   MiB   opening the last, ms")
        for count in try numbers() {
            let before = try Self.residentBytes(session)
            let id = try start(count, session)
            var most = before
            var summary = try Self.summary(id, session)
            while summary["ended_at"]?.isNull != false {
                try Self.pause(session)
                most = max(most, try Self.residentBytes(session))
                summary = try Self.summary(id, session)
            }
            guard summary["status"]?.string == "success", let milliseconds = summary["duration_ms"]?.double else {
                throw ValidationError("the map did not end well: \(summary)")
            }
            let opening = try session.exchange(
                session.request("GET", "/api/executions/\(id)/nodes/set?path=each,\(count - 1)")
            ).nanoseconds
            let columns = [
                ("\(count)", 9), ("\((milliseconds * 1000 / Double(count)).rounded(toPlaces: 2))", 14),
                ("\(Int(Double(count) * 1000 / max(milliseconds, 0.001)))", 10),
                ("\((most - before) >> 20)", 6), ("\((Double(opening) / 1_000_000).rounded(toPlaces: 2))", 23),
            ]
            print(columns.map { String(repeating: " ", count: max($1 - $0.count, 0)) + $0 }.joined())
        }
    }

    private func numbers() throws -> [Int] {
        let numbers = sizes.split(separator: ",").map { Int($0) ?? 0 }
        guard !numbers.isEmpty, numbers.allSatisfy({ 1...Self.itemsMax ~= $0 }), 1...10_000 ~= parallel else {
            throw ValidationError("--sizes takes numbers from 1 to \(Self.itemsMax), --parallel one from 1 to 10000")
        }
        return numbers
    }

    private var document: JSONText {
        let into = results ? #""results""# : "null"
        let node = #"{"id":"set","kind":"set","config":{"values":{"k":1}}}"#
        let config = #"{"items":"{{ state.rows }}","parallel":\#(parallel),"into":\#(into),"nodes":[\#(node)]}"#
        let document = #"{"id":"\#(Self.graphID)","nodes":[{"id":"each","kind":"map","config":\#(config)}]}"#
        return JSONText(trusted: Array(document.utf8))
    }

    private func start(_ count: Int, _ session: BenchSession) throws -> String {
        var body = ByteWriter()
        body.append("{\"initial_state\":{\"rows\":[")
        for number in 0..<count {
            if number > 0 { body.append(byte: UInt8(ascii: ",")) }
            body.append(decimal: number)
        }
        body.append("]}}")
        let answer = try session.call(
            session.request(
                "POST", "/api/graphs/\(Self.graphID)/execute", body: body.bytes, headers: ["Prefer: respond-async"]))
        guard let id = try JSONText(parsing: answer)["execution_id"]?.string else {
            throw ValidationError("the daemon's answer names no execution")
        }
        return id
    }

    private static func pause(_ session: BenchSession) throws {
        let reactor = session.reactor
        _ = reactor.schedule(afterMilliseconds: lookMilliseconds) { reactor.stop() }
        try reactor.run()
    }

    private static func summary(_ id: String, _ session: BenchSession) throws -> JSONText {
        try JSONText(parsing: try session.call(session.request("GET", "/api/executions/\(id)")))
    }

    private static func residentBytes(_ session: BenchSession) throws -> Int {
        let text = String(decoding: try session.call(session.request("GET", "/metrics")), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("process_resident_memory_bytes ") }
        return line.flatMap { Double($0.split(separator: " ")[1]) }.map { Int($0) } ?? 0
    }
}
