import Executions
import GRDB

extension HistoryStore {
    package func deleteExecution(_ id: ExecutionID) throws(StoreError) -> ExecutionDeletion {
        guard let summary = try execution(id) else { return .unknown }
        let deletions = deletions
        return try write { database in
            let sql = "SELECT status FROM executions WHERE id = ? AND id_low = ?"
            let code = try Int.fetchOne(
                database, sql: sql, arguments: [id.rowID, Int64(bitPattern: id.low)])
            guard let code else { return .unknown }
            guard ExecutionStatus(storedCode: code)?.isFinished == true else { return .unfinished }
            try database.removeExecution(id.rowID)
            deletions.add()
            return .deleted(summary)
        }
    }
}
