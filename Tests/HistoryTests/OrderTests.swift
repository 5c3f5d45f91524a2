import Executions
import Foundation
import GRDB
import Synchronization
import Testing

@testable import History

@Suite struct OrderTests {
    private let folder = TemporaryFolder()

    private struct Unwanted: Error {}

    /// Holds the store's thread inside of an order until it is opened, so that what comes meanwhile gathers.
    private final class Gate: Sendable {
        private let (entered, opened) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))

        func hold(_ store: HistoryStore) {
            store.write({ [self] _ in
                entered.signal()
                opened.wait()
            }) { (_: Result<Void, StoreError>) in }
            entered.wait()
        }

        func open() { opened.signal() }
    }

    private final class Replies<Value: Sendable>: Sendable {
        private let told = Mutex<[Result<Value, StoreError>]>([])
        private let isTold = DispatchSemaphore(value: 0)

        func take(_ result: Result<Value, StoreError>) {
            told.withLock { $0.append(result) }
            isTold.signal()
        }

        func wait(for count: Int) -> [Result<Value, StoreError>] {
            for _ in 0..<count { isTold.wait() }
            return told.withLock { $0 }
        }
    }

    /// Commits so far, as SQLite numbers them for other connections.
    private func commits(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA data_version") ?? 0
    }

    private func started() throws -> HistoryStore {
        let store = HistoryStore(.file(folder.path("history.db")))
        try store.start()
        return store
    }

    @Test func `orders that have gathered ride in one commit, together with the logs`() throws {
        let store = try started()
        let watcher = Watcher()
        store.observer = watcher
        let ended = (0..<40).map { newLog(Int64($0), status: .success) }
        for log in ended { log.append([[1]], to: store) }
        for log in ended { watcher.wait(for: log, through: 1) }
        let (gate, replies, late) = (Gate(), Replies<ExecutionDeletion>(), newLog(100))
        let before = watcher.commitSizes.count
        let reader = try DatabaseQueue(path: folder.path("history.db"))
        gate.hold(store)
        for log in ended { store.deleteExecution(log.id, replies.take) }
        late.append([[1]], to: store)
        gate.open()
        watcher.wait(for: late, through: 1)
        let answers = replies.wait(for: 40)
        #expect(answers.allSatisfy { if case .success(.deleted) = $0 { true } else { false } })
        #expect(watcher.commitSizes.count == before + 1)
        #expect(try reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM executions") } == 1)
        try store.stop()
    }

    @Test func `one order that fails is undone alone, and the others and the logs are stored`() throws {
        let store = try started()
        let watcher = Watcher()
        store.observer = watcher
        let (gate, replies, log) = (Gate(), Replies<Int>(), newLog(1))
        gate.hold(store)
        for number in 0..<3 {
            store.write(
                { database in
                    _ = try database.graphKey(of: "graph-\(number)")
                    if number == 1 { throw Unwanted() }
                    return number
                }, replies.take)
        }
        log.append([[1]], to: store)
        gate.open()
        watcher.wait(for: log, through: 1)
        let answers = replies.wait(for: 3)
        #expect(answers.compactMap { try? $0.get() }.sorted() == [0, 2])
        let known = try store.read { try String.fetchAll($0, sql: "SELECT graph_id FROM graphs ORDER BY graph_id") }
        #expect(known == ["any", "graph-0", "graph-2"])
        try store.stop()
    }

    @Test func `an order that ends the whole transaction harms nobody else for good`() throws {
        let store = try started()
        let watcher = Watcher()
        store.observer = watcher
        let (gate, replies, log) = (Gate(), Replies<Int>(), newLog(1))
        gate.hold(store)
        store.write(
            { database -> Int in
                try database.execute(sql: "ROLLBACK")
                throw Unwanted()
            }, replies.take)
        store.write({ database in Int(try database.graphKey(of: "b")) }, replies.take)
        log.append([[1]], to: store)
        gate.open()
        let answers = replies.wait(for: 2)
        #expect(answers.allSatisfy { (try? $0.get()) == nil }, "whoever cannot be sure is told")
        watcher.wait(for: log, through: 1)
        #expect(try store.records(of: log.id, after: 0, bytesMax: 10).all == [[1]])
        try store.stop()
    }

    @Test func `while the disk is full orders are answered, and one that makes room is carried out`() throws {
        let store = try started()
        let watcher = Watcher()
        store.observer = watcher
        let old = newLog(1, status: .success)
        old.append([[1]], to: store)
        watcher.wait(for: old, through: 1)
        try store.write { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        let late = newLog(2)
        late.append([[UInt8](repeating: 2, count: 100_000)], to: store)
        while store.fault == nil { usleep(1000) }
        #expect(throws: StoreError.self) {
            try store.put(newGraph("g", "\"" + String(repeating: "x", count: 100_000) + "\""), expecting: 0)
        }
        guard case .deleted = try store.deleteExecution(old.id) else { return #expect(Bool(false)) }
        try store.write { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        watcher.wait(for: late, through: 1)
        try store.stop()
    }

    @Test func `more orders than ride in one commit all come through`() throws {
        let store = try started()
        let replies = Replies<Int>()
        let count = CommitLoop.batchOrdersMax * 2 + 1
        let gate = Gate()
        gate.hold(store)
        for number in 0..<count {
            store.write({ database in Int(try database.graphKey(of: "graph-\(number)")) }, replies.take)
        }
        gate.open()
        #expect(replies.wait(for: count).allSatisfy { (try? $0.get()) != nil })
        #expect(try store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM graphs") } == count)
        try store.stop()
    }

    @Test func `orders at a store that is not open are answered at once`() throws {
        let store = HistoryStore(.memory)
        #expect(throws: StoreError.self) { try store.deleteExecution(summary(1).id) }
        try store.start()
        try store.stop()
        #expect(throws: StoreError.self) { try store.deleteExecution(summary(1).id) }
    }
}
