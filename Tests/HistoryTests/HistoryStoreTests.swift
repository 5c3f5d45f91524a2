import Executions
import Foundation
import GRDB
import JSON
import Synchronization
import Testing

@testable import History

@Suite struct HistoryStoreTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }

    @Test func `an execution and its events can be read after a restart`() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        let log = newLog(1)
        log.append([[1, 2, 3], [4]], to: store) { $0.startedAtMicroseconds = 17 }
        log.append([[5, 6]], to: store) { summary in
            summary.status = .error
            summary.endedAtMicroseconds = 18
            summary.durationMicroseconds = 19
            summary.failedNodes = ["a", "b"]
            summary.error = "it \"broke\"\n"
        }
        try store.stop()

        let again = HistoryStore(.file(path))
        try again.start()
        #expect(try again.execution(log.id) == log.summary)
        let slice = try again.records(of: log.id, after: 0, bytesMax: 100)
        #expect(slice.firstSeq == 1)
        #expect(slice.all == [[1, 2, 3], [4], [5, 6]])
        #expect(try again.lastRowID() == log.id.rowID)
        try again.stop()
    }

    @Test func `what an execution carries on from its start, and what it waits with, can be read after a restart`()
        throws
    {
        let store = HistoryStore(.file(path))
        try store.start()
        let (first, second) = (summary(1), summary(2, status: .queued))
        let origin = ExecutionOrigin(
            rerunOf: first.id, rerunFrom: "a", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            cancelsWhenAbandoned: true)
        let queued = EventLog(
            graph: anyGraph,
            summary: ExecutionSummary(
                id: second.id, graphID: "any", graphRevision: 3, nodeCount: 5, createdAtMicroseconds: 1, origin: origin)
        )
        if queued.wait(with: ["k": 1.0]) { store.logHasGrown(queued) }
        let running = newLog(3)
        running.append([[1]], to: store) { $0.attempt = 2 }
        if running.note({ $0.isCancelRequested = true }) { store.logHasGrown(running) }
        try store.stop()
        #expect(running.storedChange == running.change)

        let again = HistoryStore(.file(path))
        try again.start()
        #expect(try again.execution(queued.id) == queued.summary)
        #expect(try again.queuedState(of: queued.id) == ["k": 1.0])
        #expect(try again.execution(running.id) == running.summary)
        #expect(try again.queuedState(of: running.id) == nil)
        queued.append([[1]], to: again) { $0.status = .running }
        try again.stop()

        let last = HistoryStore(.file(path))
        try last.start()
        #expect(try last.queuedState(of: queued.id) == nil)
        try last.stop()
    }

    @Test func `who started an execution, its deaths and that it is held can be read after a restart`() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        func log(_ number: Int64, startedBy: String?) -> EventLog {
            let base = summary(number)
            return EventLog(
                graph: anyGraph,
                summary: ExecutionSummary(
                    id: base.id, graphID: "any", graphRevision: 3, nodeCount: 5, createdAtMicroseconds: 1,
                    origin: ExecutionOrigin(startedBy: startedBy)))
        }
        let short = log(1, startedBy: "deploy")
        short.append([[1], [2]], to: store) { ($0.status, $0.attempt) = (.success, 1) }
        let held = log(2, startedBy: "nightly")
        held.append([[1]], to: store) { ($0.status, $0.deaths) = (.running, 2) }
        if held.note({ ($0.status, $0.deaths) = (.held, 3) }) { store.logHasGrown(held) }
        let waiting = log(3, startedBy: nil)
        if waiting.wait(with: ["k": 1]) { store.logHasGrown(waiting) }
        try store.stop()

        let again = HistoryStore(.file(path))
        try again.start()
        #expect(try again.execution(short.id) == short.summary)
        #expect(try again.execution(short.id)?.startedBy == "deploy")
        #expect(try again.execution(held.id) == held.summary)
        #expect(try again.executions(ExecutionQuery(status: .held)).map(\.deaths) == [3])
        // What waits and is held keeps what it will start with.
        if waiting.note({ $0.status = .held }) { again.logHasGrown(waiting) }
        try again.stop()

        let last = HistoryStore(.file(path))
        try last.start()
        #expect(try last.queuedState(of: waiting.id) == ["k": 1])
        // Who started it costs a short execution no row of its own.
        let rows = try last.read {
            try Int.fetchOne(
                $0, sql: "SELECT count(*) FROM first_events WHERE execution = ?", arguments: [short.id.rowID])
        }
        #expect(rows == 0)
        try last.stop()
    }

    @Test func `an execution that is unknown, or has another lower half, is not found`() throws {
        let store = HistoryStore(.memory)
        try store.start()
        let log = newLog(1)
        log.append([[1]], to: store)
        let other = ExecutionID(high: log.id.high, low: log.id.low + 1)
        let watcher = Watcher()
        store.observer = watcher
        let last = newLog(2)
        last.append([[1]], to: store)
        watcher.wait(for: last, through: 1)

        #expect(try store.execution(log.id) != nil)
        #expect(try store.execution(other) == nil)
        #expect(try store.execution(newLog(3).id) == nil)
        #expect(try store.records(of: newLog(3).id, after: 4, bytesMax: 10).firstSeq == 5)
        #expect(try store.records(of: newLog(3).id, after: 4, bytesMax: 10).ends.isEmpty)
        try store.stop()
    }

    @Test func `what the observer is told is visible to another connection`() throws {
        let store = HistoryStore(.file(path))
        let path = path
        let seen = Mutex<[Int?]>([])
        let watcher = Watcher { logs in
            let reader = try? DatabaseQueue(path: path)
            for log in logs {
                let stored = try? reader?.inDatabase { database in
                    try Int.fetchOne(
                        database, sql: "SELECT last_seq FROM executions WHERE id = ?", arguments: [log.id.rowID])
                }
                seen.withLock { $0.append(stored == log.visibleSeq ? stored : nil) }
            }
        }
        store.observer = watcher
        try store.start()
        let logs = (1...50).map { newLog(Int64($0)) }
        for round in 1...3 {
            for log in logs { log.append([[1, 2]], to: store) }
            for log in logs { watcher.wait(for: log, through: round) }
        }
        try store.stop()
        seen.withLock { seen in
            #expect(seen.count >= 150)
            #expect(seen.allSatisfy { $0 != nil })
        }
    }

    @Test func `a log is seen at -1 before its commit, and the row alone is seen as 0`() throws {
        let store = HistoryStore(.memory)
        let watcher = Watcher()
        store.observer = watcher
        let log = newLog(1, status: .queued)
        log.append([], to: store)
        #expect(log.visibleSeq == -1)
        try store.start()
        watcher.wait(for: log, through: 0)
        #expect(log.visibleSeq == 0)
        #expect(try store.execution(log.id)?.status == .queued)
        try store.stop()
    }

    @Test func `logs announced before the start are few commits, bounded in logs`() throws {
        let store = HistoryStore(.file(path))
        let watcher = Watcher()
        store.observer = watcher
        let logs = (0..<CommitLoop.batchLogsMax + 1).map { newLog(Int64($0)) }
        for log in logs { log.append([[1], [2]], to: store) }
        try store.start()
        watcher.wait(for: logs[logs.count - 1], through: 2)
        #expect(watcher.commitSizes == [CommitLoop.batchLogsMax, 1])
        try store.stop()
    }

    @Test func `a commit is bounded in bytes`() throws {
        let store = HistoryStore(.file(path))
        let watcher = Watcher()
        store.observer = watcher
        let quarter = [UInt8](repeating: 7, count: CommitLoop.batchBytesMax / 4)
        let logs = (0..<5).map { newLog(Int64($0)) }
        for log in logs { log.append([quarter], to: store) }
        try store.start()
        watcher.wait(for: logs[4], through: 1)
        #expect(watcher.commitSizes == [4, 1])
        try store.stop()
    }

    @Test func `stopping stores what was announced before`() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        let logs = (0..<5000).map { newLog(Int64($0)) }
        for log in logs { log.append([[1]], to: store) }
        try store.stop()
        #expect(logs.allSatisfy { $0.visibleSeq == 1 })
        #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
    }

    @Test func `a store that is not open refuses, and does not hang`() throws {
        let store = HistoryStore(.file(path))
        #expect(throws: StoreError.self) { try store.executions(ExecutionQuery()) }
        #expect(throws: StoreError.self) { try store.deleteGraph("a", expecting: 1, atMicroseconds: 0) }
        try store.start()
        try store.stop()
        #expect(throws: StoreError.self) { try store.lastRowID() }
        #expect(throws: StoreError.self) { try store.deleteGraph("a", expecting: 1, atMicroseconds: 0) }
        try store.stop()
    }

    /// What a `kill -9` leaves: the file and its -wal as they are on disk, without a last checkpoint.
    @Test func `what was visible is in a copy of the open files`() throws {
        let store = HistoryStore(.file(path))
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        let logs = (0..<500).map { newLog(Int64($0)) }
        for log in logs { log.append([[1, 2, 3]], to: store) }
        for log in logs { watcher.wait(for: log, through: 1) }
        let copy = folder.path("copy.db")
        for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix) }
        try store.stop()

        let copied = HistoryStore(.file(copy))
        try copied.start()
        #expect(try copied.executions(ExecutionQuery(limit: 1000)).count == 500)
        for log in logs { #expect(try copied.records(of: log.id, after: 0, bytesMax: 10).all == [[1, 2, 3]]) }
        try copied.stop()
    }

    @Test(arguments: [1, 2, 3, 4]) func `whatever the order of appends and commits, all is stored once`(seed: UInt64)
        throws
    {
        var random = SeededRandom(seed: seed)
        let store = HistoryStore(.file(path))
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        var model: [[[UInt8]]] = []
        var logs: [EventLog] = []
        for step in 0..<400 {
            if logs.isEmpty || random.next(below: 8) == 0 {
                logs.append(newLog(Int64(step), graphID: "graph-\(step % 3)"))
                logs[logs.count - 1].append([], to: store)
                model.append([])
            }
            let index = random.next(below: logs.count)
            let size = random.next(below: 20) == 0 ? EventRow.bytesMax / 2 : 200
            let records = (0..<random.next(below: 4)).map { _ in
                [UInt8](repeating: UInt8(step & 0xFF), count: 1 + random.next(below: size))
            }
            logs[index].append(records, to: store)
            model[index] += records
            if random.next(below: 5) == 0 { watcher.wait(for: logs[index], through: model[index].count) }
            let visible = logs[index].visibleSeq
            let after = random.next(below: model[index].count + 1)
            let slice = try store.records(of: logs[index].id, after: after, bytesMax: random.next(below: 2000))
            // More than what was visible may be stored by now, never less, and never anything else.
            #expect(slice.ends.isEmpty == (after >= visible) || slice.lastSeq > visible, "seed \(seed)")
            #expect(slice.all == Array(model[index].dropFirst(after).prefix(slice.ends.count)), "seed \(seed)")
        }
        for (log, records) in zip(logs, model) {
            watcher.wait(for: log, through: records.count)
            #expect(try store.records(of: log.id, after: 0, bytesMax: .max).all == records, "seed \(seed)")
            #expect(try store.execution(log.id) == log.summary, "seed \(seed)")
        }
        try store.stop()
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next(below limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ mixed >> 31) % UInt64(max(limit, 1)))
    }
}
