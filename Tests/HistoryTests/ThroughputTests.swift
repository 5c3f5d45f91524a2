import Executions
import Foundation
import GRDB
import GRDBSQLite
import Synchronization
import Testing

@testable import History

/// How much the store costs beside SQLite itself. Off by default: run with `MILLRACE_MEASURE=1 swift test -c release
/// -Xswiftc -enable-testing --filter ThroughputTests`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["MILLRACE_MEASURE"] != nil))
struct ThroughputTests {
    private static let count = 60_000
    private static let records = (0..<12).map { [UInt8](repeating: UInt8($0), count: 60) }
    private let folder = TemporaryFolder()

    @Test(arguments: [10, 50, 500]) func `short executions, against bare SQLite with the same batches`(batch: Int)
        throws
    {
        let bare = try cpuSeconds { try storeBare(batch: batch, isIndexed: false) }
        let bareIndexed = try cpuSeconds { try storeBare(batch: batch, isIndexed: true) }
        let ours = try storeOurs(batch: batch)
        print(
            "batch \(batch): \(microseconds(ours)) µs per execution, \(Int(Double(Self.count) / ours)) a second;"
                + " bare SQLite \(microseconds(bare)) µs, with the indexes of the lists \(microseconds(bareIndexed))")
    }

    private func microseconds(_ seconds: Double) -> Double {
        (seconds / Double(Self.count) * 1e8).rounded() / 100
    }

    private func storeOurs(batch: Int) throws -> Double {
        let store = HistoryStore(.file(folder.path("ours.db")))
        let next = Mutex(0)
        let logs = (0..<Self.count).map { number in
            let log = newLog(
                Int64(number), graphID: "graph-\(number % 10)", status: number % 20 == 0 ? .error : .success)
            log.append(Self.records, to: HistoryStore(.memory)) { $0.endedAtMicroseconds = 1_790_000_000_000_000 }
            return log
        }
        let isDone = DispatchSemaphore(value: 0)
        let feeder = Feeder { [weak store] in
            let range = next.withLock { next in
                defer { next = min(next + batch, logs.count) }
                return next..<min(next + batch, logs.count)
            }
            if range.isEmpty { isDone.signal() }
            for index in range { store?.logHasGrown(logs[index]) }
        }
        store.observer = feeder
        feeder.logsBecameVisible([])
        return try cpuSeconds {
            try store.start()
            isDone.wait()
            try store.stop()
        }
    }

    /// The same insert per execution, by SQLite's own calls.
    private func storeBare(batch: Int, isIndexed: Bool) throws {
        var opened: OpaquePointer?
        sqlite3_open(folder.path("bare-\(isIndexed).db"), &opened)
        let database = try #require(opened)
        let setUp = """
            PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
            PRAGMA wal_autocheckpoint = 150;
            CREATE TABLE executions(id INTEGER PRIMARY KEY, b, c, d, e, f, g, h, i, j, k, lengths, records, l, m, n);
            """
        #expect(sqlite3_exec(database, setUp, nil, nil, nil) == SQLITE_OK)
        let index = "CREATE INDEX by_graph ON executions(c, h); CREATE INDEX by_status ON executions(h);"
        if isIndexed { sqlite3_exec(database, index, nil, nil, nil) }
        func prepare(_ sql: String) -> OpaquePointer? {
            var statement: OpaquePointer?
            sqlite3_prepare_v2(database, sql, -1, &statement, nil)
            return statement
        }
        func run(_ statement: OpaquePointer?) {
            precondition(sqlite3_step(statement) == SQLITE_DONE)
            sqlite3_reset(statement)
        }
        let begin = prepare("BEGIN IMMEDIATE")
        let commit = prepare("COMMIT")
        let execution = prepare("INSERT INTO executions VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
        let records = Array(Self.records.joined())
        let lengths = [UInt8](repeating: 60, count: 12)
        for number in 0..<Self.count {
            if number % batch == 0 { run(begin) }
            let id = (testEpoch + Int64(number)) << 12
            sqlite3_bind_int64(execution, 1, id)
            sqlite3_bind_int64(execution, 2, .min + Int64(number))
            for index in 3...7 { sqlite3_bind_int64(execution, Int32(index), Int64(number % 10)) }
            sqlite3_bind_int64(execution, 8, number % 20 == 0 ? 3 : 2)
            for index in 9...10 { sqlite3_bind_int64(execution, Int32(index), 1_790_000_000_000_000) }
            sqlite3_bind_int64(execution, 11, 12)
            lengths.withUnsafeBytes { _ = sqlite3_bind_blob64(execution, 12, $0.baseAddress, UInt64($0.count), nil) }
            records.withUnsafeBytes { _ = sqlite3_bind_blob64(execution, 13, $0.baseAddress, UInt64($0.count), nil) }
            run(execution)
            if number % batch == batch - 1 { run(commit) }
        }
        for statement in [begin, commit, execution] { sqlite3_finalize(statement) }
        #expect(sqlite3_close(database) == SQLITE_OK)
    }

    @Test func `lists and reads of a million executions, against a thousand`() throws {
        for count in [1000, 1_000_000] {
            let store = HistoryStore(.file(folder.path("\(count).db")))
            let watcher = Watcher()
            store.observer = watcher
            try store.start()
            for start in stride(from: 0, to: count, by: 10_000) {
                let logs = (start..<min(start + 10_000, count)).map { number in
                    newLog(Int64(number), graphID: "g\(number % 10)", status: number % 1000 == 7 ? .failed : .success)
                }
                for log in logs { log.append([Self.records[0]], to: store) }
                for log in logs.suffix(1) { watcher.wait(for: log, through: 1) }
            }
            let middle = newLog(Int64(count / 2)).id
            let queries: [(String, ExecutionQuery)] = [
                ("all", ExecutionQuery()),
                ("old page", ExecutionQuery(before: middle)),
                ("graph", ExecutionQuery(graphID: "g7")),
                ("status", ExecutionQuery(status: .failed)),
                ("graph and status", ExecutionQuery(graphID: "g7", status: .failed, before: middle)),
                ("none", ExecutionQuery(status: .running)),
                ("times", ExecutionQuery(untilMicroseconds: (testEpoch + Int64(count / 3)) * 1000)),
            ]
            for (name, query) in queries {
                let seconds = try cpuSeconds { for _ in 0..<20 { _ = try store.executions(query) } }
                print("\(count) executions, \(name): \(Int(seconds / 20 * 1e6)) µs")
            }
            let seconds = try cpuSeconds {
                for number in 0..<1000 {
                    let id = newLog(Int64(number * count / 1000)).id
                    _ = try store.execution(id)
                    _ = try store.records(of: id, after: 0, bytesMax: 65536)
                }
            }
            print("\(count) executions, open and read one: \(Int(seconds * 1000)) µs")
            try store.stop()
        }
    }

    /// Announces the next batch when one is stored.
    private final class Feeder: ExecutionStoreObserver {
        private let announce: @Sendable () -> Void

        init(_ announce: @escaping @Sendable () -> Void) {
            self.announce = announce
        }

        func logsBecameVisible(_ logs: [EventLog]) { announce() }
    }

    /// Of all threads.
    private func cpuSeconds(_ body: () throws -> Void) rethrows -> Double {
        var start = timespec()
        var end = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start)
        try body()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end)
        return Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) / 1e9
    }
}
