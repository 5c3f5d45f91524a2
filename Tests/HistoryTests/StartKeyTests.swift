import Executions
import Linux
import Testing

@testable import History

@Suite struct StartKeyTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }

    /// Made now: one that is older than a day is removed as soon as the store looks.
    private func start(_ key: String, _ log: EventLog, digest: [UInt8] = [1, 2]) -> KeyedStart {
        KeyedStart(
            key: StartKey(scope: "somebody /api", key: key), digest: digest, executionID: log.id,
            createdAtMicroseconds: SystemClock.wallMicroseconds())
    }

    @Test func `a key is stored with its execution, and found after a restart`() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        let log = newLog(1)
        let start = start("k", log)
        log.note(start)
        log.append([[1]], to: store)
        log.append([[2]], to: store)
        try store.stop()
        let again = HistoryStore(.file(path))
        try again.start()
        #expect(try again.start(under: start.key) == start)
        #expect(try again.start(under: StartKey(scope: "another /api", key: "k")) == nil)
        #expect(try again.start(under: StartKey(scope: "somebody /api", key: "K")) == nil)
        try again.stop()
    }

    @Test func `a key that is used again names the later execution`() throws {
        let store = HistoryStore(.file(path))
        try store.start()
        for number in 1...2 as ClosedRange<Int64> {
            let log = newLog(number)
            log.note(start("k", log, digest: [UInt8(number)]))
            log.append([[1]], to: store)
        }
        try store.stop()
        let again = HistoryStore(.file(path))
        try again.start()
        let found = try #require(try again.start(under: StartKey(scope: "somebody /api", key: "k")))
        #expect(found.digest == [2])
        #expect(found.executionID == summary(2).id)
        try again.stop()
    }
}
