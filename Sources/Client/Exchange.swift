import Glibc
import HTTP
import Linux

/// One request on a connection of its own, and the response to it as it comes in.
struct Exchange: ~Copyable {
    private let carrier: Carrier
    private let interrupt: Int32?
    private var parser = ResponseParser()
    private let buffer: UnsafeMutableRawBufferPointer
    private var unread = 0..<0
    private var isClosed = false

    /// A turn's worth of events; frames are at most that large on the other side as well.
    private static let bufferBytes = 64 * 1024

    enum Step {
        case head(ResponseParser.Head)
        /// Where a piece of the body lies: see `withBody`. Valid until the next step.
        case body(Range<Int>)
        case end
        case timedOut
    }

    private init(_ carrier: consuming Carrier, interrupt: Int32?) {
        self.carrier = carrier
        self.interrupt = interrupt
        buffer = .allocate(byteCount: Self.bufferBytes, alignment: 16)
    }

    deinit { buffer.deallocate() }

    /// The next thing that the response brings, or `timedOut`, after which it may be asked again.
    mutating func next(deadlineNanoseconds: Int64) throws(ClientError) -> Step {
        while true {
            let (step, consumed) = parser.consume(UnsafeRawBufferPointer(rebasing: buffer[unread]))
            let start = unread.lowerBound
            unread = start + consumed..<unread.upperBound
            switch step {
            case .head(let head): return .head(head)
            case .body(let range): return .body(start + range.lowerBound..<start + range.upperBound)
            case .end: return .end
            case .fault(let fault): throw .malformed(fault.detail)
            case .needsMore:
                if isClosed { return try ended() }
                guard try fill(deadlineNanoseconds) else { return .timedOut }
            }
        }
    }

    /// The bytes of a piece of the body.
    func withBody<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(rebasing: buffer[range]))
    }

    private mutating func ended() throws(ClientError) -> Step {
        switch parser.close() {
        case .end: return .end
        case nil: throw .connectionLost("the daemon closed it without an answer")
        default: throw .connectionLost("the daemon closed it in the middle of an answer")
        }
    }

    /// Reads what is there next. False: nothing before the deadline.
    private mutating func fill(_ deadline: Int64) throws(ClientError) -> Bool {
        while true {
            switch try carrier.receive(into: buffer) {
            case .bytes(let count):
                unread = 0..<count
                return true
            case .endOfStream:
                isClosed = true
                return true
            case .closedByPeer: throw .connectionLost("the daemon has gone away")
            case .wouldBlock: break
            }
            switch Poll.wait(carrier.descriptor, deadlineNanoseconds: deadline, interrupt: interrupt) {
            case .timedOut: return false
            case .interrupted: throw .interrupted
            case .ready: break
            }
        }
    }

    private func send(_ request: UnsafeRawBufferPointer, _ deadline: Int64) throws(ClientError) {
        var offset = 0
        while offset < request.count {
            switch try carrier.send(UnsafeRawBufferPointer(rebasing: request[offset...])) {
            case .bytes(let count): offset += count
            case .endOfStream, .closedByPeer: return
            case .wouldBlock:
                switch Poll.wait(
                    carrier.descriptor, for: .writable, deadlineNanoseconds: deadline, interrupt: interrupt)
                {
                case .ready: break
                case .interrupted: throw .interrupted
                case .timedOut: throw .connectionLost("the daemon does not take the request")
                }
            }
        }
    }
}

extension Exchange {
    /// Connects and sends. A peer that closes before it has taken everything may have answered already.
    static func open(
        _ request: [UInt8], to address: ServerAddress, deadlineNanoseconds: Int64, interrupt: Int32?
    ) throws(ClientError) -> Exchange {
        let exchange = Exchange(try connect(to: address, deadlineNanoseconds, interrupt), interrupt: interrupt)
        let sent = request.withUnsafeBytes { bytes in
            Result { () throws(ClientError) in try exchange.send(bytes, deadlineNanoseconds) }
        }
        try sent.get()
        return exchange
    }

    private static func connect(
        to address: ServerAddress, _ deadline: Int64, _ interrupt: Int32?
    ) throws(ClientError) -> Carrier {
        if address.isSecure {
            return .secure(
                try SecureConnection.open(to: address, deadlineNanoseconds: deadline, interrupt: interrupt))
        }
        let connected = try connectSocket(to: address, deadline, interrupt)
        return .plain(connected.socket)
    }

    /// A socket, and which of the addresses took it.
    private struct Connected: ~Copyable {
        let socket: Descriptor
        let address: SocketAddress
    }

    /// Tries the addresses in turn.
    private static func connectSocket(
        to address: ServerAddress, _ deadline: Int64, _ interrupt: Int32?
    ) throws(ClientError) -> Connected {
        var reason = "the name has no address"
        for candidate in try address.resolve() {
            let outcome: Poll.Outcome
            do throws(SystemError) {
                let socket = try Socket.startConnecting(to: candidate)
                outcome = Poll.wait(
                    socket.raw, for: .writable, deadlineNanoseconds: deadline, interrupt: interrupt)
                if outcome == .ready {
                    guard let error = try socket.pendingError() else {
                        return Connected(socket: socket, address: candidate)
                    }
                    throw error
                }
            } catch {
                reason = "\(error.code)"
                continue
            }
            if outcome == .interrupted { throw .interrupted }
            reason = "no answer in time"
        }
        throw .unreachable([.init(address: address.description, reason: reason)])
    }

    /// Whether something accepts connections there; nothing is sent.
    static func probe(_ address: ServerAddress, deadlineNanoseconds: Int64, interrupt: Int32?) throws(ClientError) {
        _ = try connect(to: address, deadlineNanoseconds, interrupt)
    }

    /// Which socket address of a plain one accepts connections; nothing is sent.
    static func reachableAddress(
        of address: ServerAddress, deadlineNanoseconds: Int64
    ) throws(ClientError) -> SocketAddress {
        try connectSocket(to: address, deadlineNanoseconds, nil).address
    }
}
