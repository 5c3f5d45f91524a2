import Foundation
import Testing

@Suite struct `The repository` {
    let tree = SourceTree.repository

    @Test func `is found`() {
        #expect(tree.topLevel.contains("Package.swift"))
        #expect(tree.sources.count > 10)
    }

    @Test func `imports downward only`() {
        #expect(tree.sources.flatMap { ImportTable.faults($0, target: $0.target) } == [])
    }

    @Test func `has no cycle among its targets`() {
        var graph: [String: Set<String>] = [:]
        for file in tree.sources {
            graph[file.target, default: []].formUnion(ImportTable.imports(of: file).map(\.module))
        }
        #expect(ImportTable.cycle(in: graph) == nil)
        #expect(ImportTable.cycle(in: ImportTable.rows.mapValues(\.own)) == nil)
    }

    @Test func `has files that can be read at a sitting`() {
        let code = tree.files.filter { file in
            [".swift", ".c", ".h", ".cpp", ".py", ".js", ".mjs", ".css"].contains { file.path.hasSuffix($0) }
        }
        #expect(code.flatMap { Rules.fileLength($0.path, $0.text ?? "") } == [])
        let needless = Rules.longFiles.keys.filter { path in !code.contains { $0.path == path } }
        #expect(needless == [], "no longer there")
    }

    @Test func `has functions that fit a screen`() {
        #expect(tree.swift.flatMap { Rules.functionLengths($0) } == [])
    }

    @Test func `says why wherever it switches off the check of data races`() {
        #expect(tree.swift.flatMap { Rules.unexplained($0) } == [])
    }

    @Test func `switches off the check of data races no more often than before`() {
        let count = tree.sources.map { Rules.unchecked($0).count }.reduce(0, +)
        #expect(count <= Rules.uncheckedCountMax)
    }

    @Test func `holds no thread and hides no error`() {
        #expect(tree.sources.flatMap { Rules.forbiddenCalls($0) } == [])
    }

    @Test func `has names that say something`() {
        #expect(tree.files.flatMap { Rules.catchAllNames($0.path) } == [])
    }

    @Test func `has a top level of few names`() {
        #expect(Rules.topLevelNames(tree.topLevel) == [])
    }

    @Test func `consists of text`() {
        #expect(tree.files.flatMap { Rules.binary($0.path, $0.bytes) } == [])
    }

    @Test func `names no path of one machine`() {
        let files = tree.files.filter { !$0.path.hasPrefix("Tests/TidyTests/") }
        #expect(files.flatMap { Rules.machinePaths($0.path, $0.text ?? "") } == [])
    }

    @Test func `is looked at without what git ignores`() throws {
        let text = try String(contentsOf: SourceTree.root.appendingPathComponent(".gitignore"), encoding: .utf8)
        let names = text.split(separator: "\n").map { $0.hasSuffix("/") ? String($0.dropLast()) : String($0) }
        #expect(Set(names) == SourceTree.ignored.union(["*.pyc"]))
    }
}
