import Executions
import Foundation
import Graphs
import History
import JSON
import Synchronization
import Testing

@testable import Server

@Suite struct GraphCatalogTests {
    /// A store beside which somebody else changes graphs.
    private final class SharedStore: GraphStore {
        let own: HistoryStore
        private let rival = Mutex<(@Sendable (HistoryStore) -> Void)?>(nil)

        init() throws {
            own = HistoryStore(.memory)
            try own.start()
        }

        /// Called before each change, which it may come before.
        func interfere(_ action: (@Sendable (HistoryStore) -> Void)?) { rival.withLock { $0 = action } }

        func currentGraphs() throws(StoreError) -> [StoredGraph] { try own.currentGraphs() }
        func graph(_ id: String, revision: Int) throws(StoreError) -> StoredGraph? {
            rival.withLock { $0 }?(own)
            return try own.graph(id, revision: revision)
        }
        func text(ofGraph id: String, revision: Int) throws(StoreError) -> [UInt8]? {
            try own.text(ofGraph: id, revision: revision)
        }
        func graphHeads() throws(StoreError) -> [String: GraphHead] { try own.graphHeads() }
        func revisions(ofGraph id: String) throws(StoreError) -> [GraphRevisionSummary] {
            try own.revisions(ofGraph: id)
        }
        func loadedFiles() throws(StoreError) -> [String: String] { try own.loadedFiles() }

        func put(_ graph: NewGraph, expecting: Int, _ reply: @escaping StoreReply<GraphChange>) {
            rival.withLock { $0 }?(own)
            own.put(graph, expecting: expecting, reply)
        }

        func deleteGraph(
            _ id: String, expecting: Int, atMicroseconds time: Int64, _ reply: @escaping StoreReply<GraphChange>
        ) {
            // From the store's own thread a rival cannot wait for the store.
            own.deleteGraph(id, expecting: expecting, atMicroseconds: time, reply)
        }
    }

    private let store: SharedStore
    private let catalog: GraphCatalog
    private let lane = BlockingLane(name: "test", threads: 2, jobsMax: 100)

    init() throws {
        store = try SharedStore()
        catalog = GraphCatalog(store: store, compiler: OneKindCompiler(), clock: WallClock(), folder: nil)
        try lane.start()
    }

