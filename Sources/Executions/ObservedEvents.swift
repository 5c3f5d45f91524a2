// What observers hear of every event, in a form without references: a batch of events is made, handed on and forgotten at the
// price of its bytes. Messages of errors, which are rare, lie beside it.

// Nodes in scopes are not among them: a map of a million items is one node to whoever counts or logs.

/// Told on the pool, before the events are in the log: short, never blocking. For counters and the daemon's log.
package protocol RunObserver: AnyObject, Sendable {
    func executionEmitted(_ events: borrowing ObservedEvents, in log: EventLog)
}

/// An event but for its texts and states.
package struct ObservedEvent: BitwiseCopyable, Sendable {
    package enum Body: BitwiseCopyable, Sendable {
        case start(attempt: Int)
        case nodeStart(rank: Int, attempt: Int)
        case nodeComplete(ObservedCompletion)
        case complete(ExecutionStatus, durationMicroseconds: Int64)
        /// A critical fault ended the execution.
        case error(ErrorPlace, durationMicroseconds: Int64)
    }

    /// Where `ObservedEvents` keeps the message of an error.
    package struct ErrorPlace: BitwiseCopyable, Sendable {
        fileprivate let index: Int32
    }

    /// Microseconds since 1970 UTC, by the wall clock.
    package let timestampMicroseconds: Int64
    package let body: Body
}

/// The end of one attempt of a node, or of a node that never started.
package struct ObservedCompletion: BitwiseCopyable, Sendable {
    private let shortRank: Int32
    private let shortAttempt: Int32
    package let status: NodeStatus
    package let error: ObservedEvent.ErrorPlace?
    package let durationMicroseconds: Int64
    package let queueMicroseconds: Int64

    package var rank: Int { Int(shortRank) }
    /// 0 for a node that never started.
    package var attempt: Int { Int(shortAttempt) }

    fileprivate init(_ completion: NodeCompletion, _ error: ObservedEvent.ErrorPlace?) {
        shortRank = Int32(completion.rank)
        shortAttempt = Int32(completion.attempt)
        status = completion.status
        self.error = error
        durationMicroseconds = completion.durationMicroseconds
        queueMicroseconds = completion.queueMicroseconds
    }
}

/// Events of one execution.
package struct ObservedEvents: ~Copyable {
    /// Those of a short execution.
    private static let usualCount = 16

    /// In order; without the outputs of nodes.
    package private(set) var all: [ObservedEvent] = []
    private var errors: [String] = []

    package init() {}

    package func message(_ place: ObservedEvent.ErrorPlace) -> String { errors[Int(place.index)] }

    package mutating func append(_ record: EventRecord) {
        guard record.scope == 0 else { return }
        let body: ObservedEvent.Body
        switch record.body {
        case .start(let attempt, _): body = .start(attempt: attempt)
        case .nodeStart(let rank, let attempt): body = .nodeStart(rank: rank, attempt: attempt)
        case .nodeOutput, .signalled, .scopeOpened, .scopeClosed: return
        case .nodeComplete(let completion):
            body = .nodeComplete(ObservedCompletion(completion, completion.error.map { append(error: $0) }))
        case .complete(let status, let duration, _): body = .complete(status, durationMicroseconds: duration)
        case .error(let message, _, let duration):
            body = .error(append(error: message), durationMicroseconds: duration)
        }
        if all.isEmpty { all.reserveCapacity(Self.usualCount) }
        all.append(ObservedEvent(timestampMicroseconds: record.timestampMicroseconds, body: body))
    }

    private mutating func append(error message: String) -> ObservedEvent.ErrorPlace {
        errors.append(message)
        return ObservedEvent.ErrorPlace(index: Int32(errors.count - 1))
    }

    /// Keeps room for as many events as most batches have.
    mutating func removeAll() {
        all.removeAll(keepingCapacity: all.count <= Self.usualCount)
        if !errors.isEmpty { errors = [] }
    }
}
