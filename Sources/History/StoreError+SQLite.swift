import Executions
import GRDB

extension StoreError {
    /// What an error of SQLite means for the operator: what failed, on which file, and what to do.
    init(_ error: any Error, doing what: String, path: String) {
        if let error = error as? StoreError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init("\(what) \(path) failed: \(error)")
            return
        }
        self.init("\(what) \(path) failed: \(error.message ?? error.resultCode.description)\(Self.advice(error, path))")
    }

    private static func advice(_ error: DatabaseError, _ path: String) -> String {
        switch error.resultCode {
        case .SQLITE_FULL:
            "; free some space on its file system, and storing goes on by itself"
        case .SQLITE_NOTADB:
            "; it is not a SQLite database and was left as it is: move it away, or choose another state folder"
        case .SQLITE_CORRUPT:
            "; the file is damaged and was left as it is: restore a backup, save what can be read of it with"
                + " `sqlite3 \(path) .recover | sqlite3 NEW-FILE`, or move it away together with its -wal and -shm files to"
                + " begin a new history"
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
            "; the file and its folder must be writable for the user that the daemon runs as"
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            "; another program holds it locked: close that program"
        case .SQLITE_IOERR:
            " (\(error.extendedResultCode)); the file system or its disk does not work as it should, or a limit of file sizes"
                + " (ulimit -f) is reached"
        default:
            ""
        }
    }
}
