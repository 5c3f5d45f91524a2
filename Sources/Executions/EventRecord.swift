import JSON

/// One event in its canonical form: what happened, and the node's *update*, never a full state. Full states are a pure
/// function of the records before (`EventRenderer`), so that what is stored grows with what nodes changed.
///
/// `seq` is not part of it: a record's place in its log is its seq.
package struct EventRecord: Sendable {
    package enum Body: Sendable {
        case start(attempt: Int, initialState: JSONObject)
        case nodeStart(rank: Int, attempt: Int)
        indirect case nodeOutput(rank: Int, attempt: Int, channel: String, data: JSONText)
        case nodeComplete(NodeCompletion)
        case complete(ExecutionStatus, durationMicroseconds: Int64, failedRanks: [Int])
        /// A critical fault ended the execution.
        indirect case error(message: String, details: JSONObject, durationMicroseconds: Int64)

        var isStart: Bool {
            if case .start = self { true } else { false }
        }
    }

    /// Microseconds since 1970 UTC, by the wall clock.
    package var timestampMicroseconds: Int64
    package var body: Body

    package init(timestampMicroseconds: Int64, body: Body) {
        self.timestampMicroseconds = timestampMicroseconds
        self.body = body
    }
}

/// The end of one attempt of a node, or of a node that never started. An object: it passes through many hands.
package final class NodeCompletion: Sendable {
    package let rank: Int
    /// 0 for a node that never started.
    package let attempt: Int
    package let status: NodeStatus
    package let willRetry: Bool
    package let durationMicroseconds: Int64
    package let queueMicroseconds: Int64
    package let update: JSONObject
    /// The outgoing edges taken, as indices into the graph's edges.
    package let taken: [Int]
    package let error: String?
    package let details: JSONObject

    package init(
        rank: Int, attempt: Int, status: NodeStatus, willRetry: Bool = false, durationMicroseconds: Int64 = 0,
        queueMicroseconds: Int64 = 0, update: JSONObject = JSONObject(), taken: [Int] = [], error: String? = nil,
        details: JSONObject = JSONObject()
    ) {
        self.rank = rank
        self.attempt = attempt
        self.status = status
        self.willRetry = willRetry
        self.durationMicroseconds = durationMicroseconds
        self.queueMicroseconds = queueMicroseconds
        self.update = update
        self.taken = taken
        self.error = error
        self.details = details
    }
}
