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
        case nodeComplete(NodeCompletion)
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

/// The end of one attempt of a node, or of a node that never started. Behind one reference: it passes through many hands.
package struct NodeCompletion: Sendable {
    private struct Fields: Sendable {
        var rank: Int
        var attempt: Int
        var status: NodeStatus
        var willRetry = false
        var durationMicroseconds: Int64 = 0
        var queueMicroseconds: Int64 = 0
        var update = JSONObject()
        var taken: [Int] = []
        var error: String?
        var details = JSONObject()
    }

    private var fields: Shared<Fields>

    package init(rank: Int, attempt: Int, status: NodeStatus) {
        fields = Shared(Fields(rank: rank, attempt: attempt, status: status))
    }

    package var rank: Int { fields.value.rank }
    /// 0 for a node that never started.
    package var attempt: Int { fields.value.attempt }
    package var status: NodeStatus {
        get { fields.value.status }
        set { fields.value.status = newValue }
    }
    package var update: JSONObject {
        get { fields.value.update }
        set { fields.value.update = newValue }
    }
    package var durationMicroseconds: Int64 {
        get { fields.value.durationMicroseconds }
        set { fields.value.durationMicroseconds = newValue }
    }
    package var queueMicroseconds: Int64 {
        get { fields.value.queueMicroseconds }
        set { fields.value.queueMicroseconds = newValue }
    }
    /// The outgoing edges taken, as indices into the graph's edges.
    package var taken: [Int] {
        get { fields.value.taken }
        set { fields.value.taken = newValue }
    }
    package var error: String? {
        get { fields.value.error }
        set { fields.value.error = newValue }
    }
    package var details: JSONObject {
        get { fields.value.details }
        set { fields.value.details = newValue }
    }
    package var willRetry: Bool {
        get { fields.value.willRetry }
        set { fields.value.willRetry = newValue }
    }
}
