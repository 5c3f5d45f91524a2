import JSON
import Synchronization

/// The events of one execution, in the order of `seq`: the one thing between the engine that appends, the store that makes
/// what was appended durable, and the readers that see what is durable.
///
/// A log holds canonical records (`EventRecord`) behind one another in one flat buffer, and two marks: what was appended,
/// and what is *visible*, which the store moves after its commit. So nobody sees what is not stored. What both the store and
/// the window no longer need is dropped from the front; readers that come for it are sent to the store.
package final class EventLog: Sendable {
    /// A run of whole records. The record of `firstSeq + i` ends at `ends[i]`.
    package struct Slice: Sendable {
        package var firstSeq: Int
        package var records: [UInt8]
        package var ends: [Int]

        package init(firstSeq: Int, records: [UInt8] = [], ends: [Int] = []) {
            self.firstSeq = firstSeq
            self.records = records
            self.ends = ends
        }

        package var lastSeq: Int { firstSeq + ends.count - 1 }

        /// Calls `body` with each record, in order of seq.
        package func forEachRecord(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
            try records.withUnsafeBytes { bytes in
                var start = 0
                for end in ends {
                    try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                    start = end
                }
            }
        }
    }

    /// What the store has to write: the summary as it is now, and the records behind the visible mark.
    package struct Unstored: Sendable {
        package var summary: ExecutionSummary
        /// True until the execution's own row was committed once.
        package var isNew: Bool
        /// Empty when only the summary changed.
        package var slice: Slice
        /// What a queued execution will start with.
        package var initialState: JSONObject?
        /// The key under which the execution was started, to be stored with its row.
        package var start: KeyedStart?
        /// What is to be found in its thread from now on.
        package var checkpoints: [ThreadCheckpoint]
        /// To be handed to `markStored`.
        package var change: Int
        /// Records of it may open and close scopes.
        package var hasScopes: Bool
    }

    package enum ReadResult: Sendable {
        case events(Slice)
        /// Nothing behind that seq is visible yet; `isFinished` when nothing will ever be.
        case caughtUp(isFinished: Bool)
        /// No longer in memory: read it from the store.
        case evicted
    }

    /// Records that stay in memory behind the visible mark, so that a reader who follows never needs the store.
    package static let windowBytesMax = 1 << 20

    package let id: ExecutionID
    /// The id as text, which every event and log line carries.
    package let idText: [UInt8]
    package let graph: GraphRevision
    package let createdAtMicroseconds: Int64
    /// The trace that the execution belongs to.
    let trace: TraceParent?
    /// The execution is cancelled when nobody has watched it for a while.
    package let cancelsWhenAbandoned: Bool
    let origin: ExecutionOrigin?

    fileprivate struct Guarded {
        var summary: ExecutionSummary
        /// The seq of the first record in memory.
        var firstSeq: Int
        var records: [UInt8] = []
        var ends: [Int] = []
        /// -1: the execution's row is not committed; 0: it is; n: so is everything up to event n.
        var visibleSeq: Int
        var isQueuedForStore = false
        /// Until it is stored.
        var waitingStart: WaitingStart?
        /// Who waits until a change is stored, if somebody does.
        var afterStored: (change: Int, action: @Sendable () -> Void)?
        /// Until the row is stored.
        var start: KeyedStart?
        /// Until they are stored: each with the change that it came with.
        var checkpoints: [(change: Int, ThreadCheckpoint)] = []
        /// Counts what there was to store, events or not, and what of that is stored.
        var change = 0
        var storedChange = 0
        /// From the first record on that concerns one.
        var hasScopes = false
        /// Set before the execution begins.
        var earlyDetail: StateDetail?
        /// What was rendered early and not taken yet.
        var early: EarlyEvents?

        var appendedSeq: Int { firstSeq + ends.count - 1 }
    }
    private let guarded: Mutex<Guarded>
    /// Where its events, and the states of those who render them, are counted.
    let memory: ExecutionMemory?
    /// Of graphs that run within its nodes.
    package let pinned = PinnedRevisions()

    /// The log of a new execution: nothing is stored yet.
    package init(graph: GraphRevision, summary: consuming ExecutionSummary, memory: ExecutionMemory? = nil) {
        self.id = summary.id
        idText = summary.id.utf8
        self.graph = graph
        createdAtMicroseconds = summary.createdAtMicroseconds
        trace = summary.origin?.traceparent.flatMap { TraceParent($0) }
        cancelsWhenAbandoned = summary.origin?.cancelsWhenAbandoned == true
        origin = summary.origin
        self.memory = memory
        guarded = Mutex(Guarded(summary: consume summary, firstSeq: 1, visibleSeq: -1))
    }

    /// The log of an execution from the store: all that there is so far is there, nothing in memory. An unfinished one may
    /// be taken up again.
    package init(stored summary: ExecutionSummary, graph: GraphRevision, memory: ExecutionMemory? = nil) {
        self.id = summary.id
        idText = summary.id.utf8
        self.graph = graph
        createdAtMicroseconds = summary.createdAtMicroseconds
        trace = summary.origin?.traceparent.flatMap { TraceParent($0) }
        cancelsWhenAbandoned = summary.origin?.cancelsWhenAbandoned == true
        origin = summary.origin
        self.memory = memory
        guarded = Mutex(Guarded(summary: summary, firstSeq: summary.lastSeq + 1, visibleSeq: summary.lastSeq))
    }

    deinit {
        memory?.change(.logs, by: -guarded.withLock { $0.records.count })
    }

    /// The state that the engine has reached; the store may lag behind it.
    package var summary: ExecutionSummary {
        guarded.withLock { $0.summary }
    }

    /// What the summary says the execution waits for.
    package var waits: ExecutionWaits? {
        guarded.withLock { $0.summary.waits }
    }

    /// The last event that readers may see, 0 when only the execution's row is stored, -1 when nothing is.
    package var visibleSeq: Int {
        guarded.withLock { $0.visibleSeq }
    }

    /// A number for the state that the log has now, to be compared with `storedChange` later.
    package var change: Int {
        guarded.withLock { $0.change }
    }

    /// All changes up to this one are stored.
    package var storedChange: Int {
        guarded.withLock { $0.storedChange }
    }

    /// The execution is started under a key. Before anything is announced to the store.
    package func note(_ start: KeyedStart) {
        guarded.withLock { $0.start = start }
    }

    /// What its thread begins with next.
    /// - Returns: whether the caller must tell the store.
    func note(_ checkpoint: ThreadCheckpoint) -> Bool {
        guarded.withLock { guarded in
            let mustTell = guarded.queueForStore()
            guarded.checkpoints.append((guarded.change, checkpoint))
            return mustTell
        }
    }

    /// Notes something beside the events that must be stored.
    /// - Returns: whether the caller must tell the store.
    package func note(_ change: (inout ExecutionSummary) -> Void) -> Bool {
        guarded.withLock { guarded in
            change(&guarded.summary)
            return guarded.queueForStore()
        }
    }

    /// The execution waits in the queue, and will start with this, which stays in memory until it is stored.
    /// - Returns: whether the caller must tell the store.
    package func wait(with start: WaitingStart) -> Bool {
        guarded.withLock { guarded in
            guarded.waitingStart = start
            return guarded.queueForStore()
        }
    }

    /// What an execution that waits in the queue will start with, as long as that is not stored.
    var waitingStart: WaitingStart? {
        guarded.withLock { $0.waitingStart }
    }

    /// Calls `action` once all up to this change is stored, on the store's thread: short, never blocking. One at a time may
    /// wait so.
    func whenStored(_ change: Int, _ action: @escaping @Sendable () -> Void) {
        let isStored = guarded.withLock { guarded in
            if guarded.storedChange >= change { return true }
            guarded.afterStored = (change, action)
            return false
        }
        if isStored { action() }
    }

    /// Nothing will follow, and all of it may be seen.
    package var isFinishedAndVisible: Bool {
        guarded.withLock { $0.summary.status.isFinished && $0.visibleSeq == $0.appendedSeq }
    }

    /// Appends whole records. `change` brings the summary up to date with them, under the log's lock.
    /// - Returns: whether the caller must tell the store (it has not been told since it last looked).
    package func append(
        _ records: borrowing ByteWriter, ends: [Int], hasScopes: Bool = false,
        _ change: (inout ExecutionSummary) -> Void
    ) -> Bool {
        guarded.withLock { guarded in
            let base = guarded.records.count
            memory?.change(.logs, by: records.count)
            records.withUnsafeBytes { guarded.records.append(contentsOf: $0) }
            guarded.ends += ends.lazy.map { base + $0 }
            if hasScopes { guarded.hasScopes = true }
            change(&guarded.summary)
            guarded.summary.lastSeq = guarded.appendedSeq
            guarded.waitingStart = nil
            return guarded.queueForStore()
        }
    }

    /// Has the first events rendered where they arise: for a stream that follows from the beginning. To be said before the
    /// execution begins.
    package func renderEarly(_ detail: StateDetail) {
        guarded.withLock { $0.earlyDetail = detail }
    }

    var earlyDetail: StateDetail? {
        guarded.withLock { $0.earlyDetail }
    }

    /// Events that were rendered early, before their records are appended.
    func append(early events: EarlyEvents) {
        guarded.withLock { guarded in
            if guarded.early == nil { guarded.early = events } else { guarded.early?.append(events) }
        }
    }

    /// For the one stream that follows from the beginning: visible events from `seq` on that were rendered early, if there
    /// are any. Nobody else gets them.
    package func takeEarly(_ detail: StateDetail, from seq: Int) -> EarlyEvents? {
        guarded.withLock { guarded in
            guard guarded.earlyDetail == detail, let early = guarded.early, early.firstSeq == seq,
                guarded.visibleSeq >= seq
            else { return nil }
            guard early.nextSeq <= guarded.visibleSeq + 1 else {
                return guarded.early?.removeFirst(guarded.visibleSeq + 1 - seq)
            }
            guarded.early = nil
            return early
        }
    }

    /// For the store, at the start of a commit: what has gathered. Further appends announce themselves anew.
    package func unstored() -> Unstored {
        guarded.withLock { guarded in
            guarded.isQueuedForStore = false
            let slice = guarded.slice(
                after: max(guarded.visibleSeq, 0), through: guarded.appendedSeq, bytesMax: Int.max)
            return Unstored(
                summary: guarded.summary, isNew: guarded.visibleSeq < 0, slice: slice,
                initialState: guarded.waitingStart?.stored, start: guarded.start,
                checkpoints: guarded.checkpoints.map(\.1), change: guarded.change,
                hasScopes: guarded.hasScopes)
        }
    }

    /// For the store, after a commit: everything up to `seq` and `change` is durable, readers may see it.
    package func markStored(through seq: Int, change: Int) {
        let action = guarded.withLock { guarded -> (@Sendable () -> Void)? in
            precondition(seq <= guarded.appendedSeq && seq >= guarded.visibleSeq, "the visible mark moves forward only")
            guarded.visibleSeq = seq
            guarded.start = nil
            guarded.checkpoints.removeAll { $0.change <= change }
            guarded.waitingStart = nil
            guarded.storedChange = change
            trim(&guarded, toBytes: memory?.isTight == true ? 0 : Self.windowBytesMax)
            guard let waiting = guarded.afterStored, waiting.change <= change else { return nil }
            guarded.afterStored = nil
            return waiting.action
        }
        action?()
    }

    /// Lets go of all that is stored: memory is tight.
    func dropWindow() {
        guarded.withLock { trim(&$0, toBytes: 0) }
    }

    private func trim(_ guarded: inout Guarded, toBytes bytesMax: Int) {
        let before = guarded.records.count
        guarded.trim(toBytes: bytesMax)
        memory?.change(.logs, by: guarded.records.count - before)
    }

    /// For the store, when a commit failed: the log must be offered again.
    package func markUnstored() -> Bool {
        guarded.withLock { $0.mustQueueForStore() }
    }

    /// For readers: visible records behind `seq`, at least one if there is one, and no more than `bytesMax` beyond that.
    package func read(after seq: Int, bytesMax: Int) -> ReadResult {
        guarded.withLock { guarded in
            if seq >= guarded.visibleSeq {
                let isFinished = guarded.summary.status.isFinished && guarded.visibleSeq == guarded.appendedSeq
                return .caughtUp(isFinished: isFinished)
            }
            guard seq + 1 >= guarded.firstSeq else { return .evicted }
            return .events(guarded.slice(after: seq, through: guarded.visibleSeq, bytesMax: bytesMax))
        }
    }
}

