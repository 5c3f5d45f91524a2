import Executions
import GRDB
import GRDBSQLite
import Testing

@testable import History

@Suite struct ExecutionListTests {
    private static let statuses: [ExecutionStatus] = [
        .success, .success, .error, .running, .failed, .success, .cancelled,
    ]

    /// More than wait for their blocks, so that lists have an indexed and an unindexed part.
    private func filledStore(_ count: Int = ExecutionWriter.unindexedMax * 2 + 300) throws -> (
        HistoryStore, [ExecutionSummary]
    ) {
        let store = HistoryStore(.memory)
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        let logs = (0..<count).map { number in
            newLog(Int64(number * 2), graphID: "graph-\(number % 3)", status: Self.statuses[number % 7])
        }
        for chunk in stride(from: 0, to: count, by: 500) {
            for log in logs[chunk..<min(chunk + 500, count)] { log.append([[1]], to: store) }
            watcher.wait(for: logs[min(chunk + 500, count) - 1], through: 1)
        }
        return (store, logs.map(\.summary).reversed())
    }

    @Test func `every combination of filters gives what filtering by hand gives`() throws {
        let (store, all) = try filledStore()
        let middle = all[all.count / 3]
        for graphID in [nil, "graph-1", "unknown"] {
            for status in [nil] + ExecutionStatus.allCases.map(Optional.some) {
                for before in [nil, middle.id] {
                    for since in [nil, all[all.count / 2].createdAtMicroseconds] {
                        for until in [nil, middle.createdAtMicroseconds] {
                            let query = ExecutionQuery(
                                graphID: graphID, status: status, sinceMicroseconds: since, untilMicroseconds: until,
                                before: before, limit: 470)
                            let expected = Array(all.lazy.filter { query.matches($0) }.prefix(query.limit))
                            #expect(try store.executions(query) == expected, "\(query)")
                        }
                    }
                }
            }
        }
        try store.stop()
    }

    @Test(arguments: [nil, "graph-2", "unknown"], [nil, ExecutionStatus.success])
    func `any part of a list is found by how many come before it`(
        graphID: String?, status: ExecutionStatus?
    ) throws {
        let (store, all) = try filledStore()
        var query = ExecutionQuery(graphID: graphID, status: status, limit: 41)
        let expected = all.filter { query.matches($0) }
        // Within what is in no block yet, around where blocks begin, within blocks, at the end and beyond it.
        for skipped in [0, 1, 7] + stride(from: 150, through: expected.count + 50, by: 59) {
            query.skipped = skipped
            #expect(try store.executions(query) == Array(expected.dropFirst(skipped).prefix(41)), "\(skipped)")
        }
        if status == nil { #expect(try store.executionCount(ofGraph: graphID) == expected.count) }
        try store.stop()
    }

    @Test(arguments: [nil, "graph-2"], [nil, ExecutionStatus.success])
    func `pages by cursor give each execution once, newest first`(graphID: String?, status: ExecutionStatus?) throws {
        let (store, all) = try filledStore()
        var paged: [ExecutionSummary] = []
        while true {
            let query = ExecutionQuery(graphID: graphID, status: status, before: paged.last?.id, limit: 37)
            let page = try store.executions(query)
            if page.isEmpty { break }
            paged += page
        }
        #expect(paged == all.filter { ExecutionQuery(graphID: graphID, status: status).matches($0) })
        try store.stop()
    }

    @Test func `an execution that changes its status moves from one list to another, indexed or not`() throws {
        let (store, all) = try filledStore()
        let watcher = Watcher()
        store.observer = watcher
        for summary in [all[0], all[all.count - 4]] where summary.status == .running || summary.id == all[0].id {
            let log = EventLog(stored: summary, graph: anyGraph)
            log.append([[2]], to: store) { $0.status = .cancelled }
            watcher.wait(for: log, through: 2)
            let before = ExecutionID(high: summary.id.high + 1, low: 0)
            let cancelled = ExecutionQuery(graphID: summary.graphID, status: .cancelled, before: before, limit: 1)
            #expect(try store.executions(cancelled) == [log.summary])
            let old = ExecutionQuery(status: summary.status, before: before, limit: 1)
            #expect(try store.executions(old).first?.id != summary.id)
        }
        try store.stop()
    }

    @Test func `times bound the list also when the clock was set back`() throws {
        let store = HistoryStore(.memory)
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        // The ids go on from 1000, while the clock says 10.
        let logs = [newLog(1000), newLog(1001, createdAtMilliseconds: testEpoch + 10), newLog(1002)]
        for log in logs { log.append([[1]], to: store) }
        for log in logs { watcher.wait(for: log, through: 1) }
        let early = ExecutionQuery(untilMicroseconds: (testEpoch + 10) * 1000)
        #expect(try store.executions(early).map(\.id) == [logs[1].id])
        let late = ExecutionQuery(sinceMicroseconds: (testEpoch + 11) * 1000)
        #expect(try store.executions(late).map(\.id) == [logs[2].id, logs[0].id])
        try store.stop()
    }

    @Test func `no list scans or sorts`() throws {
        let (store, _) = try filledStore(10)
        for graphID in [nil, "graph-1"] {
            for status in [nil, ExecutionStatus.error] {
                let list = ExecutionList(ExecutionQuery(graphID: graphID, status: status))
                for (sql, table) in [(list.rows, "executions"), (ExecutionList.blocks, "execution_blocks")] {
                    let plan = try store.read { database in
                        let statement = try database.makeStatement(sql: "EXPLAIN QUERY PLAN " + sql)
                        let count = sqlite3_bind_parameter_count(statement.sqliteStatement)
                        let nothing = StatementArguments([Int?](repeating: nil, count: Int(count)))
                        return try Row.fetchAll(statement, arguments: nothing).map { $0["detail"] as String }
                    }
                    #expect(plan.contains { $0.hasPrefix("SEARCH \(table) USING") }, "\(plan)")
                    #expect(!plan.contains { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE") }, "\(plan)")
                }
            }
        }
        try store.stop()
    }
}

extension ExecutionQuery {
    fileprivate func matches(_ summary: ExecutionSummary) -> Bool {
        (graphID == nil || summary.graphID == graphID) && (status == nil || summary.status == status)
            && summary.createdAtMicroseconds >= sinceMicroseconds ?? .min
            && summary.createdAtMicroseconds <= untilMicroseconds ?? .max
            && (before == nil || summary.id < before!)
    }
}
