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
