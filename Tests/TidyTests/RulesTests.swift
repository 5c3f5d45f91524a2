import Foundation
import Testing

/// Each rule is shown to find what it is there for, and to leave alone what only looks like it.
@Suite struct `A rule` {
    @Test(arguments: [
        ("import Server", false), ("@testable import Server", false), ("package import struct Server.Route", false),
        ("import Foundation", false), ("import JSON", true), ("internal import Yams", true), ("// import Server", true),
        ("let text = \"\"\"\n    import Server\n    \"\"\"", true),
    ])
    func `finds imports that run upward`(source: String, isAllowed: Bool) {
        #expect(ImportTable.faults(SwiftFile("f", source), target: "Graphs").isEmpty == isAllowed)
    }

    @Test func `finds a target that the table does not know`() {
        #expect(ImportTable.faults(SwiftFile("f", ""), target: "Elsewhere").count == 1)
    }

    @Test func `finds a cycle and names it`() {
        #expect(ImportTable.cycle(in: ["a": ["b"], "b": ["c"], "c": ["b"]]) == ["b", "c", "b"])
        #expect(ImportTable.cycle(in: ["a": ["b", "c"], "b": ["c"], "c": ["elsewhere"]]) == nil)
    }

    @Test(arguments: [(Rules.fileLinesMax, true), (Rules.fileLinesMax + 1, false)])
    func `finds files that are too long`(count: Int, isAllowed: Bool) {
        #expect(Rules.fileLength("f", String(repeating: "x\n", count: count)).isEmpty == isAllowed)
    }

    @Test(arguments: [(Rules.functionLinesMax, true), (Rules.functionLinesMax + 1, false)])
    func `finds functions that are too long`(count: Int, isAllowed: Bool) {
        let body = String(repeating: "    work()\n", count: count - 2)
        #expect(Rules.functionLengths(SwiftFile("f", "func long() {\n\(body)}\n")).isEmpty == isAllowed)
        #expect(
            Rules.functionLengths(SwiftFile("f", "init(\n    a: Int\n) throws(E) where A: B {\n\(body)}\n")).count == 1)
        let cases = String(repeating: "    case 1: work()\n", count: count)
        #expect(
            Rules.functionLengths(SwiftFile("f", "func plain() -> Int {\n    switch x {\n\(cases)    }\n}\n")).isEmpty)
        #expect(
            Rules.functionLengths(SwiftFile("f", "func mixed() {\n    a()\n    switch x {\n\(cases)    }\n}\n")).count
                == 1)
    }

    @Test(arguments: [
        ("final class A: @unchecked Sendable {}", false),
        ("// because a lock guards it\nfinal class A: B, @unchecked Sendable {}", true),
        ("// because a lock\n// guards it\n@frozen\nstruct A: @unchecked Sendable {}", true),
        ("// a lock guards it\nnonisolated(unsafe) var a = 1", false),
        ("// because it is set once\n\nnonisolated(unsafe) var a = 1", false),
        ("let text = \"@unchecked Sendable\"", true), ("// nonisolated(unsafe)", true), ("struct A: Sendable {}", true),
    ])
    func `finds unexplained holes in the check of data races`(source: String, isAllowed: Bool) {
        #expect(Rules.unexplained(SwiftFile("f", source)).isEmpty == isAllowed)
    }

    @Test(arguments: [
        ("Thread.sleep(forTimeInterval: 1)", false), ("usleep(1)", false), ("DispatchQueue.main.async {}", false),
        ("await Task.sleep(for: .seconds(1))", false), ("let a = try! b()", false), ("fatalError(\"a\")", false),
        ("\"\\(try! b())\"", false), ("#\"\\#(try! b())\"#", false),
        ("// try! this", true), ("/* a /* b */ usleep(1) */", true), ("let a = \"fatalError(\"", true),
        ("#\"\\(try! b())\"#", true), ("let a = \"\"\"\n  \"try!\"\n  \"\"\"", true), ("let try = b != c", true),
    ])
    func `finds calls that have no place in the daemon`(source: String, isAllowed: Bool) {
        #expect(Rules.forbiddenCalls(SwiftFile("f", source)).isEmpty == isAllowed)
    }

    @Test(arguments: [
        ("Sources/HTTP/Utils.swift", false), ("Sources/Common/A.swift", false), ("Tests/A/TestHelpers.swift", false),
        ("Sources/A/String+Helpers.swift", false), ("Tests/utils/a.py", false),
        ("Sources/HTTP/Router.swift", true), ("Sources/A/Commons.swift", true),
    ])
    func `finds names that say nothing`(path: String, isAllowed: Bool) {
        #expect(Rules.catchAllNames(path).isEmpty == isAllowed)
    }

    @Test func `finds strangers at the top level`() {
        #expect(
            Rules.topLevelNames(["Sources", ".ci", "notes.txt", "README.md"]) == [
                "notes.txt does not belong at the top level"
            ])
    }

    @Test func `finds binaries`() {
        #expect(Rules.binary("f", Data([0x7F, 0x45, 0x4C, 0x46, 0])).count == 1)
        #expect(Rules.binary("f", Data([0xFF, 0xFE])).count == 1)
        #expect(Rules.binary("f", Data("ä\n".utf8)).isEmpty)
    }

    @Test(arguments: [
        ("cd /work/x", false), ("\"/root/a\"", false), ("/Users/me/a", false),
        ("/usr/lib/work/a", true), ("~/work/a", true), ("node/root/child", true), ("/var/lib/millrace", true),
        ("the /work of it", true),
    ])
    func `finds paths of one machine`(text: String, isAllowed: Bool) {
        #expect(Rules.machinePaths("f", text).isEmpty == isAllowed)
    }
}

@Suite struct `The scanner` {
    @Test func `keeps every line and column`() {
        let source = "let a = \"x\\\"y\" // c\n/* d\n */ let `b c` = 1\n"
        let blank = String(repeating: " ", count: 11)
        #expect(SwiftCode(source).lines == ["let a = " + blank, "    ", "    let       = 1", ""])
    }

    @Test func `finds functions among what looks like them`() {
        let source = """
            protocol P {
                func requirement(_ a: Int) -> Int
                init()
            }
            struct S {
                let funcs = [1].map { $0 }
                func `with a { brace`(_ a: () -> Void = { }) { let b = "}"; _ = S.init() }
                init?(a: [Int: Int]) {
                    self.init()
                }
                deinit { }
                subscript(a: Int) -> Int { a }
            }
            """
        let found = Function.all(in: SwiftFile("f", source))
        #expect(found.map(\.line) == [7, 8, 11, 12])
        #expect(found.map(\.lineCount) == [1, 3, 1, 1])
    }
}
