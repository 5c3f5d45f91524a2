// What happens in all executions, in short, for dashboards: one line for each start, node and end, taken from the records
// that have become visible, so that here too seen is stored.
//
// The lines lie in one ring that all dashboards share; each has an index into it. One that comes too late for its next line
// is told the snapshot again. While nobody looks, nothing is kept and nothing is done.

import DequeModule
import Executions
import JSON
import Reactor

/// The lines of all executions. Lives on the reactor's thread.
final class ExecutionFeed {
    /// Lines that are kept for dashboards that are behind: a reader that takes a page of 64 KiB a turn needs far fewer.
    static let lineCountMax = 16_384
    static let lineBytesMax = 4 << 20
    /// Lines that are made in one turn of the loop: about a millisecond.
    private static let linesPerTurnMax = 2_000
    private static let recordsBytesMax = 64 << 10
    /// Executions that have ended and are still known, so that a late word of their visible mark does not tell them again.
    private static let endedMax = 8_192

    /// Until what could not be read is tried again.
    private static let retryMilliseconds: Int64 = 2_000

    /// One event in short, as a block of an event stream.
    struct Line {
        /// Nil for what concerns a graph alone.
        let executionID: ExecutionID?
        let graphID: String
        let block: [UInt8]
    }

    /// One execution, and how far it has been told.
    final class Entry {
        let log: EventLog
        /// The seq of the last event told; -1 before the execution itself was.
        fileprivate(set) var seq: Int
        fileprivate(set) var status: ExecutionStatus
        fileprivate var isPending = false
        fileprivate var isAwaitingStore = false

        fileprivate init(_ log: EventLog, seq: Int) {
            self.log = log
            self.seq = seq
            status = log.summary.status == .held ? .held : seq <= 0 ? .queued : .running
        }
    }

    private let reactor: Reactor
    private let service: ExecutionService
    private let reads: ColdReads
    private let report: @Sendable (String) -> Void
    private var readers: Set<Slot> = []
    private var entries: [ExecutionID: Entry] = [:]
    /// The executions of `entries` that have not ended, in the order of their ids; some have ended since.
    private var order: [ExecutionID] = []
    private var ended = Deque<ExecutionID>()
    private var pending = Deque<Entry>()
    private var isWorking = false

    private var lines = Deque<Line>()
    private(set) var lineBytes = 0
    /// The index of the oldest line.
    private(set) var startIndex = 0
    /// The index that the next line will have.
    var endIndex: Int { startIndex + lines.count }
    var readerCount: Int { readers.count }

    init(
        reactor: Reactor, service: ExecutionService, reads: ColdReads,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.reactor = reactor
        self.service = service
        self.reads = reads
        self.report = report
    }

    subscript(index: Int) -> Line { lines[index - startIndex] }

    func subscribe(_ slot: Slot) {
        if readers.isEmpty { begin() }
        readers.insert(slot)
    }

    func unsubscribe(_ slot: Slot) {
        readers.remove(slot)
        guard readers.isEmpty else { return }
        startIndex = endIndex
        (lines, lineBytes) = ([], 0)
        (entries, order, ended, pending) = ([:], [], [], [])
    }

    /// The visible marks of these logs have moved.
    func wake(_ logs: [EventLog]) {
        guard !readers.isEmpty else { return }
        for log in logs {
            let entry = entries[log.id] ?? insert(Entry(log, seq: -1))
            tellResumption(of: entry)
            announce(entry)
        }
        work()
    }

    /// One that was held may go on, and waits until it does.
    private func tellResumption(of entry: Entry) {
        let status = entry.log.summary.status
        guard entry.status == .held, !status.isFinished, status != .held else { return }
        entry.status = status
        let now = service.environment.clock.wallMicroseconds
        append(LightEvent(.queued, status: status, timestampMicroseconds: now), of: entry.log)
    }

    /// A graph has another revision.
    func graphChanged(_ id: String, _ head: GraphHead) {
        guard !readers.isEmpty else { return }
        let now = service.environment.clock.wallMicroseconds
        add(Line(executionID: nil, graphID: id, block: LightEvent.graphChange(id, head, atMicroseconds: now)))
        wakeReaders()
    }

    /// A finished execution is no more.
    func executionWasDeleted(_ summary: ExecutionSummary) {
        guard !readers.isEmpty else { return }
        append(
            LightEvent(
                .deleted, status: summary.status, timestampMicroseconds: service.environment.clock.wallMicroseconds),
            of: summary.id, graphID: summary.graphID)
        wakeReaders()
    }

    /// Calls `body` with the executions that have not ended and come after `id`, in the order of their ids, until it says
    /// that it has enough.
    /// - Returns: the last one that was looked at; nil at the end of the list.
    func forEachUnfinished(after id: ExecutionID?, countMax: Int, _ body: (Entry) -> Bool) -> ExecutionID? {
        var index = id.map { id in order.partitioningIndex { $0 > id } } ?? 0
        let limit = min(order.count, index + countMax)
        while index < limit {
            let next = order[index]
            index += 1
            // One that was not told yet is told by the lines to come.
            guard let entry = entries[next], !entry.status.isFinished, entry.seq >= 0 else { continue }
            guard body(entry) else { return next }
        }
        return index < order.count ? order[index - 1] : nil
    }

    /// The ring is within its bounds, and what it holds is what it counts: in debug builds, for tests.
    func checkInvariants() {
        assert(lines.count <= Self.lineCountMax && lineBytes <= Self.lineBytesMax)
        assert(lines.reduce(0) { $0 + $1.block.count } == lineBytes, "the sum of the lines is the account")
        assert(order == order.sorted() && order.allSatisfy { entries[$0] != nil || ended.contains($0) })
        assert(!readers.isEmpty || entries.isEmpty && lines.isEmpty, "while nobody looks, nothing is kept")
    }

