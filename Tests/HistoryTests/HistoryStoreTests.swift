import Executions
import Foundation
import GRDB
import Synchronization
import Testing

@testable import History

@Suite struct HistoryStoreTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }

    @Test func `an execution and its events can be read after a restart`() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        let log = newLog(1)
        log.append([[1, 2, 3], [4]], to: store) { $0.startedAtMicroseconds = 17 }
        log.append([[5, 6]], to: store) { summary in
            summary.status = .error
            summary.endedAtMicroseconds = 18
            summary.durationMicroseconds = 19
            summary.failedNodes = ["a", "b"]
            summary.error = "it \"broke\"\n"
        }
        try store.stop()

        let again = HistoryStore(.file(path))
        try again.start()
        #expect(try again.execution(log.id) == log.summary)
        let slice = try again.records(of: log.id, after: 0, bytesMax: 100)
        #expect(slice.firstSeq == 1)
        #expect(slice.all == [[1, 2, 3], [4], [5, 6]])
        #expect(try again.lastRowID() == log.id.rowID)
        try again.stop()
    }
}
