import Executions
import Foundation
import Glibc
import Graphs
import History
import JSON
import Nodes
import Reactor
import ReactorServices
import Testing

@testable import Server

/// A catalog over a graphs folder, without a server.
private final class FolderCatalog {
    let folder: String
    let store = HistoryStore(.memory)
    let catalog: GraphCatalog
    private let reactor: Reactor
    private let pool = WorkerPool(threads: 1)

    init() throws {
        var template = Array("/tmp/millrace-folder-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        reactor = try Reactor()
        try store.start()
        let clock = ReactorClock(reactor)
        let launcher = ReactorProcessLauncher(Children(on: reactor, helperPath: "/nonexistent"), on: reactor)
        let python = PythonWorkers(
            settings: PythonSettings(), launcher: launcher, clock: clock, pool: pool, pythonFolder: "/nonexistent",
            runtimeFolder: "\(folder).python")
        catalog = GraphCatalog(
            store: store, compiler: NodeKinds.standard(NodeSettings(clock: clock, launcher: launcher, python: python)),
            clock: clock, folder: folder)
    }

    deinit {
        try? store.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func write(_ name: String, _ text: String) {
        let path = "\(folder)/\(name)"
        let above = String(path[..<path.lastIndex(of: "/")!])
        try? FileManager.default.createDirectory(atPath: above, withIntermediateDirectories: true)
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = text.withCString { Glibc.write(file, $0, strlen($0)) }
        close(file)
    }

    func writeDocument(_ id: String, file: String = "f.py") {
        write(
            "\(id).yaml", "{id: \(id), nodes: [{id: n, kind: python, config: {file: \(file), function: f}}]}")
    }

    /// Looks at what is told before a start of the graph.
    @discardableResult
    func lookBefore(_ id: String) throws -> [String] {
        let changes = catalog.changes(before: id)
        return try catalog.look(at: changes, marked: changes)
    }

    func revision(_ id: String) -> Int { catalog.currentNumber(id) }

    func imported(_ id: String) -> [String] { catalog.current(id)?.identity.files.imported.keys.sorted() ?? [] }
}

@Suite struct FolderLookTests {
    private let it: FolderCatalog

    init() throws {
        it = try FolderCatalog()
        it.write("f.py", "import helper\n")
        it.write("helper.py", "V = 1\n")
        it.writeDocument("a")
        _ = try it.catalog.load()
    }

    @Test func `after the first look nothing is looked at until something changes`() throws {
        #expect(it.revision("a") == 1)
        #expect(it.imported("a") == ["helper.py"])
        try it.lookBefore("a")
        #expect(it.catalog.changes(before: "a").isEmpty)
        it.write("helper.py", "V = 2\n")
        let changes = it.catalog.changes(before: "a")
        #expect(changes.graphs == ["a"] && !changes.isEverything)
        #expect(it.catalog.concerns(changes, "a"))
        try it.lookBefore("a")
        #expect(it.revision("a") == 2)
        #expect(it.catalog.changes(before: "a").isEmpty)
    }

    @Test func `a file that nobody imports concerns nobody`() throws {
        it.write("other.py", "")
        it.write("data.csv", "")
        #expect(it.catalog.changes(before: "a").isEmpty)
        it.write("new.yaml", "{id: new, nodes: [{id: n, kind: delay, config: {duration_ms: 1}}]}")
        let changes = it.catalog.changes(before: "new")
        #expect(changes.documents == ["new.yaml"])
        #expect(it.catalog.concerns(changes, "new"))
        try it.lookBefore("new")
        #expect(it.revision("new") == 1)
    }

    @Test func `the change of one document does not hold up another's start`() throws {
        it.write("s.yaml", "{id: s, nodes: [{id: n, kind: delay, config: {duration_ms: 1}}]}")
        try it.lookBefore("s")
        it.write("s.yaml", "{id: s, name: other, nodes: [{id: n, kind: delay, config: {duration_ms: 1}}]}")
        let changes = it.catalog.changes(before: "a")
        #expect(!changes.isEmpty && !it.catalog.concerns(changes, "a") && it.catalog.concerns(changes, "s"))
    }

    @Test func `folders that are made and removed are followed`() throws {
        it.write("f.py", "try:\n    import extra.deep\nexcept ImportError: pass\n")
        try it.lookBefore("a")
        #expect(it.revision("a") == 2)
        it.write("extra/deep.py", "V = 1\n")
        try it.lookBefore("a")
        #expect(it.imported("a") == ["extra/deep.py"])
        it.write("extra/deep.py", "V = 2\n")
        try it.lookBefore("a")
        #expect(it.revision("a") == 4)
        try FileManager.default.removeItem(atPath: it.folder + "/extra")
        try it.lookBefore("a")
        #expect(it.imported("a") == [])
    }

    @Test func `what overruns the kernel's queue is looked at as a whole`() throws {
        it.write("helper.py", "V = 2\n")
        for number in 0..<8_000 { it.write("a-file-with-a-name-of-some-length-\(number)", "") }
        #expect(it.catalog.changes(before: "a").isEverything)
        try it.lookBefore("a")
        #expect(it.revision("a") == 2)
        #expect(it.catalog.changes(before: "a").isEmpty)
    }

    @Test func `the graphs folder itself may be replaced`() throws {
        rename(it.folder, it.folder + ".old")
        defer { try? FileManager.default.removeItem(atPath: it.folder + ".old") }
        mkdir(it.folder, 0o700)
        it.write("f.py", "import helper\n")
        it.write("helper.py", "V = 3\n")
        it.writeDocument("a")
        #expect(it.catalog.changes(before: "a").isEverything)
        try it.lookBefore("a")
        #expect(it.revision("a") == 2)
        it.write("helper.py", "V = 4\n")
        try it.lookBefore("a")
        #expect(it.revision("a") == 3)
    }

    @Test func `a refusal is said once, kept, and gone with its cause`() throws {
        it.write("f.py", "import helper\n")
        it.write("a.yaml", "{id: a")
        #expect(try it.lookBefore("a").count == 1)
        #expect(it.catalog.refusals[.document("a.yaml")] != nil)
        it.write("a.yaml", "{id: a")
        #expect(try it.lookBefore("a") == [])
        it.writeDocument("a")
        try it.lookBefore("a")
        #expect(it.catalog.refusals.isEmpty)
        #expect(it.revision("a") == 1)
    }

    @Test func `a folder that is not there is said once, and used when it comes`() throws {
        try FileManager.default.removeItem(atPath: it.folder)
        #expect(try it.lookBefore("a").count == 2)
        #expect(try it.lookBefore("a") == [])
        #expect(it.revision("a") == 1)
        it.write("f.py", "import helper\n")
        it.write("helper.py", "V = 2\n")
        it.writeDocument("a")
        try it.lookBefore("a")
        #expect(it.revision("a") == 2)
        #expect(it.catalog.refusals.isEmpty)
    }

    @Test func `what is marked while a look is under way is looked at later`() throws {
        it.write("helper.py", "V = 2\n")
        let changes = it.catalog.changes(before: "a")
        it.catalog.watch?.mark(graph: "other")
        _ = try it.catalog.look(at: changes, marked: changes)
        #expect(it.catalog.changes(before: "a").graphs == ["other"])
    }

    @Test func `what a run has shown is part of the next revision, and stays`() throws {
        it.write("plugins/p.py", "V = 1\n")
        it.catalog.shown("plugins/p.py", in: it.folder, byGraph: "a")
        try it.lookBefore("a")
        #expect(it.imported("a") == ["helper.py", "plugins/p.py"])
        it.catalog.shown("plugins/p.py", in: it.folder, byGraph: "a")
        #expect(it.catalog.changes(before: "a").isEmpty)
        it.write("plugins/p.py", "V = 2\n")
        try it.lookBefore("a")
        #expect(it.revision("a") == 3)
    }

    @Test func `of two documents with one id the second waits until the first is gone`() throws {
        it.write("b.yaml", "{id: a, name: second, nodes: [{id: n, kind: delay, config: {duration_ms: 1}}]}")
        #expect(try it.lookBefore("a").count == 1)
        #expect(it.catalog.current("a")?.graph.document.name == "a")
        unlink(it.folder + "/a.yaml")
        try it.lookBefore("a")
        #expect(it.catalog.current("a")?.graph.document.name == "second")
    }
}