    private func begin() {
        for log in service.unfinished {
            let seq = log.visibleSeq
            if seq >= 0, !log.isFinishedAndVisible { entries[log.id] = Entry(log, seq: seq) }
        }
        order = entries.keys.sorted()
    }

    private func insert(_ entry: Entry) -> Entry {
        entries[entry.log.id] = entry
        // Ids rise with time, so that its place is near the end.
        var index = order.count
        while index > 0, order[index - 1] > entry.log.id { index -= 1 }
        order.insert(entry.log.id, at: index)
        return entry
    }

    private func announce(_ entry: Entry) {
        guard !entry.isPending, !entry.isAwaitingStore, !entry.status.isFinished else { return }
        entry.isPending = true
        pending.append(entry)
    }

    /// Makes lines of what is pending, as many as a turn may take.
    private func work() {
        guard !isWorking else { return }
        let limit = endIndex + Self.linesPerTurnMax
        while endIndex < limit, let entry = pending.popFirst() {
            entry.isPending = false
            tell(entry, untilIndex: limit)
        }
        wakeReaders()
        guard !pending.isEmpty else { return }
        isWorking = true
        let confined = Confined(self, to: reactor)
        reactor.mailbox.post { reactor in
            let feed = confined.open(on: reactor)
            feed.isWorking = false
            feed.work()
        }
    }

    private func wakeReaders() {
        for slot in readers { reactor.needsFlush(slot) }
    }

    private func tell(_ entry: Entry, untilIndex limit: Int) {
        if entry.seq < 0 {
            guard entry.log.visibleSeq >= 0 else { return }
            entry.seq = 0
            if entry.log.visibleSeq == 0 {
                let created = entry.log.summary.createdAtMicroseconds
                append(LightEvent(.queued, status: .queued, timestampMicroseconds: created), of: entry.log)
            }
        }
        while endIndex < limit {
            switch entry.log.read(after: entry.seq, bytesMax: Self.recordsBytesMax) {
            case .events(let slice): tell(entry, slice)
            case .caughtUp: return
            case .evicted: return readStore(entry)
            }
        }
        announce(entry)
    }

    private func tell(_ entry: Entry, _ slice: EventLog.Slice) {
        do {
            try slice.forEachRecord { record in
                let outline = try EventOutline(of: record)
                switch outline.body {
                case .start: entry.status = .running
                case .complete(let status): entry.status = status
                case .error: entry.status = .failed
                case .nodeStart, .nodeOutput, .nodeComplete: break
                }
                guard let event = LightEvent(outline, status: entry.status) else { return }
                append(event, of: entry.log)
            }
        } catch {
            report("execution \(entry.log.id): \(error)")
        }
        entry.seq = slice.lastSeq
        if entry.status.isFinished { retire(entry) } else { tellEnd(of: entry) }
    }

    /// Events left memory before they were told.
    private func readStore(_ entry: Entry) {
        entry.isAwaitingStore = true
        reads.read(entry.log.id, after: entry.seq) { [weak self] in self?.received($0, for: entry) }
    }

    private func received(_ result: ColdReads.Page, for entry: Entry) {
        entry.isAwaitingStore = false
        guard entries[entry.log.id] === entry else { return }
        switch result {
        case .success(let records) where !records.slice.ends.isEmpty: tell(entry, records.slice)
        case .success:
            // It was deleted meanwhile.
            entry.seq = entry.log.visibleSeq
            tellEnd(of: entry)
        case .failure:
            // What a dashboard was told stays true until the store can be read again.
            return tryAgain(entry)
        }
        announce(entry)
        work()
    }

    private func tryAgain(_ entry: Entry) {
        _ = reactor.schedule(afterMilliseconds: Self.retryMilliseconds) { [weak self] in
            guard let self, entries[entry.log.id] === entry else { return }
            announce(entry)
            work()
        }
    }

    /// All was told as far as it can be read, and nothing will follow: whatever is missing, nobody takes it for running.
    private func tellEnd(of entry: Entry) {
        let log = entry.log
        guard !entry.status.isFinished, log.isFinishedAndVisible, entry.seq >= log.visibleSeq else { return }
        let summary = log.summary
        entry.status = summary.status
        append(
            LightEvent(
                .end, status: summary.status,
                timestampMicroseconds: summary.endedAtMicroseconds ?? service.environment.clock.wallMicroseconds),
            of: log)
        retire(entry)
    }

    private func retire(_ entry: Entry) {
        ended.append(entry.log.id)
        if ended.count > Self.endedMax { entries[ended.removeFirst()] = nil }
        // Those that have ended leave the order in the hundreds.
        if ended.count % 256 == 0 { order.removeAll { entries[$0]?.status.isFinished ?? true } }
    }

    private func append(_ event: LightEvent, of log: EventLog) {
        add(
            Line(
                executionID: log.id, graphID: log.graph.identity.id,
                block: event.block(executionID: log.idText, graphID: log.graph.identity.id, nodes: log.graph)))
    }

    private func append(_ event: LightEvent, of id: ExecutionID, graphID: String) {
        add(
            Line(
                executionID: id, graphID: graphID,
                block: event.block(executionID: Array(id.description.utf8), graphID: graphID, nodes: nil)))
    }

    private func add(_ line: Line) {
        lines.append(line)
        lineBytes += line.block.count
        while lines.count > Self.lineCountMax || lineBytes > Self.lineBytesMax {
            lineBytes -= lines.removeFirst().block.count
            startIndex += 1
        }
    }
}

@available(*, unavailable)
extension ExecutionFeed: Sendable {}
