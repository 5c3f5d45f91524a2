import Glibc
import Testing

@testable import Graphs

@Suite struct FolderFilesTests {
    private let outside = TemporaryFolder()
    private let folder = TemporaryFolder()

    private func read(_ name: String) -> String {
        do {
            return String(decoding: try FolderFiles(path: folder.path).read(name), as: UTF8.self)
        } catch {
            return "refused: " + error.message
        }
    }

    @Test func `files beside the document and below it are read`() {
        folder.write("a.py", "A")
        folder.makeFolder("lib")
        folder.write("lib/b c.py", "B")
        folder.write("..hidden", "C")
        folder.write("empty", "")
        #expect(read("a.py") == "A")
        #expect(read("lib/b c.py") == "B")
        #expect(read("..hidden") == "C")
        #expect(read("empty") == "")
    }

    @Test(arguments: [
        "../secret", "lib/../../secret", "lib/..", "..", ".", "./a", "/etc/passwd", "lib//a", "a/", "a\0b", "/",
    ])
    func `a name that climbs out, or is no plain path, is refused`(name: String) {
        folder.makeFolder("lib")
        #expect(read(name) == "refused: `\(name)` is no path below the document's folder")
    }

    @Test func `a name must be there and of bounded length`() {
        #expect(read("") == "refused: a file's name must not be empty")
        #expect(read(String(repeating: "a/", count: 1025) + "a") == "refused: the file's name is too long")
    }

    @Test func `a link within the folder is followed`() {
        // As Kubernetes mounts a ConfigMap: file → ..data/file, ..data → a folder of this revision.
        folder.makeFolder("..2026")
        folder.write("..2026/a.py", "A")
        folder.link("..data", to: "..2026")
        folder.link("a.py", to: "..data/a.py")
        #expect(read("a.py") == "A")
    }

    @Test func `a link that leads out is refused, wherever it stands`() {
        outside.write("secret", "S")
        folder.makeFolder("lib")
        folder.link("file", to: outside.path + "/secret")
        folder.link("folder", to: outside.path)
        folder.link("lib/relative", to: "../../../../../../../../etc/passwd")
        folder.link("hop", to: "folder/secret")
        for name in ["file", "folder/secret", "lib/relative", "hop"] {
            #expect(read(name) == "refused: the file `\(name)` leads out of the document's folder")
        }
    }

    @Test func `a folder whose name begins like ours is outside`() {
        let sibling = folder.path + "-sibling"
        precondition(mkdir(sibling, 0o755) == 0)
        defer { rmdir(sibling) }
        let file = open(sibling + "/secret", O_WRONLY | O_CREAT, 0o644)
        close(file)
        defer { unlink(sibling + "/secret") }
        folder.link("a", to: sibling + "/secret")
        #expect(read("a") == "refused: the file `a` leads out of the document's folder")
    }

    @Test func `a folder that is itself a link is the folder that it leads to`() throws {
        folder.write("a.py", "A")
        outside.link("graphs", to: folder.path)
        #expect(try FolderFiles(path: outside.path + "/graphs").read("a.py") == Array("A".utf8))
    }

    @Test func `what is no regular file is refused without being opened`() {
        folder.makeFolder("lib")
        precondition(mkfifo(folder.path + "/pipe", 0o644) == 0)
        #expect(read("lib") == "refused: `lib` is not a regular file")
        // To open a pipe for reading would wait for a writer.
        #expect(read("pipe") == "refused: `pipe` is not a regular file")
    }

    @Test func `what is not there is told so`() {
        folder.link("dangling", to: "nowhere")
        folder.link("loop", to: "loop")
        #expect(read("nope.py") == "refused: there is no file `nope.py` in the folder")
        #expect(read("nope/a.py") == "refused: there is no file `nope/a.py` in the folder")
        #expect(read("dangling") == "refused: there is no file `dangling` in the folder")
        #expect(read("loop") == "refused: the file `loop` cannot be read: Too many levels of symbolic links")
    }

    @Test func `a file as large as the bound is read, a larger one refused`() throws {
        folder.write("a", [UInt8](repeating: 7, count: GraphBounds.fileBytesMax))
        folder.write("b", [UInt8](repeating: 7, count: GraphBounds.fileBytesMax + 1))
        #expect(try FolderFiles(path: folder.path).read("a").count == GraphBounds.fileBytesMax)
        #expect(read("b") == "refused: the file `b` is larger than 4,194,304 bytes")
    }
}