extension EventLog.Guarded {
    fileprivate mutating func queueForStore() -> Bool {
        change += 1
        return mustQueueForStore()
    }

    fileprivate mutating func mustQueueForStore() -> Bool {
        defer { isQueuedForStore = true }
        return !isQueuedForStore
    }

    fileprivate func slice(after seq: Int, through last: Int, bytesMax: Int) -> EventLog.Slice {
        let first = seq + 1 - firstSeq
        let limit = last - firstSeq
        guard first <= limit else { return EventLog.Slice(firstSeq: seq + 1) }
        let start = first == 0 ? 0 : ends[first - 1]
        var end = first
        while end < limit, ends[end + 1] - start <= bytesMax { end += 1 }
        return EventLog.Slice(
            firstSeq: seq + 1, records: Array(records[start..<ends[end]]), ends: ends[first...end].map { $0 - start })
    }

    /// Drops visible records from the front until half of the window is left, so that the copying is paid once per half.
    fileprivate mutating func trim(toBytes bytesMax: Int) {
        guard records.count > bytesMax else { return }
        var count = 0
        let excess = records.count - bytesMax / 2
        while firstSeq + count <= visibleSeq, ends[count] <= excess { count += 1 }
        guard count > 0 else { return }
        let cut = ends[count - 1]
        guard count < ends.count else {
            // Nothing is left: of a log that may be idle for long, not even the room.
            (records, ends) = ([], [])
            firstSeq += count
            return
        }
        records.removeFirst(cut)
        ends.removeFirst(count)
        for index in ends.indices { ends[index] -= cut }
        firstSeq += count
    }
}
