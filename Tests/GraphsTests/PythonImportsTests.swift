import Testing

@testable import Graphs

@Suite struct PythonImportsTests {
    /// Each import as it could be written on one line.
    private func imports(_ source: String) -> [String] {
        PythonImports(Array(source.utf8)).imports.map { found in
            let module = String(repeating: ".", count: found.level) + found.module.joined(separator: ".")
            return found.names.isEmpty ? module : "\(module): \(found.names.joined(separator: " "))"
        }
    }

    @Test(arguments: [
        ("import a", ["a"]),
        ("import a.b.c as d, e", ["a.b.c", "e"]),
        ("from a.b import c as d, e", ["a.b: c e"]),
        ("from . import x", [".: x"]),
        ("from ...a.b import x", ["...a.b: x"]),
        ("from a import *", ["a"]),
        ("from a import (  # why\n  b,\n  c as d,\n)\nimport e", ["a: b c", "e"]),
        ("import a; import b", ["a", "b"]),
        ("try: import a\nexcept ImportError: import b", ["a", "b"]),
        ("def f():\n    if x:\n        from a import b\n    import c", ["a: b", "c"]),
        ("import \\\n a.b", ["a.b"]),
        ("import a\r\nimport b\r\n", ["a", "b"]),
        ("importlib.import_module('a.b')", ["a.b"]),
        ("x = __import__(\"a\")", ["a"]),
        ("import_module('.b', __package__)", [".b"]),
        ("import_module(name)\nimport a", ["a"]),
        ("import_module\nimport a", ["a"]),
        ("import größe", ["größe"]),
        ("from .import a", [".: a"]),
        ("from.a import b", [".a: b"]),
        ("raise X from y\nimport a\nyield from z\nfrom b import c", ["a", "b: c"]),
    ])
    func `imports are found wherever they stand`(source: String, expected: [String]) {
        #expect(imports(source) == expected)
    }

    @Test(arguments: [
        "# import a", "x = 'import a'", "'''\nimport a\n'''", "r\"\"\"\nimport a \\\"\"\" still\n\"\"\"",
        "f'{x}import a'", "importer = 1", "important(a)", "def gen():\n    yield from a", "raise X from a",
        "", "from a", "from", "import", "import_module(", "import_module('a/b')", "import_module('a..b')",
    ])
    func `what is no import is none`(source: String) {
        #expect(imports(source) == [])
    }

    @Test func `more imports than the bound are left out`() {
        let count = PythonImports.countMax
        let lines = (0...count).map { "import a\($0)\n" }.joined()
        #expect(imports(lines).count == count)
        #expect(imports(lines).last == "a\(count - 1)")
    }

    @Test(arguments: ["'", "\"\"\"", "\\", "(", "((((", "import_module('", "from .", "import a as", "rb", "f'", "'\\"])
    func `every source has an end`(rest: String) {
        #expect(imports("import a\n" + rest).first == "a")
    }
}

@Suite struct ImportedFilesTests {
    private let folder = TemporaryFolder()

    private func content(_ config: String, shown: Set<String> = []) throws -> GraphRevisionContent {
        let text = "{id: g, nodes: [{id: n, kind: python, config: \(config)}]}"
        return try Graph.parse(
            Array(text.utf8), format: .yaml, vocabulary: Kinds(), files: FolderFiles(path: folder.path),
            shown: { _ in shown })
    }

    private func imported(_ config: String = "{file: f.py}", shown: Set<String> = []) throws -> [String] {
        try content(config, shown: shown).files.imported.keys.sorted()
    }

    @Test func `files two levels deep belong to the graph, others do not`() throws {
        folder.write("f.py", "import helper, os, json\n")
        folder.write("helper.py", "def f():\n    import deeper\n")
        folder.write("deeper.py", "import helper\n")
        folder.write("other.py", "")
        #expect(try imported() == ["deeper.py", "helper.py"])
        #expect(try content("{file: f.py}").absentModules == ["json", "os"])
    }

    @Test func `the code of a document imports too`() throws {
        folder.write("helper.py", "")
        #expect(try imported("{code: 'import helper'}") == ["helper.py"])
    }

