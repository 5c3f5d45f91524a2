import JSON

/// What an execution in the queue will start with. It lies in memory only until it is stored; from then on it is read again
/// when its turn comes.
package struct WaitingStart: Sendable {
    /// What the history keeps: of a rerun only what was edited.
    let stored: JSONObject
    let start: QueuedStart
    /// Counts it.
    private let charge: MemoryCharge?

    package init(_ start: QueuedStart, stored: JSONObject? = nil, in memory: ExecutionMemory? = nil) {
        self.start = start
        self.stored = stored ?? start.initialState
        charge = MemoryCharge.ifLarge(memory, bytes: start.byteCount)
    }
}

/// All that a queued execution needs to begin.
package struct QueuedStart: Sendable {
    package let initialState: JSONObject
    /// What is taken over from another execution.
    package var takeover: Takeover

    package init(initialState: JSONObject, takeover: Takeover = Takeover()) {
        self.initialState = initialState
        self.takeover = takeover
    }

    var byteCount: Int { takeover.results.values.reduce(initialState.byteCount) { $0 + $1.update.byteCount } }
}

/// Where queued executions find again what they start with. Blocks.
package protocol QueuedStarts: Sendable {
    /// - Throws: `StoreError` when it cannot be read now; `LostStart` when it never will be.
    func start(of log: EventLog) throws -> QueuedStart
    /// What a rerun that had begun was to take over; nothing, if the earlier execution cannot be read any more.
    func takeover(of log: EventLog) -> Takeover
    /// By rank: what its thread has left for an execution. Blocks.
    func threads(of log: EventLog) throws -> [Int: HostedTakeover]
}

extension QueuedStarts {
    /// What an execution begins with.
    func wholeStart(of log: EventLog) throws -> QueuedStart {
        var start = try log.waitingStart?.start ?? start(of: log)
        start.takeover.hosted.merge(try threads(of: log)) { own, _ in own }
        return start
    }

    /// What one that had begun goes on with, as far as it has not taken that over.
    func wholeTakeover(of log: EventLog) throws -> Takeover {
        var takeover = takeover(of: log)
        takeover.hosted.merge(try threads(of: log)) { own, _ in own }
        return takeover
    }
}

/// Why a queued execution can never begin: a sentence for its `error` event.
package struct LostStart: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// What the store alone knows: enough where nothing is taken over from other executions.
struct StoredStates: QueuedStarts {
    let store: any ExecutionStore

    func start(of log: EventLog) throws -> QueuedStart {
        QueuedStart(initialState: try store.queuedState(of: log.id) ?? [:])
    }

    func takeover(of log: EventLog) -> Takeover { Takeover() }

    func threads(of log: EventLog) throws -> [Int: HostedTakeover] { [:] }
}
