import Glibc
import Linux
import Testing

@Suite struct SocketTests {
    @Test func `a unix socket has its permissions from the start`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        for mode in [0o600, 0o660, 0o666] as [UInt32] {
            let listener = try Socket.listen(at: .unix(path), unixMode: mode)
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == mode)
            try listener.close()
        }
    }

    @Test func `a stale unix socket is replaced, one that is in use is not`() throws {
        let folder = try TemporaryFolder()
        let address = SocketAddress.unix(folder.path + "/socket")
        _ = try Socket.listen(at: address)
        // Its owner is gone, its file is still there.
        let listener = try Socket.listen(at: address)
        let error = #expect(throws: SystemError.self) { _ = try Socket.listen(at: address) }
        #expect(error?.code == .addressInUse)
        let client = try Socket.connect(to: address)
        #expect(try client.peerCredentials().processID == getpid())
        #expect(try listener.localAddress() == address)
    }

    @Test func `a file that is no socket is never replaced`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/precious"
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        let error = #expect(throws: SystemError.self) { _ = try Socket.listen(at: .unix(path)) }
        #expect(error?.code == .addressInUse)
        #expect(access(path, F_OK) == 0)
    }

    @Test func `an abstract unix socket needs no file`() throws {
        let address = SocketAddress.unix("@millrace-test-\(getpid())")
        let listener = try Socket.listen(at: address)
        #expect(try listener.localAddress() == address)
        _ = try Socket.connect(to: address)
    }

    @Test func `an inherited listener is taken over, anything else refused`() throws {
        let address: SocketAddress
        let inherited: Int32
        do {
            let listener = try Socket.listen(at: .ipv4(0x7F00_0001, port: 0))
            address = try listener.localAddress()
            inherited = dup(listener.raw)
        }
        let adopted = try Socket.adoptListener(inherited)
        #expect(try adopted.localAddress() == address)
        #expect(fcntl(adopted.raw, F_GETFD) == FD_CLOEXEC)

        let connected = try Socket.pair()
        #expect(throws: SystemError.self) { _ = try Socket.adoptListener(connected.first.raw) }
        let pipe = try Pipe.make()
        let error = #expect(throws: SystemError.self) { _ = try Socket.adoptListener(pipe.first.raw) }
        #expect(error?.code == .notSocket)
    }

    @Test func `a connect that was started tells its outcome`() throws {
        let listener = try Socket.listen(at: .ipv4(0x7F00_0001, port: 0))
        let good = try Socket.startConnecting(to: listener.localAddress())
        #expect(try waitUntilWritable(good) == nil)
        let closed = try Socket.listen(at: .ipv4(0x7F00_0001, port: 0)).localAddress()
        let bad = try Socket.startConnecting(to: closed)
        #expect(try waitUntilWritable(bad)?.code == .connectionRefused)
    }

    private func waitUntilWritable(_ socket: borrowing Descriptor) throws -> SystemError? {
        var poll = pollfd(fd: socket.raw, events: Int16(POLLOUT), revents: 0)
        #expect(Glibc.poll(&poll, 1, 30_000) == 1)
        return try socket.pendingError()
    }

    @Test func `socket options are taken`() throws {
        let listener = try Socket.listen(at: .ipv4(0x7F00_0001, port: 0))
        let client = try Socket.connect(to: listener.localAddress())
        try client.setNoDelay()
        try client.setUserTimeout(milliseconds: 5_000)
        try client.setSendBuffer(bytes: 65_536)
        #expect(try client.sendBufferBytes() == 131_072)
    }
}

/// A folder that goes with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/millrace-test-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { unlink("\(path)/\(name)") }
        }
        closedir(folder)
        rmdir(path)
    }
}
