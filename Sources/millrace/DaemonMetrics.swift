import Executions
import History
import Linux
import Metrics
import Nodes
import ReactorServices
import Server

/// What the server does not know of by itself: the store, the children, the program.
struct DaemonMetrics: Sendable {
    let store: HistoryStore
    let python: PythonWorkers
    let children: ChildCount
    let executions: ExecutionMetrics
    let version: String

    func write(to text: inout MetricsText) {
        text.info("millrace_build", "The program.", ["version": version])
        executions.write(to: &text)
        let metrics = store.metrics
        let commits = metrics.commitNanoseconds.value
        text.counter("millrace_store_commits", "Transactions with events.", commits.counts.reduce(0, +))
        text.counter("millrace_store_commit_failures", "Transactions that failed and were repeated.", metrics.failures)
        text.counter("millrace_store_events", "Events that were stored.", metrics.events)
        text.histogram(
            "millrace_store_commit_seconds", "Time that a transaction took.", commits, unit: 1_000_000_000)
        text.histogram(
            "millrace_store_batch_executions", "Executions in a transaction.", metrics.batchExecutions.value, unit: 1)
        text.histogram(
            "millrace_store_batch_bytes", "Bytes of events in a transaction.", metrics.batchBytes.value, unit: 1)
        write(store.retentionNews, to: &text)
        if let bytes = store.fileBytes { text.gauge("millrace_store_bytes", "Bytes of the history's file.", bytes) }
        let workers = python.counts
        text.gauge(
            "millrace_worker_processes", "Processes that run Python nodes.", workers.running + workers.idle)
        text.gauge("millrace_worker_processes_idle", "Those of them that have nothing to do.", workers.idle)
        text.counter(
            "millrace_worker_processes_started", "Processes that were started for Python nodes.", workers.started)
        text.gauge("millrace_worker_calls_waiting", "Calls of Python nodes that wait for a process.", workers.waiting)
        text.gauge("millrace_children", "Child processes that run now.", children.running)
    }
}

extension DaemonMetrics {
    private func write(_ news: RetentionNews, to text: inout MetricsText) {
        let removed = news.total
        let executions: [(labels: MetricsText.Labels, value: Int)] = [
            (["reason": "days"], removed.agedExecutions), (["reason": "executions"], removed.surplusExecutions),
        ]
        text.counters(
            "millrace_retention_executions_removed", "Executions that the history has ceased to keep, by the limit.",
            executions)
        text.counter(
            "millrace_retention_event_bytes_removed", "Bytes of events that the history has ceased to keep.",
            removed.eventBytes)
        text.counter(
            "millrace_retention_revisions_removed", "Graph revisions that no execution named any more.",
            removed.revisions)
        text.gauge(
            "millrace_retention_waiting", "1 while a removal of most of the history was announced and waits.",
            news.isWaiting ? 1 : 0)
    }
}

/// Those who hear what runs do: the daemon's log, the metrics.
final class RunObservers: RunObserver {
    private let all: [any RunObserver]

    init(_ all: [any RunObserver]) {
        self.all = all
    }

    func executionEmitted(_ events: borrowing ObservedEvents, in log: EventLog) {
        for observer in all { observer.executionEmitted(events, in: log) }
    }
}
