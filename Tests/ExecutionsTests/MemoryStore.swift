import Executions
import JSON
import Synchronization

/// A store in memory that commits when it is told, or at once.
final class MemoryStore: ExecutionStore {
    fileprivate struct Guarded {
        var commitsAtOnce: Bool
        var grown: [EventLog] = []
        var rows: [ExecutionID: ExecutionSummary] = [:]
        var queuedStates: [ExecutionID: JSONObject] = [:]
        var records: [ExecutionID: [[UInt8]]] = [:]
        var starts: [StartKey: KeyedStart] = [:]
        var waiters: [ExecutionID: [CheckedContinuation<Void, Never>]] = [:]
        var afterCommit: (@Sendable ([EventLog]) -> Void)?
    }
    private let guarded: Mutex<Guarded>

    init(commitsAtOnce: Bool = true) {
        guarded = Mutex(Guarded(commitsAtOnce: commitsAtOnce))
    }

    /// Called after each commit, as the store's observer would be.
    func observe(_ afterCommit: @escaping @Sendable ([EventLog]) -> Void) {
        guarded.withLock { $0.afterCommit = afterCommit }
    }

    func logHasGrown(_ log: EventLog) {
        let mustCommit = guarded.withLock { guarded in
            guarded.grown.append(log)
            return guarded.commitsAtOnce
        }
        if mustCommit { commit() }
    }

    var fault: StoreError? { nil }

    /// Makes durable what has gathered.
    func commit() {
        let (logs, ended, observer) = guarded.withLock { guarded in
            let logs = guarded.grown
            guarded.grown = []
            for log in logs { guarded.store(log) }
            let ended = logs.filter(\.isFinishedAndVisible).flatMap { guarded.waiters.removeValue(forKey: $0.id) ?? [] }
            return (logs, ended, guarded.afterCommit)
        }
        observer?(logs)
        for waiter in ended { waiter.resume() }
    }

    /// Suspends until all of an execution is stored.
    func end(of log: EventLog) async {
        await withCheckedContinuation { continuation in
            let isOver = guarded.withLock { guarded in
                if log.isFinishedAndVisible { return true }
                guarded.waiters[log.id, default: []].append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// What is stored of an execution.
    func events(of id: ExecutionID) throws -> [EventRecord] {
        let records = guarded.withLock { $0.records[id] ?? [] }
        return try records.map { try EventRecord($0) }
    }

    func execution(_ id: ExecutionID) throws(StoreError) -> ExecutionSummary? { guarded.withLock { $0.rows[id] } }

    func executions(_ query: ExecutionQuery) throws(StoreError) -> [ExecutionSummary] {
        guarded.withLock { $0.rows.values.sorted { $0.id > $1.id } }
    }

    func executionCount(ofGraph id: String?) throws(StoreError) -> Int {
        guarded.withLock { $0.rows.values.count { id == nil || $0.graphID == id } }
    }

    func scope(of id: ExecutionID, at place: ScopePlace) throws(StoreError) -> StoredScope? {
        scopes(of: id)[place]
    }

    func scopes(of id: ExecutionID, in node: NodeRef, _ query: ScopeQuery) throws(StoreError) -> ScopePage {
        var page = ScopePage()
        page.scopes = scopes(of: id).filter { $0.key.node == node && query.takes($0.value) }.values.sorted {
            ($0.index ?? -1) < ($1.index ?? -1)
        }
        return page
    }

    /// As the records tell.
    private func scopes(of id: ExecutionID) -> [ScopePlace: StoredScope] {
        var found: [ScopePlace: StoredScope] = [:]
        let records = guarded.withLock { $0.records[id] ?? [] }.map { $0.withUnsafeBytes(decoded) }
        for (index, record) in records.enumerated() {
            switch record.body {
            case .scopeOpened(let opening):
                let place = ScopePlace(NodeRef(scope: record.scope, rank: opening.rank), index: opening.index)
                found[place] = StoredScope(
                    scope: opening.scope, index: opening.index, firstSeq: found[place]?.firstSeq ?? index + 1,
                    lastSeq: nil, status: nil, openedAtMicroseconds: record.timestampMicroseconds,
                    durationMicroseconds: nil, error: nil)
            case .scopeClosed(let closing):
                let place = ScopePlace(NodeRef(scope: record.scope, rank: closing.rank), index: closing.index)
                found[place] = StoredScope(
                    scope: closing.scope, index: closing.index, firstSeq: found[place]?.firstSeq ?? index + 1,
                    lastSeq: index + 1, status: closing.status,
                    openedAtMicroseconds: found[place]?.openedAtMicroseconds ?? record.timestampMicroseconds,
                    durationMicroseconds: closing.durationMicroseconds, error: closing.failure?.message)
            default: break
            }
        }
        return found
    }

    func records(of id: ExecutionID, after seq: Int, bytesMax: Int) throws(StoreError) -> EventLog.Slice {
        var slice = EventLog.Slice(firstSeq: seq + 1)
        for record in guarded.withLock({ $0.records[id] ?? [] }).dropFirst(seq) {
            if !slice.ends.isEmpty, slice.records.count + record.count > bytesMax { break }
            slice.records += record
            slice.ends.append(slice.records.count)
        }
        return slice
    }

    func queuedState(of id: ExecutionID) throws(StoreError) -> JSONObject? { guarded.withLock { $0.queuedStates[id] } }

    func start(under key: StartKey) throws(StoreError) -> KeyedStart? { guarded.withLock { $0.starts[key] } }

    func deleteExecution(_ id: ExecutionID, _ reply: @escaping StoreReply<ExecutionDeletion>) {
        reply(.success(.unknown))
    }

    func lastRowID() throws(StoreError) -> Int64 { guarded.withLock { $0.rows.keys.map(\.rowID).max() ?? 0 } }
}

extension MemoryStore.Guarded {
    fileprivate mutating func store(_ log: EventLog) {
        let unstored = log.unstored()
        rows[log.id] = unstored.summary
        if let start = unstored.start { starts[start.key] = start }
        var start = 0
        for end in unstored.slice.ends {
            records[log.id, default: []].append(Array(unstored.slice.records[start..<end]))
            start = end
        }
        if let state = unstored.initialState { queuedStates[log.id] = state }
        if ![.queued, .held].contains(unstored.summary.status) { queuedStates[log.id] = nil }
        log.markStored(through: unstored.slice.lastSeq, change: unstored.change)
    }
}

private func decoded(_ bytes: UnsafeRawBufferPointer) -> EventRecord {
    do {
        return try EventRecord(decoding: bytes)
    } catch {
        preconditionFailure("what was encoded can be decoded: \(error)")
    }
}
