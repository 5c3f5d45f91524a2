import Executions
import Foundation
import GRDB
import Synchronization
import Testing

@testable import History

@Suite struct HistoryFileTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }

    private func refusal(_ path: String) throws -> String {
        let store = HistoryStore(.file(path))
        let error = #expect(throws: StoreError.self) { try store.start() }
        return try #require(error).message
    }

    private func contents() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    private func makeHistory() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        for number in 0..<200 { newLog(Int64(number)).append([[UInt8](repeating: 1, count: 2000)], to: store) }
        try store.stop()
    }

    @Test func `the file and its journal are their owner's alone`() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
        }
        try store.stop()
    }

    @Test(arguments: ["hello, this is a text file\n", String(repeating: "x", count: 100_000)])
    func `a file that is no database is refused and left alone`(text: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        #expect(try refusal(path).contains("not a SQLite database"))
        #expect(try contents() == Data(text.utf8))
    }

    @Test func `a database of another application is refused and left alone`() throws {
        let other = try DatabaseQueue(path: path)
        try other.inDatabase { try $0.execute(sql: "CREATE TABLE recipes(name)") }
        try other.close()
        let before = try contents()
        #expect(try refusal(path).contains("another application"))
        #expect(try contents() == before)
    }

    @Test func `a file of a newer version is refused and left alone`() throws {
        try makeHistory()
        let other = try DatabaseQueue(path: path)
        try other.inDatabase { try $0.execute(sql: "PRAGMA user_version = \(Schema.version + 1)") }
        _ = try other.inDatabase { try $0.checkpoint(.truncate) }
        try other.close()
        let before = try contents()
        #expect(try refusal(path).contains("newer version of Millrace"))
        #expect(try contents() == before)
    }

    @Test func `a file that was cut off is refused and left alone`() throws {
        try makeHistory()
        let whole = try contents()
        let cut = whole.prefix(whole.count / 2)
        try cut.write(to: URL(fileURLWithPath: path))
        #expect(try refusal(path).contains("damaged"))
        #expect(try contents() == cut)
    }

    @Test func `a file whose tables are overwritten is refused`() throws {
        try makeHistory()
        var bytes = try contents()
        for index in (16 << 10)..<bytes.count { bytes[index] = 0xA5 }
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(try refusal(path).contains("damaged"))
    }

    @Test func `a folder that is missing, or a folder in place of the file, is named with what to do`() throws {
        let missing = folder.path("missing/history.db")
        #expect(try refusal(missing).contains("\(missing) failed: No such file or directory; its folder must exist"))
        #expect(try refusal(folder.path).contains("Is a directory"))
    }

    @Test func `the pages are 16 KiB, and the file says whose it is`() throws {
        try makeHistory()
        let database = try DatabaseQueue(path: path)
        try database.inDatabase { database throws in
            #expect(try Int.fetchOne(database, sql: "PRAGMA page_size") == 16384)
            #expect(try Int32.fetchOne(database, sql: "PRAGMA application_id") == Schema.applicationID)
            #expect(try Int.fetchOne(database, sql: "PRAGMA user_version") == Schema.version)
            #expect(try String.fetchOne(database, sql: "PRAGMA integrity_check") == "ok")
        }
    }

    @Test func `every migration is applied once`() throws {
        try makeHistory()
        try makeHistoryAgain()
        let database = try DatabaseQueue(path: path)
        let applied = try database.read { try String.fetchAll($0, sql: "SELECT identifier FROM grdb_migrations") }
        #expect(applied == ["v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"])
    }

    private func makeHistoryAgain() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        #expect(try store.executions(ExecutionQuery(limit: 500)).count == 200)
        try store.stop()
    }

    @Test func `power keeps each commit on the disk, process leaves it to the system`() throws {
        for (durability, synchronous) in [(HistoryStore.Durability.power, 2), (.process, 1)] {
            let store = HistoryStore(.file(path), durability: durability)
            try store.start()
            #expect(try store.write { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == synchronous)
            #expect(try store.read { try Int.fetchOne($0, sql: "PRAGMA query_only") } == 1)
            try store.stop()
        }
    }

    @Test func `the journal stays small however much is stored`() throws {
        let store = HistoryStore(.file(path))
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        for number in 0..<300 {
            let log = newLog(Int64(number))
            log.append([[UInt8](repeating: 1, count: 100_000)], to: store)
            watcher.wait(for: log, through: 1)
        }
        let size = try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int ?? 0
        #expect(size < 4 * Int(CommitLoop.checkpointPages) * 16 << 10)
        try store.stop()
    }
}
