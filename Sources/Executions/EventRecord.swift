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
        /// Somebody has answered what the node asks: clients see it as an output of the node.
        indirect case signalled(rank: Int, attempt: Int, Answer)
        case nodeComplete(NodeCompletion)
        case complete(ExecutionStatus, durationMicroseconds: Int64, failedRanks: [Int])
        /// A critical fault ended the execution.
        indirect case error(message: String, details: JSONObject, durationMicroseconds: Int64)
        /// A graph begins within a node.
        case scopeOpened(ScopeOpening)
        /// Nothing of that scope follows.
        case scopeClosed(ScopeClosing)

        var isStart: Bool {
            if case .start = self { true } else { false }
        }
    }

    /// Microseconds since 1970 UTC, by the wall clock.
    package var timestampMicroseconds: Int64
    /// Where it happened: 0 for the execution itself. Of a scope that opens or closes, the scope of the enclosing node.
    package var scope: Int32
    package var body: Body

    package init(timestampMicroseconds: Int64, scope: Int32 = 0, body: Body) {
        self.timestampMicroseconds = timestampMicroseconds
        self.scope = scope
        self.body = body
    }

    /// Whether it lies in another scope than 0, or opens or closes one.
    var concernsScope: Bool {
        switch body {
        case .scopeOpened, .scopeClosed: true
        default: scope != 0
        }
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
    /// What is kept of few completions, for the daemon itself: no event shows it.
    package let notes: CompletionNotes?

    package init(
        rank: Int, attempt: Int, status: NodeStatus, willRetry: Bool = false, durationMicroseconds: Int64 = 0,
        queueMicroseconds: Int64 = 0, update: JSONObject = JSONObject(), taken: [Int] = [], error: String? = nil,
        details: JSONObject = JSONObject(), notes: CompletionNotes? = nil
    ) {
        precondition(notes != CompletionNotes(), "notes say something, or are none")
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
        self.notes = notes
    }

    /// The status by which conditions know the node: of a result that was taken over, the one that it first had.
    package var firstStatus: NodeStatus { notes?.firstStatus ?? (status == .cached ? .success : status) }
}

/// What a completion says beyond the event that is made of it.
package struct CompletionNotes: Sendable, Equatable {
    /// Edges whose condition failed: the first one of each target, in order. They are not judged again.
    package var broken: [BrokenEdge] = []
    /// Of an attempt that will be tried again: how long after its end.
    package var retryDelayMilliseconds: Int64?
    /// Of a result that was taken over.
    package var firstStatus: NodeStatus?
    /// Of the time in the queue: what came after `node_start`, such as waiting for a worker.
    package var lateQueueMicroseconds: Int64 = 0
    /// How long the conditions of the outgoing edges were judged, after the attempt had ended.
    package var judgeMicroseconds: Int64 = 0
    /// How long it waited for people.
    package var waitMicroseconds: Int64?
    /// It never started, because its input state would have been too large: its states are not shown.
    package var isOversize = false
    package var hosted: HostedNotes?

    package init() {}
}

/// What is known of the end of a task of a hosted graph.
package struct HostedNotes: Sendable, Equatable {
    /// Of the keys of its update, what the state has then, where that is not the update's value.
    package var output: JSONObject
    /// What its worker wants kept until the step has ended: its id there, and that.
    package var writes: HostedWrites?

    package init(output: JSONObject, writes: HostedWrites? = nil) {
        self.output = output
        self.writes = writes
    }
}

package struct HostedWrites: Sendable, Equatable {
    package let task: String
    package let content: JSONText

    package init(task: String, content: JSONText) {
        self.task = task
        self.content = content
    }
}

/// An edge whose condition could not be evaluated.
package struct BrokenEdge: Sendable, Equatable {
    /// An index into the graph's edges.
    package let edge: Int
    package let failure: NodeFailure

    package init(edge: Int, failure: NodeFailure) {
        self.edge = edge
        self.failure = failure
    }
}
