import Executions
import Glibc
import JSON
import Testing

@testable import Sealing

struct StateKeyTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/millrace-seal-XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
    }

    private func removeFolder() {
        unlink("\(folder)/\(StateKey.fileName)")
        rmdir(folder)
    }

    @Test func `what is sealed is opened again by the key of the folder`() throws {
        defer { removeFolder() }
        let key = try StateKey.find(in: folder)
        for length in [0, 1, 2, 3, 31, 32, 33, 100_000] {
            let value: JSONText = ["text": JSONText(String(repeating: "ü", count: length))]
            let sealed = try #require(key.seal(value).string)
            #expect(try StateKey.find(in: folder).open(sealed) == value)
        }
        #expect(key.seal(.null) != key.seal(.null))
    }

    @Test func `only the owner reads the file`() throws {
        defer { removeFolder() }
        _ = try StateKey.find(in: folder)
        var status = stat()
        #expect(stat("\(folder)/\(StateKey.fileName)", &status) == 0 && status.st_mode & 0o7777 == 0o600)
    }

    @Test func `no byte of what is sealed can be changed`() throws {
        defer { removeFolder() }
        let key = try StateKey.find(in: folder)
        let sealed = try #require(key.seal(["a": 12]).string)
        // Whole groups of base64: none of its bits is left out.
        let head = "sealed:\(key.name):".count
        for index in sealed.indices.dropFirst(head) {
            var changed = sealed
            changed.replaceSubrange(index...index, with: sealed[index] == "A" ? "B" : "A")
            #expect(throws: NodeFailure.self) { try key.open(changed) }
        }
        for length in 0..<sealed.count {
            #expect(throws: NodeFailure.self) { try key.open(String(sealed.prefix(length))) }
        }
    }

    @Test func `another key says which one is missing`() throws {
        defer { removeFolder() }
        let key = try StateKey.find(in: folder)
        let sealed = try #require(key.seal(1).string)
        unlink("\(folder)/\(StateKey.fileName)")
        let other = try StateKey.find(in: folder)
        let failure = #expect(throws: NodeFailure.self) { try other.open(sealed) }
        #expect(failure?.message.contains("the key \(key.name)") == true)
        #expect(failure?.message.contains("\(folder)/\(StateKey.fileName) is \(other.name)") == true)
    }

    @Test(arguments: ["", "abc\n", String(repeating: "g", count: 64), String(repeating: "0", count: 200)])
    func `a file that is no key is not replaced`(content: String) throws {
        defer { removeFolder() }
        let path = "\(folder)/\(StateKey.fileName)"
        let file = try #require(fopen(path, "w"))
        fputs(content, file)
        fclose(file)
        #expect(throws: StateKey.Failure.self) { try StateKey.find(in: folder) }
        var status = stat()
        #expect(stat(path, &status) == 0 && Int(status.st_size) == content.utf8.count)
    }
}
