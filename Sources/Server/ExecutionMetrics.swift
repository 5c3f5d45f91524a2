// Counts executions and nodes as they end. The labels are bounded: the first graphs that are seen have one of their own, all
// later ones share `other`; kinds of nodes are few by themselves.

import Executions
import Graphs
import Metrics
import Synchronization

/// What became of executions and nodes since the daemon began.
package final class ExecutionMetrics: RunObserver, Sendable {
    /// Graphs with a label of their own.
    package static let graphsMax = 50
    fileprivate static let otherGraphs = "other"

    fileprivate struct PerGraph {
        let label: String
        /// By the place of the status.
        var ended = [Int](repeating: 0, count: ExecutionStatus.allCases.count)
        var duration = HistogramValue.longMicroseconds
    }

    fileprivate struct PerKind {
        let kind: String
        /// By the place of the status among all.
        var ended = [Int](repeating: 0, count: NodeStatus.allCases.count)
        var duration = HistogramValue.longMicroseconds
    }

    fileprivate struct Guarded {
        var started = 0
        var resumed = 0
        /// In the order in which they were seen.
        var graphs: [PerGraph] = []
        var graphPlaces: [String: Int] = [:]
        var lastGraph = 0
        /// In the order in which they were seen. They are few, and each node of each execution is counted here: a search
        /// along a short row costs less than hashing.
        var kinds: [PerKind] = []
        var executionWait = HistogramValue.longMicroseconds
        var nodeWait = HistogramValue.longMicroseconds
    }
    private let guarded = Mutex(Guarded())

    package init() {}

    package func executionEmitted(_ events: borrowing ObservedEvents, in log: EventLog) {
        let graph = log.graph
        guarded.withLock { guarded in
            for event in events.all {
                switch event.body {
                case .start(let attempt): guarded.started(attempt, log, atMicroseconds: event.timestampMicroseconds)
                case .nodeComplete(let completion):
                    guarded.ended(completion, graph.graph.nodes[completion.rank].kind)
                case .complete(let status, let duration): guarded.ended(status, duration, graph.identity)
                case .error(_, let duration): guarded.ended(.failed, duration, graph.identity)
                case .nodeStart: break
                }
            }
        }
    }

    package func write(to text: inout MetricsText) {
        let now = guarded.withLock { $0 }
        let graphs = now.graphs.sorted { $0.label < $1.label }
        let executionStatuses = ExecutionStatus.allCases.sorted { $0.rawValue < $1.rawValue }
        let kinds = now.kinds.sorted { $0.kind < $1.kind }
        text.counter(
            "millrace_executions_started", "Executions that began to run, or were taken up again.", now.started)
        text.counter(
            "millrace_executions_resumed", "Executions that were taken up again after a stop or a crash.", now.resumed)
        text.counters(
            "millrace_executions", "Executions that have ended, by graph and status.",
            graphs.flatMap { graph in
                executionStatuses.filter { graph.ended[$0.place] > 0 }.map { status in
                    (labels: ["graph": graph.label, "status": status.rawValue], value: graph.ended[status.place])
                }
            })
        text.histograms(
            "millrace_execution_duration_seconds", "Time from the start of an execution to its end.",
            graphs.map { (labels: ["graph": $0.label], value: $0.duration) }, unit: 1_000_000)
        text.histogram(
            "millrace_execution_queue_seconds", "Time from the request of an execution to its start.",
            now.executionWait, unit: 1_000_000)
        text.counters(
            "millrace_nodes", "Attempts of nodes that have ended, and nodes that never started, by kind and status.",
            kinds.flatMap { counts in
                zip(NodeStatus.allCases, counts.ended).filter { $1 > 0 }.sorted { $0.0.rawValue < $1.0.rawValue }.map {
                    (labels: ["kind": counts.kind, "status": $0.rawValue], value: $1)
                }
            })
        text.histograms(
            "millrace_node_duration_seconds", "Time that an attempt of a node took.",
            kinds.map { (labels: ["kind": $0.kind], value: $0.duration) }, unit: 1_000_000)
        text.histogram(
            "millrace_node_queue_seconds", "Time from a node's being ready to its start.", now.nodeWait,
            unit: 1_000_000)
    }
}

extension ExecutionMetrics.Guarded {
    fileprivate mutating func started(_ attempt: Int, _ log: EventLog, atMicroseconds timestamp: Int64) {
        started += 1
        if attempt > 1 {
            resumed += 1
        } else {
            executionWait.observe(Int(timestamp - log.createdAtMicroseconds))
        }
    }

    fileprivate mutating func ended(_ completion: ObservedCompletion, _ kind: String) {
        let index = place(of: kind)
        kinds[index].add(completion)
        if completion.attempt > 0 { nodeWait.observe(Int(completion.queueMicroseconds)) }
    }

    private mutating func place(of kind: String) -> Int {
        for index in kinds.indices where kinds[index].kind == kind { return index }
        kinds.append(ExecutionMetrics.PerKind(kind: kind))
        return kinds.count - 1
    }

    fileprivate mutating func ended(_ status: ExecutionStatus, _ durationMicroseconds: Int64, _ graph: GraphIdentity) {
        let index = place(ofGraph: graph.id)
        graphs[index].ended[status.place] += 1
        graphs[index].duration.observe(Int(durationMicroseconds))
    }

    private mutating func place(ofGraph id: String) -> Int {
        // Mostly it is the one of the last time.
        if lastGraph < graphs.count, graphs[lastGraph].label == id { return lastGraph }
        let label =
            graphPlaces[id] != nil || graphs.count < ExecutionMetrics.graphsMax ? id : ExecutionMetrics.otherGraphs
        lastGraph = graphPlaces[label] ?? graphs.count
        if lastGraph == graphs.count {
            graphs.append(ExecutionMetrics.PerGraph(label: label))
            graphPlaces[label] = lastGraph
        }
        return lastGraph
    }
}

extension ExecutionMetrics.PerKind {
    fileprivate mutating func add(_ completion: ObservedCompletion) {
        ended[completion.status.place] += 1
        if completion.attempt > 0 { duration.observe(Int(completion.durationMicroseconds)) }
    }
}

extension ExecutionStatus {
    /// Its place in a row of counts.
    fileprivate var place: Int {
        switch self {
        case .queued: 0
        case .running: 1
        case .success: 2
        case .error: 3
        case .cancelled: 4
        case .failed: 5
        case .held: 6
        }
    }
}
