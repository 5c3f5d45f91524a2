import Graphs
import JSON

/// The events of one step of a run, encoded, on their way into the log; and what they mean for the summary. Each thread of the
/// pool has one, which is empty between two runs and keeps its memory.
struct EventBatch: ~Copyable {
    private static let keptBytesMax = 64 << 10
    /// What searches look at of a node's error, and of all of one execution, to which one more may come.
    private static let nodeErrorBytesMax = 512
    private static let nodeErrorsBytesMax = 2 << 10

    private var records = ByteWriter()
    private var ends: [Int] = []
    /// What was rendered early of them.
    private var json = ByteWriter()
    private var jsonEnds: [Int] = []
    private var observed = ObservedEvents()
    private var started: (atMicroseconds: Int64, attempt: Int)?
    private var ended: (status: ExecutionStatus, atMicroseconds: Int64, durationMicroseconds: Int64)?
    private var failedRanks: [Int] = []
    private var hasScopes = false
    private var error: String?
    /// Those of nodes, for searches.
    private var nodeErrors = ""

    var isEmpty: Bool { ends.isEmpty }
    var bytes: Int { records.count }

    /// - Parameter state: the input state of a node that starts, the output state of one that ends.
    /// - Parameter early: the run's, while its events are rendered where they arise.
    mutating func append(
        _ body: consuming EventRecord.Body, _ state: State?, in scope: Int32 = 0, at timestampMicroseconds: Int64,
        _ early: inout EarlyRenderer?
    ) {
        switch body {
        case .start(let attempt, _): started = (timestampMicroseconds, attempt)
        case .complete(let status, let duration, let ranks):
            ended = (status, timestampMicroseconds, duration)
            failedRanks = ranks
        case .error(let message, _, let duration):
            ended = (.failed, timestampMicroseconds, duration)
            error = message
        case .nodeComplete(let completion):
            if scope == 0, let error = completion.error, !completion.willRetry { note(nodeError: error) }
        case .nodeStart, .nodeOutput, .signalled, .scopeOpened, .scopeClosed: break
        }
        let record = EventRecord(timestampMicroseconds: timestampMicroseconds, scope: scope, body: body)
        if record.concernsScope { hasScopes = true }
        record.encode(to: &records)
        ends.append(records.count)
        early?.render(record, state, to: &json, &jsonEnds)
        observed.append(record)
    }

    private mutating func note(nodeError: String) {
        guard nodeErrors.utf8.count < Self.nodeErrorsBytesMax else { return }
        nodeErrors += "\(nodeError.cut(toBytes: Self.nodeErrorBytesMax))\n"
    }

    /// What had failed before a critical fault ends the execution; where it ends otherwise, its last event says that.
    mutating func noteFailed(_ ranks: [Int]) { failedRanks = ranks }

    /// - Parameter deaths: those that the execution will have been through if the daemon dies now.
    /// - Parameter waits: what the execution waits for from now on.
    /// - Returns: whether the store must be told.
    mutating func moveAll(
        to log: EventLog, observer: (any RunObserver)?, _ early: inout EarlyRenderer?, deaths: Int,
        waits: ExecutionWaits?
    ) -> Bool {
        if let observer, !observed.all.isEmpty { observer.executionEmitted(observed, in: log) }
        observed.removeAll()
        let failedNodes = failedRanks.map { log.graph.graph.nodes[$0].id }
        if let events = early?.take(json, jsonEnds) { log.append(early: events) }
        if early?.isFull == true { early = nil }
        let mustTell = log.append(records, ends: ends, hasScopes: hasScopes) { summary in
            if let started {
                summary.status = .running
                summary.attempt = started.attempt
                if summary.startedAtMicroseconds == nil { summary.startedAtMicroseconds = started.atMicroseconds }
            }
            if !nodeErrors.isEmpty, summary.nodeErrors?.utf8.count ?? 0 < Self.nodeErrorsBytesMax {
                summary.nodeErrors = (summary.nodeErrors ?? "") + nodeErrors
            }
            summary.deaths = ended == nil ? deaths : 0
            summary.waits = ended == nil ? waits : nil
            guard let ended else { return }
            summary.status = ended.status
            summary.endedAtMicroseconds = ended.atMicroseconds
            summary.durationMicroseconds = ended.durationMicroseconds
            summary.failedNodes = failedNodes
            summary.error = error
        }
        records.removeAll(keepingCapacity: records.allocatedBytes <= Self.keptBytesMax)
        json.removeAll(keepingCapacity: json.allocatedBytes <= Self.keptBytesMax)
        ends.removeAll(keepingCapacity: true)
        jsonEnds.removeAll(keepingCapacity: true)
        (started, ended, failedRanks, error, hasScopes, nodeErrors) = (nil, nil, [], nil, false, "")
        return mustTell
    }
}
