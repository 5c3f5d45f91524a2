import Executions
import GRDB

extension HistoryStore {
    package func deleteExecution(_ id: ExecutionID, _ reply: @escaping StoreReply<ExecutionDeletion>) {
        let deletions = deletions
        write(
            { database -> ExecutionDeletion in
                guard let found = try ExecutionList.summary(of: id, database) else { return .unknown }
                guard found.summary.status.isFinished else { return .unfinished }
                let removed = try database.removeExecution(id.rowID)
                var changes = BlockChanges()
                try changes.remove(
                    id.rowID, graphKey: found.graphKey, status: found.summary.status.storedCode, database)
                try changes.write(database)
                deletions.add(eventBytes: removed)
                return .deleted(found.summary)
            }, reply)
    }
}
