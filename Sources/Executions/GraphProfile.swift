// How long the nodes of a graph take over many executions, and which have become slower. A node is told by its id, whatever
// revision of the graph ran.

import Graphs

package struct GraphProfile: Sendable {
    /// What a node took in one execution, all attempts together; microseconds.
    struct Sample: Sendable {
        var run: Int64
        var queue: Int64
    }

    /// A node is judged from so many runs on: two in the recent third, four before.
    package static let judgedRunsMin = 6
    /// It has become slower if the median of the recent third of its runs is at least so many times that of the others…
    package static let slowerFactorMin = 1.25
    /// …and at least so much longer, since what takes no time at all varies by any factor.
    package static let slowerMicrosecondsMin: Int64 = 1000

    package struct Node: Sendable {
        package let id: String
        /// As in the latest execution that had it.
        package let name: String
        package let kind: String
        package private(set) var errors = 0
        /// The newest first.
        private var samples: [Sample] = []

        init(id: String, name: String, kind: String) {
            (self.id, self.name, self.kind) = (id, name, kind)
        }

        package var runs: Int { samples.count }

        mutating func add(_ sample: Sample, failed: Bool) {
            samples.append(sample)
            if failed { errors += 1 }
        }

        /// The smallest time that so many percent of the runs do not exceed (nearest rank).
        package func run(percentile: Int) -> Int64 { Self.percentile(percentile, samples.map(\.run)) }
        package func queue(percentile: Int) -> Int64 { Self.percentile(percentile, samples.map(\.queue)) }

        /// The medians of the recent third of the runs and of those before; nil if there are too few.
        package var medians: (earlier: Int64, recent: Int64)? {
            guard samples.count >= GraphProfile.judgedRunsMin else { return nil }
            let recent = samples.count / 3
            return (
                Self.percentile(50, samples.dropFirst(recent).map(\.run)),
                Self.percentile(50, samples.prefix(recent).map(\.run))
            )
        }

        /// The recent median as a multiple of the earlier one; nil if there are too few runs.
        package var factor: Double? {
            medians.map { Double(max($0.recent, 1)) / Double(max($0.earlier, 1)) }
        }

        package var isSlower: Bool {
            guard let medians, let factor else { return false }
            return factor >= GraphProfile.slowerFactorMin
                && medians.recent - medians.earlier >= GraphProfile.slowerMicrosecondsMin
        }

        private static func percentile(_ percent: Int, _ values: [Int64]) -> Int64 {
            guard !values.isEmpty else { return 0 }
            return values.sorted()[max(0, (values.count * percent + 99) / 100 - 1)]
        }
    }

    package private(set) var executions = 0
    /// Of the latest execution in topological order, behind them those that only older revisions had.
    private var all: [Node] = []
    private var places: [String: Int] = [:]

    package init() {}

    /// Takes the next older execution.
    package mutating func add(_ profile: Profile, of graph: Graph) {
        executions += 1
        if executions == 1 { for node in graph.nodes { _ = place(of: node) } }
        for (rank, node) in graph.nodes.enumerated() {
            let ran = profile.nodes[rank]
            // What was cut short says nothing of how long it takes.
            guard ran.attempts > 0, ran.progress == .success || ran.progress == .error else { continue }
            let sample = Sample(run: ran.total(.run), queue: ran.total(.queue))
            all[place(of: node)].add(sample, failed: ran.progress == .error)
        }
    }

    /// Those that ran: of the latest execution in topological order, behind them those that only older revisions had.
    package var nodes: [Node] { all.filter { $0.runs > 0 } }

    /// Those that have become slower, the one that lost the most time first.
    package var slower: [Node] {
        func loss(_ node: Node) -> Int64 { node.medians.map { $0.recent - $0.earlier } ?? 0 }
        return nodes.filter(\.isSlower).sorted { loss($0) > loss($1) }
    }

    private mutating func place(of node: GraphNode) -> Int {
        if let known = places[node.id] { return known }
        places[node.id] = all.count
        all.append(Node(id: node.id, name: node.name, kind: node.kind))
        return all.count - 1
    }
}
