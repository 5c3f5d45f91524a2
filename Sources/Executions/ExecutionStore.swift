import JSON

/// The history as the engine and the server see it. One implementation keeps it in SQLite (`History`).
///
/// Reads block and belong on a lane (`Lanes`); `logHasGrown` never blocks.
package protocol ExecutionStore: AnyObject, ThreadStore {
    /// The log has something to store. The store commits it soon, together with whatever else has gathered, moves the log's
    /// visible mark, and tells its observer. Call it when `EventLog.append` says so.
    func logHasGrown(_ log: EventLog)
    /// The same for many at once.
    func logsHaveGrown(_ logs: [EventLog])

    /// Why nothing can be stored at the moment; nil when all is well. It is tried again until it works.
    var fault: StoreError? { get }

    func execution(_ id: ExecutionID) throws(StoreError) -> ExecutionSummary?
    /// Newest first.
    func executions(_ query: ExecutionQuery) throws(StoreError) -> [ExecutionSummary]
    /// How many there are, about: an interrupted commit may be counted twice.
    func executionCount(ofGraph id: String?) throws(StoreError) -> Int
    /// Whole stored records behind `seq`: at least one if there is one, no more than `bytesMax` beyond that. Where events are
    /// no longer kept, the slice begins behind them: later than `seq + 1`.
    func records(of id: ExecutionID, after seq: Int, bytesMax: Int) throws(StoreError) -> EventLog.Slice
    /// A scope of an execution, if it was opened.
    func scope(of id: ExecutionID, at place: ScopePlace) throws(StoreError) -> StoredScope?
    /// The scopes of a node, by index.
    func scopes(of id: ExecutionID, in node: NodeRef, _ query: ScopeQuery) throws(StoreError) -> ScopePage
    /// What an execution that is still queued will start with; nil for any other.
    func queuedState(of id: ExecutionID) throws(StoreError) -> JSONObject?
    /// What was started under a key, however long ago.
    func start(under key: StartKey) throws(StoreError) -> KeyedStart?
    /// Deletes an execution that has ended, with its events, in the next commit.
    func deleteExecution(_ id: ExecutionID, _ reply: @escaping StoreReply<ExecutionDeletion>)
    /// The highest `ExecutionID.rowID` in the store, 0 when there is none.
    func lastRowID() throws(StoreError) -> Int64
}

package enum ExecutionDeletion: Sendable {
    case deleted(ExecutionSummary)
    /// It has not ended.
    case unfinished
    case unknown
}

extension ExecutionStore {
    /// The same, waiting for the commit.
    package func deleteExecution(_ id: ExecutionID) throws(StoreError) -> ExecutionDeletion {
        try waited { deleteExecution(id, $0) }
    }

    package func logsHaveGrown(_ logs: [EventLog]) {
        for log in logs { logHasGrown(log) }
    }
}

/// Told by the store's own thread after each commit, once for all logs whose visible mark has moved: short, never blocking.
package protocol ExecutionStoreObserver: AnyObject, Sendable {
    func logsBecameVisible(_ logs: [EventLog])
}

/// Which executions to list. Times are microseconds since 1970 UTC, of creation.
package struct ExecutionQuery: Sendable, Equatable {
    package var graphID: String?
    package var status: ExecutionStatus?
    package var sinceMicroseconds: Int64?
    package var untilMicroseconds: Int64?
    /// Only executions older than this one: where the page before ended.
    package var before: ExecutionID?
    /// So many of the newest are left out; for queries without times and `before`.
    package var skipped = 0
    package var limit: Int

    package init(
        graphID: String? = nil, status: ExecutionStatus? = nil, sinceMicroseconds: Int64? = nil,
        untilMicroseconds: Int64? = nil, before: ExecutionID? = nil, limit: Int = 50
    ) {
        self.graphID = graphID
        self.status = status
        self.sinceMicroseconds = sinceMicroseconds
        self.untilMicroseconds = untilMicroseconds
        self.before = before
        self.limit = limit
    }
}

/// Why the store could not do it: a sentence for the log and the operator, with what to do where something can be done.
package struct StoreError: Error, Sendable, CustomStringConvertible {
    package let message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { message }
}
