import Executions
import Graphs
import History
import JSON
import Testing

func newGraph(
    _ id: String, _ document: String = "{}", files: [String: [UInt8]] = [:], folder: String? = nil, at time: Int64 = 0,
    loadedFrom: (fileName: String, fingerprint: String)? = nil
) -> NewGraph {
    NewGraph(
        id: id, document: JSONText(trusted: Array(document.utf8)), files: GraphFiles(files), folder: folder,
        createdAtMicroseconds: time, loadedFrom: loadedFrom)
}

extension HistoryStore {
    /// Waits for the commit; nil where another number was expected.
    @discardableResult
    func put(_ graph: NewGraph, expecting: Int) throws(StoreError) -> GraphRevisionSummary? {
        let change: GraphChange = try waited { put(graph, expecting: expecting, $0) }
        guard case .stored(let summary) = change else { return nil }
        return summary
    }

    @discardableResult
    func deleteGraph(_ id: String, expecting: Int, atMicroseconds time: Int64) throws(StoreError)
        -> GraphRevisionSummary?
    {
        let change: GraphChange = try waited { deleteGraph(id, expecting: expecting, atMicroseconds: time, $0) }
        guard case .stored(let summary) = change else { return nil }
        return summary
    }
}

@Suite struct GraphStoreTests {
    private let folder = TemporaryFolder()

    private func start() throws -> HistoryStore {
        let store = HistoryStore(.file(folder.path("history.db")))
        try store.start()
        return store
    }

    @Test func `a graph comes back as it was put, also after a restart`() throws {
        let store = try start()
        let document = #"{"id":"a","n":1.50,"s":"\u00e9é"}"#
        let files: [String: [UInt8]] = ["f.py": [1, 2, 0, 255], "empty": []]
        let put = try store.put(newGraph("a", document, files: files, folder: "/graphs", at: 77), expecting: 0)
        let expected = GraphRevisionSummary(
            graphID: "a", revision: 1, createdAtMicroseconds: 77, isDeletion: false, fileName: nil)
        #expect(put == expected)
        try store.stop()

        let again = try start()
        for stored in [try again.graph("a", revision: 1), try again.currentGraphs().first] {
            #expect(stored?.summary == expected)
            #expect(stored?.document.description == document)
            #expect(stored?.files == GraphFiles(files))
            #expect(stored?.folder == "/graphs")
        }
        try again.stop()
    }

    @Test func `what is imported comes back apart from what the document names`() throws {
        let store = try start()
        let files = GraphFiles(
            ["f.py": [1], "sub/g.py": [2]], imported: ["helper.py": [1], "sub/x.py": [3], "p/q.py": []],
            shown: ["p/q.py"])
        let new = NewGraph(id: "a", document: "{}", files: files, folder: "/graphs", createdAtMicroseconds: 1)
        _ = try store.put(new, expecting: 0)
        #expect(try store.currentGraphs().map(\.files) == [files])
        #expect(try store.graph("a", revision: 1)?.files == files)
        try store.stop()
    }

    @Test func `a put that expects another revision stores nothing`() throws {
        let store = try start()
        #expect(try store.put(newGraph("a"), expecting: 1) == nil)
        #expect(try store.put(newGraph("a"), expecting: 0)?.revision == 1)
        #expect(try store.put(newGraph("a"), expecting: 0) == nil)
        #expect(try store.put(newGraph("a"), expecting: 2) == nil)
        #expect(try store.put(newGraph("a"), expecting: 1)?.revision == 2)
        #expect(try store.revisions(ofGraph: "a").map(\.revision) == [2, 1])
        try store.stop()
    }

    @Test func `numbers go on after a delete, which is a revision without a document`() throws {
        let store = try start()
        _ = try store.put(newGraph("a", "[1]"), expecting: 0)
        #expect(try store.deleteGraph("a", expecting: 0, atMicroseconds: 5) == nil)
        #expect(try store.deleteGraph("a", expecting: 2, atMicroseconds: 5) == nil)
        let deletion = try store.deleteGraph("a", expecting: 1, atMicroseconds: 5)
        #expect(deletion?.revision == 2)
        #expect(deletion?.isDeletion == true)
        #expect(try store.currentGraphs().isEmpty)
        #expect(try store.graph("a", revision: 2) == nil)
        #expect(try store.graph("a", revision: 1)?.document.description == "[1]")
        #expect(try store.deleteGraph("a", expecting: 2, atMicroseconds: 6) == nil)
        #expect(try store.deleteGraph("a", expecting: 0, atMicroseconds: 6) == nil)
        #expect(try store.put(newGraph("a", "[3]"), expecting: 0) == nil)
        #expect(try store.put(newGraph("a", "[3]"), expecting: 1) == nil)
        #expect(try store.graphHeads() == ["a": GraphHead(revision: 2, isDeletion: true)])
        #expect(try store.put(newGraph("a", "[3]"), expecting: 2)?.revision == 3)
        #expect(try store.revisions(ofGraph: "a").map(\.isDeletion) == [false, true, false])
        #expect(try store.currentGraphs().map(\.document.description) == ["[3]"])
        try store.stop()
    }

    @Test func `a graph that was never there is nowhere`() throws {
        let store = try start()
        #expect(try store.graph("a", revision: 1) == nil)
        #expect(try store.revisions(ofGraph: "a").isEmpty)
        #expect(try store.deleteGraph("a", expecting: 0, atMicroseconds: 0) == nil)
        #expect(try store.currentGraphs().isEmpty)
        try store.stop()
    }

    @Test func `what was last loaded from each file is known, also when the graph is deleted`() throws {
        let store = try start()
        _ = try store.put(newGraph("a", loadedFrom: ("a.yaml", "1")), expecting: 0)
        let summary = try store.put(newGraph("a", loadedFrom: ("a.yaml", "2")), expecting: 1)
        #expect(summary?.fileName == "a.yaml")
        _ = try store.put(newGraph("b", loadedFrom: ("b.json", "3")), expecting: 0)
        _ = try store.put(newGraph("b", loadedFrom: ("b.json", "4")), expecting: 0)
        _ = try store.deleteGraph("a", expecting: 2, atMicroseconds: 0)
        #expect(try store.loadedFiles() == ["a.yaml": "2", "b.json": "3"])
        try store.stop()
    }

    @Test func `revisions that name the same file content share it, and keep their own`() throws {
        let store = try start()
        let big = [UInt8](repeating: 5, count: 100_000)
        for number in 0..<5 {
            _ = try store.put(newGraph("a", files: ["big": big, "n": [UInt8(number)]]), expecting: number)
        }
        for number in 0..<5 {
            #expect(
                try store.graph("a", revision: number + 1)?.files == GraphFiles(["big": big, "n": [UInt8(number)]]))
        }
        try store.stop()
        let size = try #require(fileSize(folder.path("history.db")))
        #expect(size < 2 * big.count + (24 << 14))
    }
}
