import Executions
import Foundation
import GRDB
import JSON
import Testing

@testable import History

@Suite struct ScopeIndexTests {
    private let folder = TemporaryFolder()
    private var path: String { folder.path("history.db") }
    private let map = NodeRef(scope: 0, rank: 0)

    private func opened(_ index: Int, scope: Int32, topology: ScopeTopology = .nested) -> EventRecord.Body {
        .scopeOpened(
            ScopeOpening(
                scope: scope, rank: 0, attempt: 1, index: index, topology: topology, state: ScopeState(hasInput: true)))
    }

    private func closed(_ index: Int, scope: Int32, _ status: NodeStatus = .success) -> EventRecord.Body {
        .scopeClosed(
            ScopeClosing(
                scope: scope, rank: 0, attempt: 1, index: index, status: status, durationMicroseconds: 7,
                value: status == .success ? 1 : nil, failure: status == .error ? NodeFailure("broken") : nil))
    }

    private func encoded(_ body: EventRecord.Body, at time: Int64) -> [UInt8] {
        var writer = ByteWriter()
        EventRecord(timestampMicroseconds: time, body: body).encode(to: &writer)
        return writer.bytes
    }

    /// Stores records in these commits, and hands over the store.
    private func store(
        _ commits: [[EventRecord.Body]], _ body: (HistoryStore, EventLog) throws -> Void
    ) throws {
        let store = HistoryStore(.file(path))
        let watcher = Watcher()
        store.observer = watcher
        try store.start()
        let log = newLog(1)
        var seq = 0
        for commit in commits {
            let records = commit.enumerated().map { encoded($1, at: Int64(seq + $0 + 1)) }
            seq += commit.count
            log.append(records, hasScopes: true, to: store) { summary in
                if case .complete(let status, _, _) = commit.last { summary.status = status }
            }
            watcher.wait(for: log, through: seq)
        }
        try body(store, log)
        try store.stop()
    }

    @Test func `a scope is found by its place, open or closed, whatever the commits were`() throws {
        let story = [
            opened(0, scope: 1), opened(1, scope: 2), closed(1, scope: 2, .error), closed(0, scope: 1),
            opened(1, scope: 3), .nodeStart(rank: 0, attempt: 1), opened(2, scope: 4),
        ]
        for size in 1...story.count {
            let commits = stride(from: 0, to: story.count, by: size).map {
                Array(story[$0..<min($0 + size, story.count)])
            }
            try FileManager.default.removeItemIfThere(path)
            try store(commits) { store, log in
                let first = try store.scope(of: log.id, at: ScopePlace(map, index: 0))
                #expect(first?.scope == 1 && first?.status == .success, "commits of \(size)")
                #expect(first?.firstSeq == 1 && first?.lastSeq == 4)
                let again = try store.scope(of: log.id, at: ScopePlace(map, index: 1))
                #expect(again?.scope == 3 && again?.status == nil, "commits of \(size)")
                #expect(again?.firstSeq == 2 && again?.lastSeq == nil, "it goes on where the failed one began")
                #expect(try store.scope(of: log.id, at: ScopePlace(map, index: 9)) == nil)
            }
        }
    }

    @Test func `scopes are listed by index, a page at a time, and by how they stand`() throws {
        var story: [EventRecord.Body] = []
        for index in 0..<25 {
            story.append(opened(index, scope: Int32(index + 1)))
            story.append(closed(index, scope: Int32(index + 1), index % 5 == 0 ? .error : .success))
        }
        try store([story]) { store, log in
            var page = try store.scopes(of: log.id, in: map, ScopeQuery(limit: 10))
            #expect(page.scopes.compactMap(\.index) == Array(0..<10))
            page = try store.scopes(of: log.id, in: map, ScopeQuery(after: page.next ?? -1, limit: 20))
            #expect(page.scopes.compactMap(\.index) == Array(10..<25))
            #expect(page.next == nil)
            page = try store.scopes(of: log.id, in: map, ScopeQuery(progress: .error, limit: 10))
            #expect(page.scopes.compactMap(\.index) == [0, 5, 10, 15, 20])
            #expect(page.scopes.first?.error == "broken")
            #expect(try store.scopes(of: log.id, in: NodeRef(scope: 1, rank: 0), ScopeQuery()).scopes.isEmpty)
        }
    }

    @Test func `with an execution go its scopes`() throws {
        var story: [EventRecord.Body] = []
        for index in 0..<900 {
            story.append(opened(index, scope: Int32(index + 1)))
            story.append(closed(index, scope: Int32(index + 1)))
        }
        try store([story, [.complete(.success, durationMicroseconds: 1, failedRanks: [])]]) { store, log in
            guard case .deleted = try store.deleteExecution(log.id) else { return #expect(Bool(false)) }
        }
        let queue = try DatabaseQueue(path: path)
        let news = RetentionNews()
        var retention = Retention(
            RetentionPolicy(RetentionLimits()), DeletionCount(), uses: GraphUses(), news: news
        ) { 0 }
        repeat {
            try queue.inDatabase { try retention.run($0) }
        } while retention.waitMilliseconds() <= Retention.pauseMilliseconds
        #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM scopes") } == 0)
        #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM deleted_executions") } == 0)
    }
}

extension FileManager {
    fileprivate func removeItemIfThere(_ path: String) throws {
        for name in [path, path + "-wal", path + "-shm"] where fileExists(atPath: name) { try removeItem(atPath: name) }
    }
}
