import CLinux
import Glibc

/// Makes sockets. All are streams, closed on exec and non-blocking unless it is said.
package enum Socket {
    /// A non-blocking listening socket: socket(2), SO_REUSEADDR, bind(2), listen(2).
    ///
    /// A unix socket file that nobody accepts on is replaced; one that answers is `addressInUse`, and so is a file
    /// that is no socket. `unixMode` are the permissions of the file from the first moment on.
    package static func listen(
        at address: SocketAddress, backlog: Int32 = 4096, unixMode: UInt32 = 0o660
    ) throws(SystemError) -> Descriptor {
        let socket = try make(address.family)
        if case .unix(let path) = address {
            try bindUnix(socket, address, path, unixMode)
        } else {
            try socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
            // An IPv6 wildcard must not take IPv4 along: each address that is listed is its own listener.
            if case .ipv6 = address { try socket.setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
            try bind(socket, address)
        }
        let raw = socket.raw
        try checked("listen \(address)") { Glibc.listen(raw, backlog) }
        return socket
    }

    /// Takes over a listening socket that the service manager has opened; `localAddress` says where it listens.
    /// Throws `invalidArgument` for a socket that does not listen, `notSocket` for what is none.
    package static func adoptListener(_ raw: Int32) throws(SystemError) -> Descriptor {
        var isListening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        try checked("getsockopt \(raw)") { getsockopt(raw, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) }
        guard isListening != 0 else { throw SystemError(.invalidArgument, "accept \(raw)") }
        let socket = Descriptor(owning: raw)
        try socket.setClosedOnExec()
        try socket.setBlocking(false)
        return socket
    }

    /// A connected socket, by connect(2) that waits; the socket does not block afterwards.
    package static func connect(to address: SocketAddress) throws(SystemError) -> Descriptor {
        let socket = try make(address.family)
        try socket.setBlocking(true)
        let raw = socket.raw
        let (result, code) = address.withKernelAddress { pointer, length in
            uninterrupted { Glibc.connect(raw, pointer, length) }
        }
        // A second connect after EINTR finds the connection made.
        if result == -1, code != EISCONN { throw SystemError(code, "connect \(address)") }
        try socket.setBlocking(false)
        return socket
    }

    /// A socket that is connecting: it becomes writable when `pendingError` tells the outcome.
    package static func startConnecting(to address: SocketAddress) throws(SystemError) -> Descriptor {
        let socket = try make(address.family)
        let raw = socket.raw
        let (result, code) = address.withKernelAddress { pointer, length in
            uninterrupted { Glibc.connect(raw, pointer, length) }
        }
        if result == -1, code != EINPROGRESS { throw SystemError(code, "connect \(address)") }
        return socket
    }

    /// socketpair(2) of unix stream sockets.
    package static func pair() throws(SystemError) -> DescriptorPair {
        var ends: (Int32, Int32) = (-1, -1)
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        try checked("socketpair") {
            withUnsafeMutablePointer(to: &ends) { pointer in
                pointer.withMemoryRebound(to: Int32.self, capacity: 2) { socketpair(AF_UNIX, type, 0, $0) }
            }
        }
        return DescriptorPair(first: Descriptor(owning: ends.0), second: Descriptor(owning: ends.1))
    }

    private static func make(_ family: Int32) throws(SystemError) -> Descriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        return Descriptor(owning: try checked("socket") { socket(family, type, 0) })
    }

    private static func bind(_ socket: borrowing Descriptor, _ address: SocketAddress) throws(SystemError) {
        let raw = socket.raw
        try checked("bind \(address)") { address.withKernelAddress { Glibc.bind(raw, $0, $1) } }
    }

    private static func bindUnix(
        _ socket: borrowing Descriptor, _ address: SocketAddress, _ path: String, _ mode: UInt32
    ) throws(SystemError) {
        let raw = socket.raw
        // bind(2) makes the file with the mode of the socket's own inode: no moment with wider permissions.
        try checked("fchmod \(address)") { fchmod(raw, mode) }
        do {
            try bind(socket, address)
        } catch {
            guard error.code == .addressInUse, isStale(path, address) else { throw error }
            try checked("unlink \(path)") { unlink(path) }
            try bind(socket, address)
        }
        if path.hasPrefix("@") { return }
        // The umask may have taken bits away that the mode grants.
        try checked("chmod \(path)") { chmod(path, mode) }
    }

    private static func isStale(_ path: String, _ address: SocketAddress) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        do {
            _ = try startConnecting(to: address)
            return false
        } catch {
            return error.code == .connectionRefused
        }
    }
}

/// Two connected descriptors: a pipe's reading and writing end, or two equal sockets.
package struct DescriptorPair: ~Copyable {
    package let first: Descriptor
    package let second: Descriptor

    /// Keeps the first and closes the second.
    package consuming func takeFirst() -> Descriptor { first }

    /// Keeps the second and closes the first.
    package consuming func takeSecond() -> Descriptor { second }

    /// Takes the pair apart.
    package consuming func take(_ body: (consuming Descriptor, consuming Descriptor) -> Void) {
        body(first, second)
    }

    init(first: consuming Descriptor, second: consuming Descriptor) {
        self.first = first
        self.second = second
    }
}
