import Executions
import GRDB

extension HistoryStore {
    /// A word that no two histories share.
    package func identity() throws(StoreError) -> String? {
        try read { database in try String.fetchOne(database, sql: "SELECT word FROM history_identity") }
    }
}
