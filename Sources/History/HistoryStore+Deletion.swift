import Executions
import GRDB

extension HistoryStore {
    package func deleteExecution(_ id: ExecutionID) throws(StoreError) -> ExecutionDeletion {
        guard let summary = try execution(id) else { return .unknown }
        let deletions = deletions
        return try write { database in
            let sql = "SELECT graph_key, status FROM executions WHERE id = ? AND id_low = ?"
            let row = try Row.fetchOne(database, sql: sql, arguments: [id.rowID, Int64(bitPattern: id.low)])
            guard let row else { return .unknown }
            let (graphKey, code): (Int64, Int) = (row[0], row[1])
            guard ExecutionStatus(storedCode: code)?.isFinished == true else { return .unfinished }
            try database.removeExecution(id.rowID)
            var changes = BlockChanges()
            try changes.remove(id.rowID, graphKey: graphKey, status: code, database)
            try changes.write(database)
            deletions.add()
            return .deleted(summary)
        }
    }
}
