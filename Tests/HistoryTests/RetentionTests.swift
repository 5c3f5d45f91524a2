import Executions
import GRDB
import JSON
import Testing

@testable import History

@Suite struct RetentionTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }
    private static let day: Int64 = 24 * 3600 * 1_000_000

    /// A file with executions, each stored with these events in each of its rows.
    private func store(_ executions: [(log: EventLog, rows: [[[UInt8]]])]) throws {
        let store = HistoryStore(.file(path))
        try store.start()
        let watcher = Watcher()
        store.observer = watcher
        for (log, rows) in executions {
            for row in rows {
                log.append(row, to: store)
                watcher.wait(for: log, through: log.summary.lastSeq)
            }
        }
        try store.stop()
    }

    private func ended(_ number: Int64, atDay day: Int64 = 0, status: ExecutionStatus = .success) -> EventLog {
        var summary = summary(number, status: status)
        if status.isFinished { summary.endedAtMicroseconds = summary.createdAtMicroseconds + day * Self.day }
        return EventLog(graph: anyGraph, summary: summary)
    }

    /// Lets the retention work until it rests.
    private func retain(_ limits: RetentionLimits, nowDay: Int64 = 0) throws -> Int {
        let queue = try DatabaseQueue(path: path)
        var slices = 0
        var retention = Retention(RetentionPolicy(limits), DeletionCount()) { testEpoch * 1000 + nowDay * Self.day }
        repeat {
            try queue.inDatabase { try retention.run($0) }
            slices += 1
        } while retention.waitMilliseconds() <= Retention.pauseMilliseconds
        try queue.close()
        return slices
    }

    private func read<Result>(_ body: (HistoryStore) throws -> Result) throws -> Result {
        let store = HistoryStore(.file(path))
        try store.start()
        let result = try body(store)
        try store.stop()
        return result
    }

    private func count(_ table: String) throws -> Int {
        try DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? -1 }
    }

    private func eventBytes() throws -> Int {
        try DatabaseQueue(path: path).read { database in
            try ["executions", "first_events", "later_events"].reduce(0) { bytes, table in
                try bytes + (Int.fetchOne(database, sql: "SELECT sum(length(records)) FROM \(table)") ?? 0)
            }
        }
    }

    @Test func `what ended long enough ago goes, and what has not ended stays`() throws {
        let logs = [ended(1, atDay: 0), ended(2, atDay: 8), ended(3, status: .running), ended(4, atDay: 1)]
        try store(logs.map { ($0, [[[1]], [[2]]]) })
        _ = try retain(RetentionLimits(days: 5), nowDay: 10)
        let left = try read { try $0.executions(ExecutionQuery()).map(\.id) }
        #expect(left == [logs[2].id, logs[1].id])
        #expect(try count("executions WHERE records IS NOT NULL") == 1)
        #expect(try count("first_events") == 1)
        #expect(try count("later_events") == 2)
        #expect(try count("deleted_executions") == 0)
    }

    @Test func `of too many the oldest go`() throws {
        let logs = (1...30 as ClosedRange<Int64>).map { ended($0, status: $0 == 2 ? .running : .success) }
        try store(logs.map { ($0, [[[1]]]) })
        _ = try retain(RetentionLimits(executions: 5))
        let left = try read { try $0.executions(ExecutionQuery()).map(\.id) }
        #expect(left == [30, 29, 28, 27, 2].map { summary($0).id })
    }

    @Test func `limits that change hold from the next round on`() throws {
        let logs = (1...30 as ClosedRange<Int64>).map { ended($0) }
        try store(logs.map { ($0, [[[1]]]) })
        let (queue, policy) = (try DatabaseQueue(path: path), RetentionPolicy(RetentionLimits()))
        var retention = Retention(policy, DeletionCount()) { testEpoch * 1000 }
        func round() throws {
            repeat {
                try queue.inDatabase { try retention.run($0) }
            } while retention.waitMilliseconds()
                <= Retention.pauseMilliseconds
        }
        try round()
        policy.limits.executions = 7
        try round()
        try round()
        try queue.close()
        #expect(try count("executions") == 7)
    }

    @Test func `events are dropped from the front, and the last one stays`() throws {
        let rows: [[[UInt8]]] = [[[1], [2, 2]], [[3]], [[4, 4], [5, 5, 5]]]
        let log = ended(1)
        try store([(log, rows)])
        let queue = try DatabaseQueue(path: path)
        let steps: [(Int, [[UInt8]])] = [
            (2, [[3], [4, 4], [5, 5, 5]]), (3, [[4, 4], [5, 5, 5]]), (4, [[5, 5, 5]]),
        ]
        for (dropped, left) in steps {
            try queue.inDatabase { database in
                guard case .found(let execution) = try database.nextExecutionWithEvents(after: 0, rowsMax: 1) else {
                    return #expect(Bool(false))
                }
                #expect(try database.dropFirstRow(of: execution).hasMore == (dropped < 4))
            }
            let slice = try read { try $0.records(of: log.id, after: 0, bytesMax: 1000) }
            #expect(slice.firstSeq == dropped + 1)
            #expect(slice.all == left)
            let rest = try read { try $0.records(of: log.id, after: 4, bytesMax: 1000) }
            #expect(rest.all == [[5, 5, 5]])
        }
        try queue.inDatabase { database in
            guard case .nothing = try database.nextExecutionWithEvents(after: 0, rowsMax: 1) else {
                return #expect(Bool(false), "nothing is left to drop")
            }
        }
    }

    @Test func `events that came in one row are dropped but for the last, also a large one`() throws {
        let large = [UInt8](repeating: 7, count: 70_000)
        let log = ended(1)
        try store([(log, [[[1], [2], large]])])
        try dropOnlyRow()
        let slice = try read { try $0.records(of: log.id, after: 0, bytesMax: 1000) }
        #expect(slice.firstSeq == 3)
        #expect(slice.all == [large])
    }

    /// Of the one execution that has events to drop.
    private func dropOnlyRow() throws {
        try DatabaseQueue(path: path).inDatabase { database in
            guard case .found(let execution) = try database.nextExecutionWithEvents(after: 0, rowsMax: 1) else {
                return #expect(Bool(false), "there are events to drop")
            }
            #expect(try !database.dropFirstRow(of: execution).hasMore)
        }
    }

    @Test func `of events that lie in the row of their execution the last one stays`() throws {
        let log = ended(1)
        try store([(log, [[[1], [2, 2], [3, 3, 3]]])])
        #expect(try count("first_events") == 0)
        try dropOnlyRow()
        let slice = try read { try $0.records(of: log.id, after: 0, bytesMax: 1000) }
        #expect(slice.firstSeq == 3)
        #expect(slice.all == [[3, 3, 3]])
        #expect(try read { try $0.execution(log.id) } == log.summary)
    }

    @Test func `beyond the bytes the oldest events go until the rest fits, and no summary`() throws {
        let event = [UInt8](repeating: 1, count: 100_000)
        let logs = (1...20 as ClosedRange<Int64>).map { ended($0, status: $0 == 1 ? .running : .success) }
        try store(logs.map { ($0, [[event], [event], [[9]]]) })
        let limit = 2 << 20
        _ = try retain(RetentionLimits(bytes: limit))
        let used = try eventBytes()
        #expect(used <= limit && used > limit / 2)
        try read { (store: HistoryStore) throws in
            #expect(try store.executions(ExecutionQuery()).count == 20)
            #expect(try store.records(of: logs[0].id, after: 0, bytesMax: 1 << 20).firstSeq == 1, "it has not ended")
            #expect(try store.records(of: logs[1].id, after: 0, bytesMax: 1 << 20).firstSeq == 3)
            #expect(try store.records(of: logs[19].id, after: 0, bytesMax: 1 << 20).firstSeq == 1)
        }
    }

    @Test func `a large deletion takes many slices, none of them long, and commits go on between them`() throws {
        let event = [UInt8](repeating: 1, count: 120_000)
        try store([(ended(1), (0..<150).map { _ in [event] })])
        let deleting = HistoryStore(.file(path))
        try deleting.start()
        guard case .deleted(let summary) = try deleting.deleteExecution(ended(1).id) else {
            return #expect(Bool(false))
        }
        #expect(summary.lastSeq == 150)
        guard case .unknown = try deleting.deleteExecution(summary.id) else { return #expect(Bool(false)) }
        #expect(try deleting.lastRowID() == summary.id.rowID, "its key is not used again while events are left")
        try deleting.stop()
        #expect(try retain(RetentionLimits()) >= 1)
        #expect(try count("later_events") == 0)
        #expect(try count("deleted_executions") == 0)
    }

    @Test func `an execution that has not ended is not deleted`() throws {
        try store([(ended(1, status: .running), [[[1]]])])
        try read { (store: HistoryStore) throws in
            guard case .unfinished = try store.deleteExecution(summary(1).id) else { return #expect(Bool(false)) }
            #expect(try store.execution(summary(1).id) != nil)
        }
    }

    @Test func `documents of graphs do not count against the bytes of events`() throws {
        let event = [UInt8](repeating: 1, count: 100_000)
        let logs = (1...5 as ClosedRange<Int64>).map { ended($0) }
        try store(logs.map { ($0, [[event], [[9]]]) })
        let document = "\"" + String(repeating: "x", count: 1 << 20) + "\""
        try read { (store: HistoryStore) throws in
            for number in 0..<12 { try store.put(newGraph("a", document, files: ["f": event]), expecting: number) }
        }
        _ = try retain(RetentionLimits(bytes: 1 << 20))
        try read { (store: HistoryStore) throws in
            for log in logs { #expect(try store.records(of: log.id, after: 0, bytesMax: 1 << 20).firstSeq == 1) }
        }
        _ = try retain(RetentionLimits(bytes: 350_000))
        #expect(try eventBytes() == 300_005)
    }

    @Test func `the bytes of events are kept by what comes and what goes`() throws {
        let event = [UInt8](repeating: 1, count: 1000)
        let logs = (1...40 as ClosedRange<Int64>).map { ended($0) }
        try store(logs.map { ($0, [[event], [[9]], [event, event]]) })
        let queue = try DatabaseQueue(path: path)
        var count = EventByteCount()
        try queue.inDatabase { database in
            while try !count.countOn(database) { continue }
            #expect(count.total == 40 * 3001)
            var walk: Int64 = 0
            while case .found(let execution) = try database.nextExecutionWithEvents(after: walk, rowsMax: 100) {
                let drop = try database.dropFirstRow(of: execution)
                count.removed(drop.bytes)
                if !drop.hasMore { walk = execution.id }
            }
        }
        try queue.close()
        #expect(try count.total == eventBytes())
    }

    @Test func `keys of starts are forgotten after a day`() throws {
        let log = ended(1)
        // The store itself forgets what is old by the real clock.
        let future: Int64 = 36_500
        log.note(
            KeyedStart(
                key: StartKey(scope: "", key: "k"), digest: [1], executionID: log.id,
                createdAtMicroseconds: testEpoch * 1000 + future * Self.day))
        try store([(log, [[[1]]])])
        _ = try retain(RetentionLimits(), nowDay: future)
        #expect(try count("start_keys") == 1)
        _ = try retain(RetentionLimits(), nowDay: future + 2)
        #expect(try count("start_keys") == 0)
    }
}
