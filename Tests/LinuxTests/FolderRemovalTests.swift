import Glibc
import Testing

@testable import Linux

@Suite struct FolderRemovalTests {
    private let path: String

    init() {
        path = Self.makeFolder()
    }

    private static func makeFolder() -> String {
        var template = Array("/tmp/millrace-removal-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes in slices; gives their number.
    private func remove(steps: Int) -> (FolderRemoval.Progress, slices: Int) {
        var removal = FolderRemoval(path)
        for slice in 1...100_000 {
            let progress = removal.advance(steps: steps)
            if progress != .unfinished { return (progress, slice) }
        }
        return (.unfinished, 100_000)
    }

    private func touch(_ folder: Int32, _ name: [CChar]) {
        close(openat(folder, name, O_WRONLY | O_CREAT, 0o600))
    }

    /// Makes folders within each other, each with a file.
    private func nest(_ depth: Int) {
        var folder = open(path, O_RDONLY | O_DIRECTORY)
        for _ in 0..<depth {
            mkdirat(folder, "nested-folder", 0o700)
            touch(folder, Array("file".utf8CString))
            let next = openat(folder, "nested-folder", O_RDONLY | O_DIRECTORY)
            close(folder)
            folder = next
        }
        close(folder)
    }

    @Test func `5,000 folders within each other are removed in slices`() {
        nest(5_000)
        let (progress, slices) = remove(steps: 1_000)
        #expect(progress == .removed)
        #expect(slices >= 10)
        #expect(access(path, F_OK) != 0)
    }

    @Test func `every number of steps comes to an end`() {
        for steps in [1, 2, 3, 7] {
            mkdir(path, 0o700)
            nest(40)
            #expect(remove(steps: steps).0 == .removed)
        }
    }

    @Test func `links are removed, never what they lead to`() {
        let outside = Self.makeFolder()
        close(open(outside + "/kept", O_WRONLY | O_CREAT, 0o600))
        symlink(outside, path + "/link")
        #expect(remove(steps: 10).0 == .removed)
        #expect(access(outside + "/kept", F_OK) == 0)
        unlink(outside + "/kept")
        rmdir(outside)
    }

    @Test func `closed folders and names that are no UTF-8 are removed too`() {
        mkdir(path + "/closed", 0o700)
        mkdir(path + "/closed/inner", 0o700)
        close(open(path + "/closed/inner/file", O_WRONLY | O_CREAT, 0o600))
        let folder = open(path, O_RDONLY | O_DIRECTORY)
        touch(folder, [-1, -2, 0])
        close(folder)
        chmod(path + "/closed/inner", 0)
        chmod(path + "/closed", 0)
        chmod(path, 0)
        #expect(remove(steps: 10).0 == .removed)
    }

    @Test func `of a folder that is not there nothing is left to do`() {
        rmdir(path)
        #expect(remove(steps: 1).0 == .removed)
    }
}
