import JSON

/// Where an execution stands. The order of life: `queued`, `running`, then one of the last four for good. `held` is between:
/// it was running or queued, and waits for somebody to say that it may go on.
package enum ExecutionStatus: String, BitwiseCopyable, Sendable, CaseIterable {
    case queued, running, held, success, error, cancelled, failed

    /// `rawValue`, where a string is too dear.
    package var name: StaticString {
        switch self {
        case .queued: "queued"
        case .running: "running"
        case .held: "held"
        case .success: "success"
        case .error: "error"
        case .cancelled: "cancelled"
        case .failed: "failed"
        }
    }

    package var isFinished: Bool {
        switch self {
        case .queued, .running, .held: false
        case .success, .error, .cancelled, .failed: true
        }
    }
}

/// What the history knows of an execution without reading its events. Times are microseconds since 1970 UTC.
package struct ExecutionSummary: Sendable, Equatable {
    package let id: ExecutionID
    package let graphID: String
    package let graphRevision: Int
    package let nodeCount: Int
    package let createdAtMicroseconds: Int64
    package var status: ExecutionStatus
    package var startedAtMicroseconds: Int64?
    package var endedAtMicroseconds: Int64?
    /// By the clock that never steps; nil until the end.
    package var durationMicroseconds: Int64?
    /// The seq of the last event, 0 before the first.
    package var lastSeq: Int
    package var failedNodes: [String]
    /// The message of the critical fault of a `failed` execution.
    package var error: String?
    /// What its nodes have ended in error with, as much of it as a search looks at.
    package var nodeErrors: String?
    /// How often it was started: 1, and one more after each time that the daemon took it up again; 0 while it waits.
    package var attempt: Int
    /// A cancel was accepted: whatever happens, it ends as cancelled.
    package var isCancelRequested: Bool
    /// Unclean deaths of the daemon in a row at which it was running, with nothing of it ended between.
    package var deaths: Int
    /// What it waits for; nil for nothing but its own nodes.
    package var waits: ExecutionWaits?
    /// Where it came from, if that is worth a word.
    package let origin: ExecutionOrigin?

    package init(
        id: ExecutionID, graphID: String, graphRevision: Int, nodeCount: Int, createdAtMicroseconds: Int64,
        status: ExecutionStatus = .queued, startedAtMicroseconds: Int64? = nil, endedAtMicroseconds: Int64? = nil,
        durationMicroseconds: Int64? = nil, lastSeq: Int = 0, failedNodes: [String] = [], error: String? = nil,
        nodeErrors: String? = nil, attempt: Int = 0, isCancelRequested: Bool = false, deaths: Int = 0,
        waits: ExecutionWaits? = nil, origin: ExecutionOrigin? = nil
    ) {
        self.id = id
        self.graphID = graphID
        self.graphRevision = graphRevision
        self.nodeCount = nodeCount
        self.createdAtMicroseconds = createdAtMicroseconds
        self.status = status
        self.startedAtMicroseconds = startedAtMicroseconds
        self.endedAtMicroseconds = endedAtMicroseconds
        self.durationMicroseconds = durationMicroseconds
        self.lastSeq = lastSeq
        self.failedNodes = failedNodes
        self.error = error
        self.nodeErrors = nodeErrors
        self.attempt = attempt
        self.isCancelRequested = isCancelRequested
        self.deaths = deaths
        self.waits = waits
        self.origin = origin
    }

    /// Who started it: the name of a token or of a trigger. Nil where that is not known.
    package var startedBy: String? { origin?.startedBy }
}

/// What an execution carries on from its start. By reference: most have none, and summaries pass through many hands.
package final class ExecutionOrigin: Sendable, Equatable {
    /// The execution whose results this one takes over.
    package let rerunOf: ExecutionID?
    /// The node from which on everything runs again; nil: everything does.
    package let rerunFrom: String?
    /// The W3C Trace Context that the request carried.
    package let traceparent: String?
    /// It is cancelled when nobody has watched it for a while.
    package let cancelsWhenAbandoned: Bool
    /// Who started it.
    package let startedBy: String?
    /// Words of whoever started it, to find it by: names with strings.
    package let labels: JSONObject
    /// The thread that its graphs of LangGraph go on with.
    package let thread: String?
    /// What such graphs get as their config, over that of their node.
    package let config: JSONObject

    package init(
        rerunOf: ExecutionID? = nil, rerunFrom: String? = nil, traceparent: String? = nil,
        cancelsWhenAbandoned: Bool = false, startedBy: String? = nil, labels: JSONObject = [:],
        thread: String? = nil, config: JSONObject = [:]
    ) {
        self.rerunOf = rerunOf
        self.rerunFrom = rerunFrom
        self.traceparent = traceparent
        self.cancelsWhenAbandoned = cancelsWhenAbandoned
        self.startedBy = startedBy
        self.labels = labels
        self.thread = thread
        self.config = config
    }

    /// Nothing but who started it.
    package var isPlain: Bool {
        rerunOf == nil && rerunFrom == nil && traceparent == nil && !cancelsWhenAbandoned && labels.isEmpty
            && thread == nil && config.isEmpty
    }

    package static func == (left: ExecutionOrigin, right: ExecutionOrigin) -> Bool {
        left.rerunOf == right.rerunOf && left.rerunFrom == right.rerunFrom && left.traceparent == right.traceparent
            && left.cancelsWhenAbandoned == right.cancelsWhenAbandoned && left.startedBy == right.startedBy
            && left.labels == right.labels && left.thread == right.thread && left.config == right.config
    }
}
