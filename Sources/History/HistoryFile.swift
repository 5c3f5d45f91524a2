import Executions
import GRDB
import Glibc

/// The two connections to a history: the one that writes, and the one that only reads, so that a long read never holds up a
/// commit. In memory they are the same.
struct HistoryConnections {
    let writer: DatabaseQueue
    let reader: DatabaseQueue

    /// For pages of 16 KiB: a wider row of events still lies in one page (PRAGMA page_size).
    private static let pageBytes = 16 << 10
    /// What the -wal file may keep after it was used up once (PRAGMA journal_size_limit).
    private static let walBytesMax = 16 << 20
    /// Page cache of the writing connection (PRAGMA cache_size).
    private static let cacheKiB = 16 << 10
    /// Of the reading one. What is read stands in the kernel's cache anyway. In a large history a page is hardly ever asked for
    /// twice, and costs less to copy into memory that the processor still holds: with 16 MiB, opening one execution of a
    /// million took 18.0 µs instead of 16.4. (Mapping the file takes 13.9, and the daemon's life when the disk has a fault.)
    private static let readerCacheKiB = 2 << 10
    /// For which another program may hold the file locked, with us waiting (sqlite3_busy_timeout).
    private static let busySeconds = 1.0

    /// Opens the history, and makes or migrates what is missing. A file that is not ours is left as it is.
    init(_ location: HistoryStore.Location, _ durability: HistoryStore.Durability) throws(StoreError) {
        do {
            switch location {
            case .memory:
                writer = try DatabaseQueue(configuration: Self.configuration(isReadonly: false))
                try Schema.migrator.migrate(writer)
                reader = writer
            case .file(let path):
                try HistoryJournal(historyPath: path).check()
                try Self.create(path)
                writer = try DatabaseQueue(path: path, configuration: Self.configuration(isReadonly: false))
                try writer.inDatabase { try Self.claim($0, path) }
                try writer.inDatabase { try Self.setUp($0, durability) }
                try Schema.migrator.migrate(writer)
                try writer.inDatabase { try Self.sign($0, path) }
                reader = try DatabaseQueue(path: path, configuration: Self.configuration(isReadonly: true))
                try reader.inDatabase { try Self.probe($0) }
            }
        } catch {
            throw StoreError(error, doing: "opening the history", path: location.name)
        }
    }

    /// Brings everything from the -wal file into the file itself, and lets go of both.
    func close() throws {
        if reader !== writer { try reader.close() }
        // Without effect in memory. Where it fails, on a full disk for one, the -wal file keeps all for the next start.
        _ = try? writer.inDatabase { try $0.checkpoint(.truncate) }
        try writer.close()
    }

    private static func configuration(isReadonly: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = isReadonly
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(busySeconds)
        configuration.label = isReadonly ? "history-reader" : "history-writer"
        return configuration
    }

    /// Makes the file before SQLite would, so that it is its owner's alone; SQLite gives the -wal file the same mode.
    private static func create(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw StoreError(
                "opening the history \(path) failed: \(reason); its folder must exist, and both must be writable for the"
                    + " user that the daemon runs as")
        }
        Glibc.close(descriptor)
    }

    /// Refuses a file of somebody else, or of a later version, before anything is written; marks a new one as ours.
    private static func claim(_ database: Database, _ path: String) throws {
        let applicationID = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let tableCount = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        if applicationID == 0, version == 0, tableCount == 0 {
            try database.execute(sql: "PRAGMA page_size = \(pageBytes)")
            try database.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
            return
        }
        guard applicationID == Schema.applicationID else {
            throw StoreError(
                "\(path) is a SQLite database of another application and was left as it is: move it away, or choose"
                    + " another state folder")
        }
        guard version <= Schema.version else {
            throw StoreError(
                "\(path) was written by a newer version of Millrace (its format is \(version), this version knows"
                    + " \(Schema.version)) and was left as it is: start that version, or restore a backup from before")
        }
    }

    /// Commits survive the end of the process with `synchronous = NORMAL`, and a loss of power with `FULL`, which syncs the
    /// -wal file in each of them (sqlite.org/pragma.html#pragma_synchronous). `wal_autocheckpoint` is off because the
    /// store thread checkpoints by itself, after it has told what it stored.
    private static func setUp(_ database: Database, _ durability: HistoryStore.Durability) throws {
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw StoreError("the history's file system cannot hold a WAL journal: put the state folder on a local one")
        }
        try database.execute(sql: "PRAGMA synchronous = \(durability == .power ? "FULL" : "NORMAL")")
        try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
        try database.execute(sql: "PRAGMA journal_size_limit = \(walBytesMax)")
        try database.execute(sql: "PRAGMA cache_size = -\(cacheKiB)")
        try database.execute(sql: "PRAGMA temp_store = MEMORY")
        // Debian's SQLite overwrites whatever is deleted; here it does so only where that costs no further writing.
        try database.execute(sql: "PRAGMA secure_delete = FAST")
    }

    /// Has the first page, which tells whose it is, written to the file and to the -wal file that begins now.
    private static func sign(_ database: Database, _ path: String) throws {
        // A full disk is found out by the first commit, which waits until there is space.
        if HistoryIdentity(ofHistory: path) == nil { _ = try? database.checkpoint(.passive) }
        try? database.execute(sql: "PRAGMA user_version = \(Schema.version)")
    }

    /// Damage at the ends of the big tables, where a torn copy shows first, is found at the start and not hours later.
    private static func probe(_ database: Database) throws {
        try database.execute(sql: "PRAGMA query_only = 1")
        try database.execute(sql: "PRAGMA cache_size = -\(readerCacheKiB)")
        for table in ["executions", "first_events", "later_events", "graph_revisions", "watermarks"] {
            _ = try Row.fetchOne(database, sql: "SELECT * FROM \(table) ORDER BY rowid DESC LIMIT 1")
        }
    }
}

extension HistoryStore.Location {
    /// For messages.
    var name: String {
        switch self {
        case .file(let path): path
        case .memory: "in memory"
        }
    }
}
