import Glibc
import Testing

@testable import Graphs

@Suite struct GraphFolderTests {
    private let folder = TemporaryFolder()

    private func entries() throws -> [GraphFolder.Entry] {
        try GraphFolder(path: folder.path).read(vocabulary: Kinds())
    }

    /// Each file's name with its graph's id, or its faults.
    private func summary() throws -> [String] {
        try entries().map { entry in
            switch entry.content {
            case .success(let content): "\(entry.fileName): \(content.graph.document.id)"
            case .failure(let faults): "\(entry.fileName): \(faults)"
            }
        }
    }

    private func document(_ id: String) -> String {
        "{\"id\": \"\(id)\", \"nodes\": [{\"id\": \"n\", \"kind\": \"noop\"}]}"
    }

    @Test func `documents are read in the order of their names, and nothing else`() throws {
        for (name, id) in [("b.yaml", "b"), ("a.json", "a"), ("c.yml", "c"), ("B.json", "upper")] {
            folder.write(name, document(id))
        }
        for name in ["notes.txt", ".hidden.yaml", "yaml", "d.yaml~", "e.json.swp"] { folder.write(name, "?") }
        folder.makeFolder("deeper")
        folder.write("deeper/f.yaml", document("f"))
        #expect(try summary() == ["B.json: upper", "a.json: a", "b.yaml: b", "c.yml: c"])
    }

    @Test func `a broken file has its faults and does not hinder the others`() throws {
        folder.write("a.yaml", "id: [")
        folder.write("b.json", "{")
        folder.write("c.yaml", document("c"))
        folder.makeFolder("d.yaml")
        folder.link("e.json", to: "nowhere")
        folder.write("f.yaml", "{id: f, nodes: []}")
        let summary = try summary()
        #expect(summary.count == 6)
        #expect(summary[0].hasPrefix("a.yaml: line 2, column 1: "))
        #expect(summary[1].hasPrefix("b.json: "))
        #expect(summary[2] == "c.yaml: c")
        #expect(summary[3] == "d.yaml: `d.yaml` is not a regular file")
        #expect(summary[4] == "e.json: there is no file `e.json` in the folder")
        #expect(summary[5] == "f.yaml: line 1, column 16: /nodes: must not be empty")
    }

    @Test func `of two files with one id the second is refused, naming both`() throws {
        folder.write("a.yaml", document("x"))
        folder.write("b.json", document("x"))
        #expect(
            try summary() == [
                "a.yaml: x", "b.json: line 1, column 8: /id: the id `x` of b.json is the id of a.yaml already",
            ])
    }

    @Test func `a file that is broken does not hold its id`() throws {
        folder.write("a.yaml", "{id: x, nodes: []}")
        folder.write("b.json", document("x"))
        #expect(try summary().last == "b.json: x")
    }

    @Test func `a document is given as it was read`() throws {
        folder.write("a.yaml", document("x"))
        let entry = try #require(try entries().first)
        #expect(entry.bytes == Array(document("x").utf8))
        #expect(entry.format == .yaml)
    }

    @Test func `a document may be as large as the bound`() throws {
        let text = Array(document("x").utf8)
        let spaces = [UInt8](repeating: UInt8(ascii: " "), count: GraphBounds.documentBytesMax - text.count)
        folder.write("a.json", text + spaces)
        folder.write("b.json", text + spaces + [UInt8(ascii: " ")])
        #expect(try summary() == ["a.json: x", "b.json: the file `b.json` is larger than 8,388,608 bytes"])
    }

    @Test func `a folder that is not there is an error`() {
        #expect(
            throws: GraphFolder.ListingError(
                message: "the graphs folder /nonexistent/graphs cannot be read: No such file or directory")
        ) {
            try GraphFolder(path: "/nonexistent/graphs").read(vocabulary: Kinds())
        }
    }

    @Test func `the fingerprint is the document's, and the files go with the content`() throws {
        let text = "{id: x, nodes: [{id: n, kind: python, config: {file: a.py}}]}"
        folder.write("a.yaml", text)
        folder.write("a.py", "1")
        folder.write("b.py", "1")
        let first = try #require(try entries().first)
        folder.write("b.py", "2")
        #expect(try entries().first?.content.get().files == first.content.get().files)
        folder.write("a.py", "2")
        let second = try #require(try entries().first)
        #expect(try second.content.get().files != first.content.get().files)
        #expect(second.fingerprint == first.fingerprint)
        folder.write("a.yaml", text + "\n# a word\n")
        #expect(try entries().first?.fingerprint != second.fingerprint)
    }

    @Test func `one look judges all documents by the same content`() throws {
        let text = "nodes: [{id: n, kind: python, config: {file: a.py}}]"
        folder.write("a.yaml", "id: a\n" + text)
        folder.write("b.yaml", "id: b\n" + text)
        folder.write("a.py", "1")
        let snapshot = FolderSnapshot(path: folder.path)
        _ = try snapshot.read("a.py")
        folder.write("a.py", "2")
        let entries = try GraphFolder(path: folder.path).read(vocabulary: Kinds(), snapshot: snapshot)
        #expect(try entries.map { try $0.content.get().files["a.py"] } == [[0x31], [0x31]])
        #expect(entries.map(\.trail.paths) == [["a.py", "a.yaml"], ["a.py", "b.yaml"]])
    }

    @Test func `a link's true path is told`() throws {
        folder.makeFolder("v1")
        folder.write("v1/a.py", "1")
        folder.link("..data", to: "v1")
        folder.link("a.py", to: "..data/a.py")
        let snapshot = FolderSnapshot(path: folder.path)
        _ = try snapshot.read("a.py")
        #expect(snapshot.takeTrail().linkedPaths == [folder.path + "/v1/a.py"])
        #expect(snapshot.takeTrail() == FolderSnapshot.Trail())
    }
}

@Suite struct FingerprintTests {
    @Test func `what is in one part cannot pass for another`() {
        let prints = [
            Fingerprint(document: [1, 2]), Fingerprint(document: [1], files: GraphFiles(["": [2]])),
            Fingerprint(document: [1], files: GraphFiles(["a": [], "b": [2]])),
            Fingerprint(document: [1], files: GraphFiles(["a": [2], "b": []])),
            Fingerprint(document: [1], files: GraphFiles(["ab": [2]])),
        ]
        #expect(Set(prints).count == prints.count)
    }
}
