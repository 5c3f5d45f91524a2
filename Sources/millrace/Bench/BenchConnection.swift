import HTTP
import Linux
import Reactor

/// One client of the load generator: a connection that sends a prepared request and reads responses, on the reactor.
final class BenchConnection: ReadinessHandler {
    /// What a response has brought; called on the reactor.
    enum Progress {
        /// A piece of a body.
        case body(UnsafeRawBufferPointer)
        /// A response is whole; the connection may send again.
        case end(status: Int)
        case failed(CommandFailure)
    }

    private static let readBytesMax = 256 << 10
    // because the load generator has one reactor, and this is touched on its thread only
    private nonisolated(unsafe) static let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: readBytesMax, alignment: 16)

    private let reactor: Reactor
    private let descriptor: Descriptor
    private let progress: (BenchConnection, Progress) -> Void
    private var slot: Slot?
    private var parser = ResponseParser()
    private var unsent: ArraySlice<UInt8> = []
    private var status = 0
    /// When the request that is being answered was sent, by the monotonic clock.
    private(set) var sentAtNanoseconds: Int64 = 0

    init(
        to address: SocketAddress, on reactor: Reactor, _ progress: @escaping (BenchConnection, Progress) -> Void
    ) throws(SystemError) {
        self.reactor = reactor
        self.progress = progress
        descriptor = try Socket.connect(to: address)
        slot = try reactor.register(descriptor, .stream, self)
    }

    func send(_ request: [UInt8]) {
        sentAtNanoseconds = SystemClock.monotonicNanoseconds()
        unsent = request[...]
        write()
    }

    func close() {
        guard let slot = slot.take() else { return }
        reactor.deregister(slot)
        descriptor.shutDown(.both)
    }

    func ready(_ readiness: Readiness) {
        if readiness.contains(.writable), !unsent.isEmpty { write() }
        if readiness.contains(.readable) || readiness.contains(.peerFinished) { read() }
    }

    func flush() {
        read()
    }

    private func write() {
        while !unsent.isEmpty {
            guard case .bytes(let count)? = try? unsent.withUnsafeBytes({ try descriptor.send($0) }) else { return }
            unsent = unsent.dropFirst(count)
        }
    }

    private func read() {
        while slot != nil {
            switch try? descriptor.receive(into: Self.buffer) {
            case .bytes(let count):
                parse(UnsafeRawBufferPointer(rebasing: Self.buffer[..<count]))
                if count < Self.readBytesMax { return }
            case .wouldBlock: return
            case .endOfStream, .closedByPeer, nil:
                fail(CommandFailure("the daemon closed the connection", status: .unreachable))
            }
        }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        // The end of a body of known length comes after its last byte, without any more.
        while slot != nil {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            let (step, consumed) = parser.consume(rest)
            offset += consumed
            switch step {
            case .needsMore: return
            case .head(let head): status = head.status.code
            case .body(let range): progress(self, .body(UnsafeRawBufferPointer(rebasing: rest[range])))
            case .end: progress(self, .end(status: status))
            case .fault(let fault): fail(CommandFailure(fault.detail))
            }
        }
    }

    private func fail(_ failure: CommandFailure) {
        close()
        progress(self, .failed(failure))
    }
}
