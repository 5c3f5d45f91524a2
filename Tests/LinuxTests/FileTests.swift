import Glibc
import Linux
import Testing

@Suite struct FileTests {
    @Test func `a lock has one owner, whom the others can name, and ends with it`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/lock"
        do {
            let first = try FileLock.acquire(path)
            guard case .acquired(let lock) = first else {
                Issue.record("a free lock was refused")
                return
            }
            switch try FileLock.acquire(path) {
            case .acquired: Issue.record("two owners")
            case .held(let processID): #expect(processID == getpid())
            }
            _ = consume lock
        }
        guard case .acquired = try FileLock.acquire(path) else {
            Issue.record("the lock outlived its owner")
            return
        }
    }

    @Test func `a lock in a folder that does not exist names the path`() {
        let error = #expect(throws: SystemError.self) { _ = try FileLock.acquire("/no/lock") }
        #expect(error == SystemError(.notFound, "open /no/lock"))
    }

    private func remove(_ path: String) {
        var removal = FolderRemoval(path)
        while removal.advance(steps: 100) == .unfinished {}
    }

    @Test func `a folder is removed however deep it is nested, and whatever its modes are`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/deep"
        try #require(mkdir(path, 0o700) == 0)
        var place = open(path, O_RDONLY | O_DIRECTORY)
        // Far beyond the length of any path (4,096 bytes).
        for level in 0..<3_000 {
            #expect(mkdirat(place, "nested", 0o700) == 0)
            let next = openat(place, "nested", O_RDONLY | O_DIRECTORY)
            close(openat(place, "file \(level)", O_WRONLY | O_CREAT, 0o400))
            symlinkat("/", place, "1")
            if level % 7 == 0 { fchmod(place, 0o000) }
            close(place)
            place = next
        }
        close(place)
        remove(path)
        #expect(access(path, F_OK) != 0)
    }

    @Test func `a folder of many entries is removed, and what a link leads to stays`() throws {
        let folder = try TemporaryFolder()
        let (path, kept) = (folder.path + "/wide", folder.path + "/kept")
        for each in [path, kept] { try #require(mkdir(each, 0o700) == 0) }
        for number in 0..<3_000 { try #require(mkdir("\(path)/\(number)", 0o700) == 0) }
        close(open("\(kept)/file", O_WRONLY | O_CREAT, 0o600))
        symlink(kept, "\(path)/link")
        remove(path)
        #expect(access(path, F_OK) != 0)
        #expect(access("\(kept)/file", F_OK) == 0)
    }

    @Test func `a file that others may write is nobody's word`() throws {
        let folder = try TemporaryFolder()
        let path = try write([1], in: folder)
        #expect(chmod(path, 0o600) == 0)
        #expect(try SmallFile.doubt(about: path) == nil)
        for mode: mode_t in [0o620, 0o602] {
            #expect(chmod(path, mode) == 0)
            #expect(try SmallFile.doubt(about: path) == "others may write it")
        }
    }

    @Test(arguments: [0, 1, 99, 100])
    func `a file up to the limit is read whole`(bytes: Int) throws {
        let folder = try TemporaryFolder()
        let content = (0..<bytes).map { UInt8($0) }
        let path = try write(content, in: folder)
        #expect(try SmallFile.read(path, bytesMax: 100) == content)
    }

    @Test func `a file of one byte more is too large`() throws {
        let folder = try TemporaryFolder()
        let path = try write([UInt8](repeating: 0, count: 101), in: folder)
        let error = #expect(throws: SystemError.self) { try SmallFile.read(path, bytesMax: 100) }
        #expect(error?.code == .fileTooLarge)
    }

    @Test func `a file of many pieces is read whole`() throws {
        let folder = try TemporaryFolder()
        let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let path = try write(content, in: folder)
        #expect(try SmallFile.read(path, bytesMax: 1_000_000) == content)
    }

    private func write(_ bytes: [UInt8], in folder: TemporaryFolder) throws -> String {
        let path = folder.path + "/file"
        let file = Descriptor(owning: open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600))
        if bytes.isEmpty { return path }
        #expect(try bytes.withUnsafeBytes { try file.write($0) } == .bytes(bytes.count))
        return path
    }
}
