import CLinux
import Glibc

/// What accept(2) did.
package enum Accepted: ~Copyable {
    case connection(Descriptor, peer: SocketAddress)
    /// The backlog is empty.
    case wouldBlock
    /// The caller has given up before it was accepted: try the next.
    case abandoned
    /// No descriptor is free in the process or the system (EMFILE, ENFILE), or no memory for one.
    case exhausted
}

/// Who is at the other end of a unix socket (SO_PEERCRED).
package struct PeerCredentials: Hashable, Sendable {
    package let processID: Int32
    package let userID: UInt32
    package let groupID: UInt32
}

extension Descriptor {
    /// accept4(2): the connection is non-blocking and closed on exec.
    package borrowing func accept() throws(SystemError) -> Accepted {
        let raw = self.raw
        let (fd, code, peer) = SocketAddress.filled { clinux_accept4(raw, $0, $1) }
        if fd >= 0 { return .connection(Descriptor(owning: fd), peer: peer ?? .unix("")) }
        switch code {
        case EAGAIN: return .wouldBlock
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
        // accept(2): errors that are already pending on the new connection are to be treated like EAGAIN.
        case ECONNABORTED, EPERM, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
            ENETUNREACH, ETIMEDOUT:
            return .abandoned
        default: throw SystemError(code, "accept")
        }
    }

    /// getsockname(2).
    package borrowing func localAddress() throws(SystemError) -> SocketAddress {
        let raw = self.raw
        let (result, code, address) = SocketAddress.filled { getsockname(raw, $0, $1) }
        if result == -1 { throw SystemError(code, "getsockname") }
        guard let address else { throw SystemError(EAFNOSUPPORT, "getsockname") }
        return address
    }

    /// SO_PEERCRED of unix(7): the process that connected, or that listened.
    package borrowing func peerCredentials() throws(SystemError) -> PeerCredentials {
        let raw = self.raw
        var processID: Int32 = 0
        var userID: UInt32 = 0
        var groupID: UInt32 = 0
        try checked("getsockopt SO_PEERCRED") { clinux_peer_credentials(raw, &processID, &userID, &groupID) }
        return PeerCredentials(processID: processID, userID: userID, groupID: groupID)
    }

    /// SO_ERROR: how a connect that was started has ended; nil when it is connected.
    package borrowing func pendingError(_ call: String = "connect") throws(SystemError) -> SystemError? {
        let code = try option(SOL_SOCKET, SO_ERROR)
        return code == 0 ? nil : SystemError(code, call)
    }

    /// SO_SNDBUF: how much the kernel holds for a peer that does not read. The kernel doubles it for its bookkeeping.
    package borrowing func setSendBuffer(bytes: Int32) throws(SystemError) {
        try setOption(SOL_SOCKET, SO_SNDBUF, bytes)
    }

    /// SO_RCVBUF: how much the kernel takes for us before the peer has to wait; never less than a page or so.
    package borrowing func setReceiveBuffer(bytes: Int32) throws(SystemError) {
        try setOption(SOL_SOCKET, SO_RCVBUF, bytes)
    }

    /// SO_SNDBUF as the kernel keeps it: twice what was set.
    package borrowing func sendBufferBytes() throws(SystemError) -> Int32 { try option(SOL_SOCKET, SO_SNDBUF) }

    /// SIOCOUTQ of tcp(7) and unix(7): what was sent and the peer has not taken yet; nil where the kernel does not say.
    package borrowing func unsentBytes() -> Int? {
        var count: Int32 = 0
        return ioctl(raw, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : nil
    }

    /// TCP_NODELAY: what is sent leaves at once.
    package borrowing func setNoDelay() throws(SystemError) {
        try setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// TCP_USER_TIMEOUT: how long sent data may stay unacknowledged before the connection is given up.
    package borrowing func setUserTimeout(milliseconds: Int32) throws(SystemError) {
        try setOption(Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, milliseconds)
    }

    /// SO_KEEPALIVE of socket(7): the kernel asks after a peer from which nothing has come for so long, and again each such time;
    /// one that is silent for TCP_USER_TIMEOUT is given up.
    package borrowing func askAfterSilence(seconds: Int32) throws(SystemError) {
        try setOption(Int32(IPPROTO_TCP), TCP_KEEPIDLE, seconds)
        try setOption(Int32(IPPROTO_TCP), TCP_KEEPINTVL, seconds)
        try setOption(SOL_SOCKET, SO_KEEPALIVE, 1)
    }

    package enum Direction: Sendable { case receiving, sending, both }

    /// shutdown(2). A peer that is gone already is no error.
    package borrowing func shutDown(_ direction: Direction) {
        let how =
            switch direction {
            case .receiving: SHUT_RD
            case .sending: SHUT_WR
            case .both: SHUT_RDWR
            }
        _ = Glibc.shutdown(raw, Int32(how))
    }

    borrowing func setOption(_ level: Int32, _ name: Int32, _ value: Int32) throws(SystemError) {
        let raw = self.raw
        var value = value
        try checked("setsockopt") { setsockopt(raw, level, name, &value, socklen_t(MemoryLayout<Int32>.size)) }
    }

    private borrowing func option(_ level: Int32, _ name: Int32) throws(SystemError) -> Int32 {
        let raw = self.raw
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        try checked("getsockopt") { getsockopt(raw, level, name, &value, &length) }
        return value
    }
}
