import Executions
import GRDB
import Testing

@testable import History

@Suite struct EventReadingTests {
    private let folder = TemporaryFolder()

    /// A log in commits of 1, 2, 3… records, in the store alone.
    private func store(_ records: [[UInt8]]) throws -> (store: HistoryStore, log: EventLog) {
        let store = HistoryStore(.file(folder.path("history.db")))
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        let log = newLog(1)
        var count = 0
        while count < records.count {
            let next = min(count + watcher.commitSizes.count + 1, records.count)
            log.append(Array(records[count..<next]), to: store)
            watcher.wait(for: log, through: next)
            count = next
        }
        return (store, log)
    }

    @Test func `a log in many rows reads back identically after every event and with every limit`() throws {
        let records = (0..<40).map { [UInt8](repeating: UInt8($0), count: $0 % 7 * 30) }
        let (store, log) = try store(records)
        for after in 0...records.count {
            for limit in [0, 1, 29, 30, 31, 179, 180, 181, 500, 10_000] {
                let slice = try store.records(of: log.id, after: after, bytesMax: limit)
                let expected = expected(records, after: after, bytesMax: limit)
                #expect(slice.firstSeq == after + 1)
                #expect(slice.all == expected, "after \(after), limit \(limit)")
                #expect(slice.records.count == slice.ends.last ?? 0)
            }
        }
        try store.stop()
    }

    @Test func `a limit is exact at a row's end, and one record past it is not given`() throws {
        let (store, log) = try store([[1, 1, 1], [2, 2], [2, 2]])
        #expect(try store.records(of: log.id, after: 0, bytesMax: 7).ends == [3, 5, 7])
        #expect(try store.records(of: log.id, after: 0, bytesMax: 6).ends == [3, 5])
        #expect(try store.records(of: log.id, after: 0, bytesMax: 3).ends == [3])
        #expect(try store.records(of: log.id, after: 0, bytesMax: 2).ends == [3])
        try store.stop()
    }

    @Test func `reading behind the last event gives nothing`() throws {
        let (store, log) = try store([[1], [2]])
        for after in [2, 3, 1000] {
            let slice = try store.records(of: log.id, after: after, bytesMax: 100)
            #expect(slice.ends.isEmpty && slice.records.isEmpty && slice.firstSeq == after + 1)
        }
        try store.stop()
    }

    @Test(arguments: [EventRow.bytesMax - 1, EventRow.bytesMax, EventRow.bytesMax + 1, 3 * EventRow.bytesMax])
    func `records of any length share rows or have their own, and read back`(length: Int) throws {
        let records = [[9], [UInt8](repeating: 1, count: length), [8], [UInt8](repeating: 2, count: length), [7, 7]]
        let store = HistoryStore(.file(folder.path("history.db")))
        let log = newLog(1)
        log.append(records, to: store)
        try store.start()
        let watcher = Watcher()
        store.observer = watcher
        let second = newLog(2)
        second.append([[1]], to: store)
        watcher.wait(for: second, through: 1)
        #expect(try store.records(of: log.id, after: 0, bytesMax: .max).all == records)
        #expect(try store.records(of: log.id, after: 3, bytesMax: 0).all == [records[3]])
        #expect(try store.records(of: log.id, after: 2, bytesMax: length + 1).all == [records[2], records[3]])
        try store.stop()
    }

    @Test(arguments: [ExecutionWriter.shortEventsBytesMax, ExecutionWriter.shortEventsBytesMax + 1], [true, false])
    func `the events of a short execution lie in its row, those of others elsewhere`(bytes: Int, isOver: Bool) throws {
        let records = [[1], [UInt8](repeating: 2, count: bytes - 3), [3, 3]]
        let store = HistoryStore(.file(folder.path("history.db")))
        let watcher = Watcher()
        store.observer = watcher
        let log = newLog(1, status: isOver ? .success : .running)
        log.append(records, to: store) { summary in
            summary.attempt = 1
            summary.startedAtMicroseconds = 5
            summary.endedAtMicroseconds = isOver ? 7 : nil
            summary.durationMicroseconds = isOver ? 2 : nil
        }
        try store.start()
        watcher.wait(for: log, through: 3)
        let isShort = isOver && bytes <= ExecutionWriter.shortEventsBytesMax
        let counts = try store.read { database in
            try ["executions WHERE records IS NOT NULL", "first_events"].map { place in
                try Int.fetchOne(database, sql: "SELECT count(*) FROM \(place)")
            }
        }
        #expect(counts == (isShort ? [1, 0] : [0, 1]))
        for after in 0...3 {
            for limit in [0, 1, bytes - 2, bytes - 1, bytes] {
                #expect(
                    try store.records(of: log.id, after: after, bytesMax: limit).all
                        == expected(records, after: after, bytesMax: limit))
            }
        }
        #expect(try store.execution(log.id) == log.summary)
        try store.stop()
    }

    private func expected(_ records: [[UInt8]], after: Int, bytesMax: Int) -> [[UInt8]] {
        var taken: [[UInt8]] = []
        var bytes = 0
        for record in records.dropFirst(after) {
            bytes += record.count
            if bytes > bytesMax, !taken.isEmpty { break }
            taken.append(record)
        }
        return taken
    }
}
