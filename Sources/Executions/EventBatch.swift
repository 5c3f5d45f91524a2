import Graphs
import JSON

/// The events of one step of a run, encoded, on their way into the log; and what they mean for the summary.
struct EventBatch: ~Copyable {
    /// Room that a run keeps between two steps: what the events of most steps need, little beside 10,000 runs that wait.
    private static let keptBytesMax = 4096

    /// Room for the events of a short execution.
    private static let usualCount = 16
    private static let usualBytes = 1024

    private var records = ByteWriter()
    private var ends: [Int] = []
    private var early: EarlyRenderer?
    private var observed = ObservedEvents()
    private var started: (atMicroseconds: Int64, attempt: Int)?
    private var ended: (status: ExecutionStatus, atMicroseconds: Int64, durationMicroseconds: Int64)?
    private var failedRanks: [Int] = []
    private var error: String?

    var isEmpty: Bool { ends.isEmpty }
    var bytes: Int { records.count }

    /// From now on events are rendered too, as long as that is allowed.
    mutating func renderEarly(_ log: EventLog, _ detail: StateDetail) {
        early = EarlyRenderer(log, detail)
    }

    /// - Parameter state: the input state of a node that starts, the output state of one that ends.
    mutating func append(_ body: consuming EventRecord.Body, _ state: State?, at timestampMicroseconds: Int64) {
        switch body {
        case .start(let attempt, _): started = (timestampMicroseconds, attempt)
        case .complete(let status, let duration, let ranks):
            ended = (status, timestampMicroseconds, duration)
            failedRanks = ranks
        case .error(let message, _, let duration):
            ended = (.failed, timestampMicroseconds, duration)
            error = message
        case .nodeStart, .nodeOutput, .nodeComplete: break
        }
        let record = EventRecord(timestampMicroseconds: timestampMicroseconds, body: body)
        if ends.isEmpty {
            ends.reserveCapacity(Self.usualCount)
            records.reserve(Self.usualBytes)
        }
        record.encode(to: &records)
        ends.append(records.count)
        early?.render(record, state)
        observed.append(record)
    }

    /// - Returns: whether the store must be told.
    mutating func moveAll(to log: EventLog, observer: (any RunObserver)?) -> Bool {
        if let observer, !observed.all.isEmpty { observer.executionEmitted(observed, in: log) }
        observed.removeAll()
        let failedNodes = failedRanks.map { log.graph.graph.nodes[$0].id }
        if let events = early?.take() { log.append(early: events) }
        if early?.isFull == true { early = nil }
        let mustTell = log.append(records, ends: ends) { summary in
            if let started {
                summary.status = .running
                summary.attempt = started.attempt
                if summary.startedAtMicroseconds == nil { summary.startedAtMicroseconds = started.atMicroseconds }
            }
            guard let ended else { return }
            summary.status = ended.status
            summary.endedAtMicroseconds = ended.atMicroseconds
            summary.durationMicroseconds = ended.durationMicroseconds
            summary.failedNodes = failedNodes
            summary.error = error
        }
        let isSmall = records.count <= Self.keptBytesMax
        records.removeAll(keepingCapacity: isSmall)
        // The log may have taken the array itself.
        ends = []
        (started, ended, failedRanks, error) = (nil, nil, [], nil)
        return mustTell
    }
}
