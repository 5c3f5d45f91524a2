import JSON

/// One event in its canonical form: what happened, and the node's *update*, never a full state. Full states are a pure
/// function of the records before (`EventRenderer`), so that what is stored grows with what nodes changed.
///
/// `seq` is not part of it: a record's place in its log is its seq.
package struct EventRecord: Sendable {
    package enum Body: Sendable {
        case start(attempt: Int, initialState: JSONObject)
        case nodeStart(rank: Int, attempt: Int)
        case nodeOutput(rank: Int, attempt: Int, channel: String, data: JSONText)
        /// Boxed: a completion is large, and passes through many hands.
        indirect case nodeComplete(NodeCompletion)
        case complete(ExecutionStatus, durationMicroseconds: Int64, failedRanks: [Int])
        /// A critical fault ended the execution.
        case error(message: String, details: JSONObject, durationMicroseconds: Int64)

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

/// The end of one attempt of a node, or of a node that never started.
package struct NodeCompletion: Sendable {
    package var rank: Int
    /// 0 for a node that never started.
    package var attempt: Int
    package var status: NodeStatus
    package var update: JSONObject = [:]
    package var durationMicroseconds: Int64 = 0
    package var queueMicroseconds: Int64 = 0
    /// The outgoing edges taken, as indices into the graph's edges.
    package var taken: [Int] = []
    package var error: String?
    package var details: JSONObject = [:]
    package var willRetry = false

    package init(rank: Int, attempt: Int, status: NodeStatus) {
        self.rank = rank
        self.attempt = attempt
        self.status = status
    }
}
