// The statements of the hot path are bound and stepped by SQLite's own calls on the statement that GRDB prepared and caches:
// its argument lists and rows cost more than the statements themselves.

import GRDB
import GRDBSQLite

/// A prepared statement of one connection, used on that connection's thread. Parameters and columns count as in SQLite:
/// parameters from 1, columns from 0.
struct RawStatement {
    private let raw: OpaquePointer
    /// Keeps `raw` prepared.
    private let owner: Statement

    init(_ database: Database, _ sql: String) throws {
        owner = try database.cachedStatement(sql: sql)
        raw = owner.sqliteStatement
    }

    func bind(_ index: Int32, _ value: Int64) {
        check(sqlite3_bind_int64(raw, index, value))
    }

    func bind(_ index: Int32, _ value: Int) {
        check(sqlite3_bind_int64(raw, index, Int64(value)))
    }

    func bind(_ index: Int32, _ value: Int64?) {
        check(value.map { sqlite3_bind_int64(raw, index, $0) } ?? sqlite3_bind_null(raw, index))
    }

    func bind(_ index: Int32, text: String?) {
        guard let text else { return check(sqlite3_bind_null(raw, index)) }
        check(sqlite3_bind_text(raw, index, text, Int32(text.utf8.count), copied))
    }

    /// The bytes are not copied: they must stay in place until the statement has run.
    func bind(_ index: Int32, uncopied bytes: UnsafeRawBufferPointer) {
        check(sqlite3_bind_blob64(raw, index, bytes.baseAddress, UInt64(bytes.count), nil))
    }

    /// Runs a statement that gives no rows.
    func run() throws {
        let code = sqlite3_step(raw)
        guard code == SQLITE_DONE else { throw failure(code) }
        sqlite3_reset(raw)
    }

    /// Calls `body` for each row until it returns false.
    func forEachRow(_ body: (Row) throws -> Bool) throws {
        defer { sqlite3_reset(raw) }
        while true {
            let code = sqlite3_step(raw)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw failure(code) }
            guard try body(Row(raw: raw)) else { return }
        }
    }

    /// The row that a statement stands on; valid until it steps on.
    struct Row {
        fileprivate let raw: OpaquePointer

        func isNull(_ column: Int32) -> Bool {
            sqlite3_column_type(raw, column) == SQLITE_NULL
        }

        func int64(_ column: Int32) -> Int64 {
            sqlite3_column_int64(raw, column)
        }

        func int(_ column: Int32) -> Int {
            Int(sqlite3_column_int64(raw, column))
        }

        func optionalInt64(_ column: Int32) -> Int64? {
            isNull(column) ? nil : int64(column)
        }

        /// The bytes of a blob or a text, where SQLite holds them.
        func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
            let start = sqlite3_column_blob(raw, column)
            return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(raw, column)))
        }

        func text(_ column: Int32) -> String {
            String(decoding: bytes(column), as: UTF8.self)
        }

        func optionalText(_ column: Int32) -> String? {
            isNull(column) ? nil : text(column)
        }
    }

    private func failure(_ code: Int32) -> DatabaseError {
        let message = String(cString: sqlite3_errmsg(sqlite3_db_handle(raw)))
        sqlite3_reset(raw)
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }

    /// Binding fails only for a parameter that the statement does not have, or a value beyond SQLite's 1 GB.
    private func check(_ code: Int32) {
        precondition(code == SQLITE_OK, "a parameter exists and its value has a length that SQLite takes")
    }

    /// SQLITE_TRANSIENT, a cast that C macros cannot carry over.
    private var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}

extension Database {
    /// Runs `body` in a transaction of its own (BEGIN IMMEDIATE), which is rolled back when it throws.
    func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try RawStatement(self, "BEGIN IMMEDIATE").run()
        do {
            let result = try body()
            try RawStatement(self, "COMMIT").run()
            return result
        } catch {
            // Some failures (SQLITE_FULL, SQLITE_IOERR) have rolled back already: lang_transaction.html.
            if isInsideTransaction { try RawStatement(self, "ROLLBACK").run() }
            throw error
        }
    }

    /// Runs `body` inside of a transaction, so that what it has done is undone when it throws, and nothing else.
    func savepoint<Result>(_ body: () throws -> Result) throws -> Result {
        try RawStatement(self, "SAVEPOINT part").run()
        do {
            let result = try body()
            try RawStatement(self, "RELEASE part").run()
            return result
        } catch {
            if isInsideTransaction {
                try RawStatement(self, "ROLLBACK TO part").run()
                try RawStatement(self, "RELEASE part").run()
            }
            throw error
        }
    }

    /// Runs `body` on one snapshot of the database.
    func snapshot<Result>(_ body: () throws -> Result) throws -> Result {
        try RawStatement(self, "BEGIN DEFERRED").run()
        defer { try? RawStatement(self, "COMMIT").run() }
        return try body()
    }
}
