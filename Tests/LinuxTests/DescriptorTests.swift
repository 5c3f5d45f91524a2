import Glibc
import Linux
import Testing

@Suite struct DescriptorTests {
    private func isOpen(_ raw: Int32) -> Bool { fcntl(raw, F_GETFD) != -1 }

    // Other tests open descriptors meanwhile, so a number that was freed says little: each test has its own process.

    @Test func `a descriptor is closed when its owner drops it`() async {
        await #expect(processExitsWith: .success) {
            var raw: Int32 = -1
            do {
                let descriptor = try EventCounter().intoDescriptor()
                raw = descriptor.raw
                precondition(fcntl(raw, F_GETFD) == FD_CLOEXEC)
            }
            precondition(fcntl(raw, F_GETFD) == -1)
        }
    }

    @Test func `close closes, and nothing is closed after it`() async {
        await #expect(processExitsWith: .success) {
            let descriptor = try EventCounter().intoDescriptor()
            let raw = descriptor.raw
            try descriptor.close()
            // The number is free again, and it is not closed a second time when the scope ends.
            let reused = open("/dev/null", O_RDONLY)
            precondition(reused == raw)
            precondition(fcntl(raw, F_GETFD) != -1)
        }
    }

    @Test func `a released descriptor stays open`() throws {
        let raw = try EventCounter().intoDescriptor().release()
        #expect(isOpen(raw))
        #expect(close(raw) == 0)
    }

    @Test func `a descriptor that someone else has closed traps`() async {
        await #expect(processExitsWith: .failure) {
            let descriptor = try EventCounter().intoDescriptor()
            close(descriptor.raw)
        }
    }

    @Test func `everything that is made is closed on exec, and does not block where that is said`() throws {
        let pair = try Socket.pair()
        let pipe = try Pipe.make(nonBlocking: .reading)
        let listener = try Socket.listen(at: .ipv4(0x7F00_0001, port: 0))
        let client = try Socket.connect(to: listener.localAddress())
        guard case .connection(let accepted, _) = try listener.accept() else {
            Issue.record("nothing to accept")
            return
        }
        for raw in [
            pair.first.raw, pair.second.raw, pipe.first.raw, pipe.second.raw, listener.raw, client.raw, accepted.raw,
        ] {
            #expect(fcntl(raw, F_GETFD) == FD_CLOEXEC)
            #expect((fcntl(raw, F_GETFL) & O_NONBLOCK != 0) == (raw != pipe.second.raw))
        }
    }

    @Test func `reads and writes say what happened`() throws {
        let pair = try Socket.pair()
        try withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { buffer in
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<5])
            #expect(try pair.first.receive(into: buffer) == .wouldBlock)
            #expect(try pair.second.send(bytes) == .bytes(5))
            #expect(try pair.first.receive(into: buffer) == .bytes(5))
            pair.second.shutDown(.sending)
            #expect(try pair.first.receive(into: buffer) == .endOfStream)
            #expect(try pair.first.send(bytes) == .bytes(5), "the other direction is open")
            pair.second.shutDown(.both)
            #expect(try pair.first.send(bytes) == .closedByPeer)
            let listener = try Socket.listen(at: .ipv4(0x7F00_0001, port: 0))
            #expect(throws: SystemError.self) { try listener.receive(into: buffer) }
        }
    }

    @Test func `several pieces leave in one call`() throws {
        let pair = try Socket.pair()
        let first = Array("one ".utf8)
        let second = Array("two".utf8)
        let sent = try first.withUnsafeBytes { one in
            try second.withUnsafeBytes { two in try pair.first.send(pieces: [one, two]) }
        }
        #expect(sent == .bytes(7))
        try withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { buffer in
            let received = try pair.second.receive(into: buffer)
            #expect(received == .bytes(7))
            #expect(buffer[..<7].elementsEqual("one two".utf8))
        }
    }
}
