import ArgumentParser
import JSON
import Reactor

struct BenchNodesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodes",
        abstract: "Measure what a node costs in a chain and in a fan of 100, 1,000 and 10,000 nodes.",
        prose: """
            Stores graphs of `set` nodes (bench-chain-100 and so on, deleted at the end; their executions stay in the
            history), runs them in turn, and prints the median time from the request to the last event, for each node, and
            as many times that of the smallest graph. Streams carry updates only: with full states the events of a long chain
            grow with it.

              millrace bench nodes --rounds 7
            """)

    @OptionGroup var options: BenchOptions
    @Option(help: "How often each graph runs.")
    var rounds = 7
    @Option(help: "Numbers of nodes, with commas between them.")
    var sizes = "100,1000,10000"

    private struct Subject {
        let name: String
        let size: Int
        let isChain: Bool
        var id: String { "bench-\(name)-\(size)" }
        var times: [Int64] = []
        var microseconds: Double { Double(times.sorted()[times.count / 2]) / 1000 / Double(size) }
    }

    func validate() throws { _ = try subjects() }

    func run() throws {
        try reportingFailures {
            try measure()
            return .success
        }
    }

    private func measure() throws {
        let session = try options.session()
        var subjects = try subjects()
        defer { for subject in subjects { try? session.delete(subject.id) } }
        for subject in subjects { try session.store(Self.document(subject), as: subject.id) }
        for _ in 0..<rounds {
            for index in subjects.indices { subjects[index].times.append(try Self.time(subjects[index].id, session)) }
        }
        try Terminal.print("        nodes   µs per node   ratio")
        for subject in subjects {
            let smallest = subjects.first { $0.isChain == subject.isChain }?.microseconds ?? subject.microseconds
            let cost = subject.microseconds
            try Terminal.print(
                Self.column(subject.name, -5) + Self.column("\(subject.size)", 8)
                    + Self.column("\(cost.rounded(toPlaces: 2))", 14)
                    + Self.column("\((cost / smallest).rounded(toPlaces: 2))", 8))
        }
    }

    private func subjects() throws -> [Subject] {
        let numbers = sizes.split(separator: ",").map { Int($0) ?? 0 }
        guard !numbers.isEmpty, numbers.allSatisfy({ 1...10_000 ~= $0 }), rounds > 0 else {
            throw ValidationError("--sizes takes numbers from 1 to 10000, --rounds one from 1")
        }
        return ["chain", "fan"].flatMap { name in
            numbers.map { Subject(name: name, size: $0, isChain: name == "chain") }
        }
    }

    /// A fan has one node that all others come from.
    private static func document(_ subject: Subject) -> JSONText {
        let nodes = (0..<subject.size).map { number in
            JSONText(
                ["id": JSONText("n\(number)"), "kind": "set", "config": #"{"values":{"k":1}}"#.json] as JSONObject)
        }
        let edges = (1..<max(subject.size, 1)).map { number in
            JSONText(
                ["from": JSONText(subject.isChain ? "n\(number - 1)" : "n0"), "to": JSONText("n\(number)")]
                    as JSONObject)
        }
        return JSONText(
            ["id": JSONText(subject.id), "nodes": JSONText(array: nodes), "edges": JSONText(array: edges)]
                as JSONObject)
    }

    /// From the request to the last event.
    private static func time(_ id: String, _ session: BenchSession) throws -> Int64 {
        try session.exchange(session.request("POST", "/api/graphs/\(id)/execute/stream?state=update")).nanoseconds
    }

    /// - Parameter width: negative for text that begins at the left.
    private static func column(_ text: String, _ width: Int) -> String {
        let gap = String(repeating: " ", count: max(abs(width) - text.count, 0))
        return width < 0 ? text + gap : gap + text
    }
}

extension String {
    fileprivate var json: JSONText { JSONText(trusted: Array(utf8)) }
}
