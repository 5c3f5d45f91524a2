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
    private static let otherGraphs = "other"

    private struct PerGraph {
        var ended: [ExecutionStatus: Int] = [:]
        var duration = HistogramValue.longMicroseconds
    }

    private struct PerKind {
        var ended: [NodeStatus: Int] = [:]
        var duration = HistogramValue.longMicroseconds
    }

    private struct Guarded {
        var started = 0
        var resumed = 0
        var graphs: [String: PerGraph] = [:]
        var kinds: [String: PerKind] = [:]
        var executionWait = HistogramValue.longMicroseconds
        var nodeWait = HistogramValue.longMicroseconds
    }
    private let guarded = Mutex(Guarded())

    package init() {}

    package func executionEmitted(_ event: EventRecord.Body, atMicroseconds timestamp: Int64, in log: EventLog) {
        switch event {
        case .start(let attempt, _): started(attempt, log, atMicroseconds: timestamp)
        case .nodeComplete(let completion):
            let kind = log.graph.graph.nodes[completion.rank].kind
            guarded.withLock { guarded in
                guarded.kinds[kind, default: PerKind()].ended[completion.status, default: 0] += 1
                guard completion.attempt > 0 else { return }
                guarded.kinds[kind]?.duration.observe(Int(completion.durationMicroseconds))
                guarded.nodeWait.observe(Int(completion.queueMicroseconds))
            }
        case .complete(let status, let duration, _): ended(status, duration, log)
        case .error(_, _, let duration): ended(.failed, duration, log)
        case .nodeStart, .nodeOutput: break
        }
    }

    private func started(_ attempt: Int, _ log: EventLog, atMicroseconds timestamp: Int64) {
        let wait = attempt == 1 ? timestamp - log.summary.createdAtMicroseconds : nil
        guarded.withLock { guarded in
            guarded.started += 1
            if attempt > 1 { guarded.resumed += 1 }
            if let wait { guarded.executionWait.observe(Int(wait)) }
        }
    }

    private func ended(_ status: ExecutionStatus, _ durationMicroseconds: Int64, _ log: EventLog) {
        let id = log.graph.identity.id
        guarded.withLock { guarded in
            let isKnown = guarded.graphs[id] != nil || guarded.graphs.count < Self.graphsMax
            let label = isKnown ? id : Self.otherGraphs
            guarded.graphs[label, default: PerGraph()].ended[status, default: 0] += 1
            guarded.graphs[label]?.duration.observe(Int(durationMicroseconds))
        }
    }

    package func write(to text: inout MetricsText) {
        let now = guarded.withLock { $0 }
        let graphs = now.graphs.sorted { $0.key < $1.key }
        let kinds = now.kinds.sorted { $0.key < $1.key }
        text.counter(
            "millrace_executions_started", "Executions that began to run, or were taken up again.", now.started)
        text.counter(
            "millrace_executions_resumed", "Executions that were taken up again after a stop or a crash.", now.resumed)
        text.counters(
            "millrace_executions", "Executions that have ended, by graph and status.",
            graphs.flatMap { graph, counts in
                counts.ended.sorted { $0.key.rawValue < $1.key.rawValue }.map { status, count in
                    (labels: ["graph": graph, "status": status.rawValue], value: count)
                }
            })
        text.histograms(
            "millrace_execution_duration_seconds", "Time from the start of an execution to its end.",
            graphs.map { (labels: ["graph": $0], value: $1.duration) }, unit: 1_000_000)
        text.histogram(
            "millrace_execution_queue_seconds", "Time from the request of an execution to its start.",
            now.executionWait, unit: 1_000_000)
        text.counters(
            "millrace_nodes", "Attempts of nodes that have ended, and nodes that never started, by kind and status.",
            kinds.flatMap { kind, counts in
                counts.ended.sorted { $0.key.rawValue < $1.key.rawValue }.map { status, count in
                    (labels: ["kind": kind, "status": status.rawValue], value: count)
                }
            })
        text.histograms(
            "millrace_node_duration_seconds", "Time that an attempt of a node took.",
            kinds.map { (labels: ["kind": $0], value: $1.duration) }, unit: 1_000_000)
        text.histogram(
            "millrace_node_queue_seconds", "Time from a node's being ready to its start.", now.nodeWait,
            unit: 1_000_000)
    }
}