    private func content(_ id: String, _ name: String = "n") throws -> GraphRevisionContent {
        try catalog.validate(
            Array(#"{"id":"\#(id)","name":"\#(name)","nodes":[{"id":"a","kind":"noop"}]}"#.utf8), format: .json)
    }

    private func put(
        _ id: String, _ name: String = "n", expecting: Int? = nil
    ) async throws -> Result<GraphCatalog.Change, GraphCatalog.ChangeError> {
        let content = try content(id, name)
        return await withCheckedContinuation { continuation in
            catalog.put(content, expecting: expecting, on: lane) { continuation.resume(returning: $0) }
        }
    }

    private func delete(_ id: String) async -> Result<Void, GraphCatalog.ChangeError> {
        await withCheckedContinuation { continuation in
            catalog.delete(id, expecting: nil) { continuation.resume(returning: $0) }
        }
    }

    /// Somebody else's change, behind the catalog's back.
    private static func rivalPut(_ id: String, in store: HistoryStore) {
        let head = (try? store.graphHeads()[id]) ?? nil
        let document = JSONText(trusted: Array(#"{"id":"\#(id)","nodes":[{"id":"r","kind":"noop"}]}"#.utf8))
        let new = NewGraph(id: id, document: document, files: GraphFiles(), folder: nil, createdAtMicroseconds: 1)
        _ = try? waited { store.put(new, expecting: head?.revision ?? 0, $0) } as GraphChange
    }

    private func expectWhole() throws {
        #expect(try catalog.checkInvariants() == [])
    }

    @Test func `numbers rise across changes and deletions, and the catalog has the store's`() async throws {
        #expect(try await put("g").get().isNew)
        #expect(try await !put("g").get().isNew)
        try await delete("g").get()
        #expect(catalog.current("g") == nil && catalog.currentNumber("g") == 0)
        guard case .failure(.conflict(current: 0)) = await delete("g") else { return #expect(Bool(false)) }
        let again = try await put("g", expecting: 0).get()
        #expect(again.isNew && again.revision.identity.revision == 4)
        try expectWhole()
    }

    @Test func `a change that expects another revision is a conflict, with the one there is`() async throws {
        _ = try await put("g").get()
        guard case .failure(.conflict(current: 1)) = try await put("g", expecting: 0) else {
            return #expect(Bool(false))
        }
        guard case .failure(.conflict(current: 1)) = try await put("g", expecting: 2) else {
            return #expect(Bool(false))
        }
        #expect(try await put("g", expecting: 1).get().revision.identity.revision == 2)
        try expectWhole()
    }

    @Test func `who comes second reads the number anew, and who always comes second is told after three tries`()
        async throws
    {
        _ = try await put("g").get()
        let tries = Mutex(0)
        store.interfere { store in
            let number = tries.withLock { tries in
                tries += 1
                return tries
            }
            if number <= 2 { Self.rivalPut("g", in: store) }
        }
        #expect(try await put("g", "late").get().revision.identity.revision == 4)
        #expect(tries.withLock { $0 } == 3)
        store.interfere { Self.rivalPut("g", in: $0) }
        guard case .failure(.contended) = try await put("g") else { return #expect(Bool(false)) }
        store.interfere(nil)
        _ = try catalog.load()
        #expect(catalog.currentNumber("g") == 7)
        try expectWhole()
    }

    @Test func `what was expected and is no more is a conflict, not another try`() async throws {
        _ = try await put("g").get()
        store.interfere { Self.rivalPut("g", in: $0) }
        guard case .failure(.conflict(current: 2)) = try await put("g", expecting: 1) else {
            return #expect(Bool(false))
        }
    }

    @Test func `a graph that is deleted while a reload compiles it does not come back`() async throws {
        _ = try await put("g").get()
        Self.rivalPut("g", in: store.own)
        let isDeleted = Mutex(false)
        let isDone = DispatchSemaphore(value: 0)
        store.interfere { [catalog] _ in
            guard isDeleted.withLock({ if $0 { return false } else { $0 = true; return true } }) else { return }
            catalog.delete("g", expecting: nil) { _ in isDone.signal() }
            isDone.wait()
        }
        #expect(try catalog.load() == [])
        #expect(catalog.current("g") == nil)
        #expect(try store.own.graphHeads() == ["g": GraphHead(revision: 3, isDeletion: true)])
        store.interfere(nil)
        try expectWhole()
        #expect(try await put("g").get().revision.identity.revision == 4)
    }

    @Test func `an older revision never takes the place of a newer one or of a deletion`() async throws {
        let first = try await put("g").get().revision
        _ = try await put("g").get()
        catalog.apply(GraphHead(revision: 1, isDeletion: false), id: "g", first)
        #expect(catalog.currentNumber("g") == 2)
        try await delete("g").get()
        catalog.apply(GraphHead(revision: 1, isDeletion: false), id: "g", first)
        #expect(catalog.current("g") == nil)
        try expectWhole()
    }

    @Test func `many writers and reloads at once leave what the store has`() async throws {
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<6 {
                group.addTask {
                    for round in 0..<10 {
                        switch (writer + round) % 3 {
                        case 0: _ = await self.delete("g\(round % 2)")
                        case 1: _ = try? await self.put("g\(round % 2)")
                        default: _ = try? self.catalog.load()
                        }
                    }
                }
            }
        }
        try expectWhole()
    }
}

/// The simplest compiler there can be: a kind that does nothing.
private struct OneKindCompiler: GraphCompiler {
    let kindNames = ["noop"]
    let nodeCountMax = 100
    let kindDescriptions: JSONText = []

    func schema(ofKind name: String) -> ConfigSchema? {
        name == "noop" ? try? ConfigSchema(JSONText(parsing: #"{"type":"object"}"#)) : nil
    }
    func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault] { [] }
    func fault(inCondition source: String) -> String? { nil }

    func compile(
        _ graph: Graph, identity: GraphIdentity, createdAtMicroseconds: Int64
    ) throws(GraphFaults) -> GraphRevision {
        GraphRevision(
            graph: graph, identity: identity, createdAtMicroseconds: createdAtMicroseconds, bodies: [], conditions: [])
    }
}

private final class WallClock: Executions.Clock {
    var wallMicroseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }
    var monotonicNanoseconds: UInt64 { DispatchTime.now().uptimeNanoseconds }
    func schedule(afterMilliseconds: Int64, _ action: @escaping @Sendable () -> Void) -> any ClockTimer {
        preconditionFailure("nothing is scheduled here")
    }
}