    @Test func `packages come with what makes them, and relative imports go by the file`() throws {
        folder.makeFolder("pkg")
        folder.makeFolder("pkg/sub")
        folder.write("f.py", "from pkg.sub.m import x\nimport pkg.lone\n")
        folder.write("pkg/__init__.py", "from . import base\n")
        folder.write("pkg/base.py", "")
        folder.write("pkg/lone.py", "from .sub import n\n")
        folder.write("pkg/unused.py", "")
        folder.write("pkg/sub/__init__.py", "")
        folder.write("pkg/sub/m.py", "from ..base import y\nfrom .... import beyond\n")
        folder.write("pkg/sub/n.py", "")
        #expect(
            try imported() == [
                "pkg/__init__.py", "pkg/base.py", "pkg/lone.py", "pkg/sub/__init__.py", "pkg/sub/m.py",
                "pkg/sub/n.py",
            ])
    }

    @Test func `a folder without __init__ is a package too, and a module goes before it`() throws {
        folder.makeFolder("plain")
        folder.makeFolder("both")
        folder.write("f.py", "from plain import a\nimport plain.b, both\n")
        for name in ["plain/a.py", "plain/b.py", "both.py", "both/c.py"] { folder.write(name, "") }
        #expect(try imported() == ["both.py", "plain/a.py", "plain/b.py"])
    }

    @Test func `a file in a folder finds its neighbours first`() throws {
        folder.makeFolder("sub")
        folder.write("sub/deep.py", "import util, top\n")
        folder.write("sub/util.py", "import more\n")
        folder.write("sub/more.py", "")
        for name in ["util.py", "more.py", "top.py"] { folder.write(name, "") }
        #expect(try imported("{file: sub/deep.py}") == ["sub/more.py", "sub/util.py", "top.py"])
    }

    @Test func `what leads out of the folder, or is no file, is left to Python`() throws {
        let outside = TemporaryFolder()
        outside.write("o.py", "")
        folder.write("f.py", "import away, gone, fifo, dir.x\n")
        folder.link("away.py", to: outside.path + "/o.py")
        folder.link("gone.py", to: "nowhere.py")
        folder.link("dir", to: outside.path)
        folder.makeFolder("fifo.py")
        #expect(try imported() == [])
    }

    @Test func `what a run has shown stays with what it imports, as long as it is there`() throws {
        folder.makeFolder("plugins")
        folder.write("f.py", "")
        folder.write("plugins/a.py", "import helper\n")
        folder.write("helper.py", "")
        let content = try content("{file: f.py}", shown: ["plugins/a.py", "plugins/gone.py", "../x.py"])
        #expect(content.files.imported.keys.sorted() == ["helper.py", "plugins/a.py"])
        #expect(content.files.shown == ["plugins/a.py"])
    }

    @Test func `as many files as the bound, and no more`() throws {
        let count = GraphBounds.importedFilesMax
        for number in 0..<count { folder.write("m\(number).py", "") }
        folder.write("f.py", (0..<count).map { "import m\($0)\n" }.joined())
        #expect(try imported().count == count)
        folder.write("one.py", "")
        folder.write("f.py", (0..<count).map { "import m\($0)\n" }.joined() + "import one\n")
        #expect {
            try imported()
        } throws: { error in
            (error as? GraphFaults)?.faults.first?.message.hasPrefix("with `one.py`, what its nodes import") == true
        }
    }

    @Test func `as many bytes as the bound, and no more`() throws {
        let part = [UInt8](repeating: 0x0A, count: GraphBounds.fileBytesMax)
        for name in ["a", "b", "c", "d"] { folder.write("\(name).py", part) }
        folder.write("f.py", "import a, b, c, d")
        #expect(try imported().count == 4)
        folder.write("e.py", "#")
        folder.write("f.py", "import a, b, c, d, e")
        #expect(throws: GraphFaults.self) { try imported() }
    }
}

@Suite struct InterpreterTests {
    private func document(_ interpreter: String) -> String {
        "{id: g, python: {interpreter: \(interpreter)}, nodes: [{id: n, kind: noop}]}"
    }

    @Test(arguments: [
        (".venv/bin/python", "/graphs/.venv/bin/python"), ("/usr/bin/python3", "/usr/bin/python3"),
        ("a..b/python", "/graphs/a..b/python"),
    ])
    func `an interpreter is found beside the document`(written: String, expected: String) throws {
        #expect(try graph(document(written)).document.interpreter(in: "/graphs") == expected)
    }

    @Test(arguments: ["../python", "a/../../python", "\"\"", "3", "\"a\\0b\""])
    func `an interpreter that leaves the folder, or is none, is refused`(written: String) {
        #expect(faults(document(written)).first?.hasPrefix("/python/interpreter: ") == true)
    }

    @Test func `the path of an interpreter is as long as the bound at most`() {
        let path = String(repeating: "p", count: GraphBounds.interpreterBytesMax)
        #expect(faults(document(path)) == [])
        #expect(faults(document(path + "p")).count == 1)
    }

    @Test func `a virtual environment beside the document is used where it says nothing`() throws {
        let folder = TemporaryFolder()
        let document = try graph("{id: g, nodes: [{id: n, kind: noop}]}").document
        #expect(document.interpreter(in: nil) == nil)
        #expect(document.interpreter(in: folder.path) == nil)
        folder.makeFolder(".venv")
        folder.makeFolder(".venv/bin")
        folder.link(".venv/bin/python", to: "/bin/sh")
        #expect(document.interpreter(in: folder.path) == folder.path + "/.venv/bin/python")
    }
}
