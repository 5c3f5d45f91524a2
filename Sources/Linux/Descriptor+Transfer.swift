import CLinux
import Glibc

/// What one read or write did.
package enum Transfer: Equatable, Sendable {
    /// So many bytes went through; more than 0.
    case bytes(Int)
    /// Nothing now: wait for readiness (EAGAIN).
    case wouldBlock
    /// Read only: the peer has shut down its side; ours may still be written.
    case endOfStream
    /// The connection is gone in both directions (EPIPE, ECONNRESET, ETIMEDOUT).
    case closedByPeer
}

extension Descriptor {
    /// recv(2), for sockets.
    package borrowing func receive(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Transfer {
        let raw = self.raw
        let (count, code) = uninterrupted { Glibc.recv(raw, buffer.baseAddress, buffer.count, 0) }
        return try Transfer(reading: count, code, "recv")
    }

    /// read(2), for pipes and files.
    package borrowing func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Transfer {
        let raw = self.raw
        let (count, code) = uninterrupted { Glibc.read(raw, buffer.baseAddress, buffer.count) }
        return try Transfer(reading: count, code, "read")
    }

    /// send(2) with MSG_NOSIGNAL, for sockets. May take fewer bytes than given.
    package borrowing func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
        let raw = self.raw
        let flags = Int32(MSG_NOSIGNAL)
        let (count, code) = uninterrupted { Glibc.send(raw, bytes.baseAddress, bytes.count, flags) }
        return try Transfer(writing: count, code, "send")
    }

    /// sendmsg(2) with MSG_NOSIGNAL: several pieces in one call, for sockets. May stop anywhere. Of more than
    /// `piecesMax` pieces, the first ones are sent.
    package borrowing func send(
        pieces: some Collection<UnsafeRawBufferPointer>
    ) throws(SystemError) -> Transfer {
        let raw = self.raw
        let flags = Int32(MSG_NOSIGNAL)
        let capacity = min(pieces.count, Descriptor.piecesMax)
        let (count, code) = withUnsafeTemporaryAllocation(of: iovec.self, capacity: capacity) { vector in
            for (index, piece) in pieces.prefix(capacity).enumerated() {
                vector[index] = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count)
            }
            var message = msghdr()
            message.msg_iov = vector.baseAddress
            message.msg_iovlen = vector.count
            return uninterrupted { Glibc.sendmsg(raw, &message, flags) }
        }
        return try Transfer(writing: count, code, "sendmsg")
    }

    /// UIO_MAXIOV of readv(2) is 1,024; 64 pieces of a frame each amortize the call as well and fit on the stack.
    package static var piecesMax: Int { 64 }

    /// write(2), for pipes and files. A pipe without reader raises SIGPIPE unless it is ignored (`Signals.ignore`).
    package borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Transfer {
        let raw = self.raw
        let (count, code) = uninterrupted { Glibc.write(raw, bytes.baseAddress, bytes.count) }
        return try Transfer(writing: count, code, "write")
    }
}

extension Transfer {
    fileprivate init(reading count: Int, _ code: Int32, _ call: String) throws(SystemError) {
        switch (count, code) {
        case (1..., _): self = .bytes(count)
        case (0, _): self = .endOfStream
        case (_, EAGAIN): self = .wouldBlock
        case (_, ECONNRESET), (_, ETIMEDOUT), (_, EPIPE): self = .closedByPeer
        default: throw SystemError(code, call)
        }
    }

    fileprivate init(writing count: Int, _ code: Int32, _ call: String) throws(SystemError) {
        switch (count, code) {
        case (0..., _): self = .bytes(count)
        case (_, EAGAIN): self = .wouldBlock
        case (_, ECONNRESET), (_, ETIMEDOUT), (_, EPIPE): self = .closedByPeer
        default: throw SystemError(code, call)
        }
    }
}
