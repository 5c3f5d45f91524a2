import Executions
import Foundation
import GRDB
import JSON
import Synchronization
import Testing

@testable import History

@Suite struct FullDiskTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }

    /// What the store has said of its faults, in order.
    private final class Faults: Sendable {
        private let told = Mutex<[String?]>([])
        private let isTold = DispatchSemaphore(value: 0)

        func tell(_ error: StoreError?) {
            told.withLock { $0.append(error?.message) }
            isTold.signal()
        }

        /// Waits for the next one.
        func next() -> String? {
            isTold.wait()
            return told.withLock { $0.removeFirst() }
        }

        var count: Int { told.withLock { $0.count } }
    }

    @Test func `while the file cannot grow nothing becomes visible, and afterwards nothing is lost`() throws {
        let faults = Faults()
        let store = HistoryStore(.file(path)) { faults.tell($0) }
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        let early = newLog(1)
        early.append([[1]], to: store)
        watcher.wait(for: early, through: 1)

        try store.write { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        let logs = (2..<20).map { newLog(Int64($0)) }
        for log in logs { log.append([[UInt8](repeating: 2, count: 50_000)], to: store) }
        #expect(faults.next()?.contains("free some space") == true)
        // Announced while others wait for the next attempt, some of them for the second time.
        for log in logs { log.append([[3]], to: store) }
        #expect(logs.allSatisfy { $0.visibleSeq == -1 })
        #expect(try store.executions(ExecutionQuery()).map(\.id) == [early.id])

        try store.write { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        #expect(faults.next() == nil)
        for log in logs {
            watcher.wait(for: log, through: 2)
            let stored = try store.records(of: log.id, after: 0, bytesMax: .max)
            #expect(stored.all == [[UInt8](repeating: 2, count: 50_000), [3]])
        }
        #expect(faults.count == 0)
        try store.stop()
    }

    @Test func `stopping while the disk is full says how much was not stored`() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        try store.write { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        for number in 0..<3 { newLog(Int64(number)).append([[UInt8](repeating: 2, count: 50_000)], to: store) }
        let error = #expect(throws: StoreError.self) { try store.stop() }
        #expect(error?.message.contains("3 executions could not be stored") == true)
    }

    @Test func `a graph that cannot be stored is an error of its caller, and the store goes on`() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        try store.write { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        let large = newGraph("large", files: ["f": [UInt8](repeating: 1, count: 1 << 20)])
        let error = #expect(throws: StoreError.self) { try store.put(large, expecting: 0) }
        #expect(error?.message.contains("free some space") == true)
        try store.write { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        #expect(try store.put(large, expecting: 0)?.revision == 1)
        try store.stop()
    }

    @Test func `a file that another program holds locked is waited for`() throws {
        let faults = Faults()
        let store = HistoryStore(.file(path)) { faults.tell($0) }
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        // Retention of the store may hold it locked just now.
        var waits = Configuration()
        waits.busyMode = .timeout(30)
        let other = try DatabaseQueue(path: path, configuration: waits)
        let log = newLog(1)
        try other.inDatabase { database in
            try database.execute(sql: "BEGIN IMMEDIATE")
            log.append([[1]], to: store)
            #expect(faults.next()?.contains("another program holds it locked") == true)
            #expect(log.visibleSeq == -1)
            try database.execute(sql: "ROLLBACK")
        }
        watcher.wait(for: log, through: 1)
        #expect(faults.next() == nil)
        try other.close()
        try store.stop()
    }

    @Test func `a commit that was stored although it was said to have failed is repeated over itself`() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        let log = newLog(1)
        log.append([[1], [2]], to: store)
        try store.write { database in
            // The rows of the commit, as if SQLite had failed behind it.
            var writer = ExecutionWriter()
            let statements = try writer.prepare(database, isRepeated: false)
            let twin = newLog(2)
            _ = twin.append(.init(), ends: []) { _ in }
            try writer.write(twin.unstored(), statements)
        }
        let watcher = Watcher()
        store.observer = watcher
        let second = newLog(2)
        second.append([[7]], to: store)
        watcher.wait(for: second, through: 1)
        #expect(try store.records(of: second.id, after: 0, bytesMax: 10).all == [[7]])
        #expect(try store.execution(second.id)?.lastSeq == 1)
        try store.stop()
    }
}
