import Glibc

/// Looks names up, as all programs of the host do.
package enum NameLookup {
    /// A name without an address, and why, in the words of gai_strerror(3).
    package struct Failure: Error, Sendable, Equatable {
        package let reason: String

        package init(reason: String) {
            self.reason = reason
        }
    }

    /// getaddrinfo(3), for stream sockets. May take seconds.
    package static func addresses(of host: String, port: UInt16) throws(Failure) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &first)
        guard code == 0 else {
            throw Failure(reason: String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(first) }
        var found: [SocketAddress] = []
        var entry = first
        while let info = entry?.pointee {
            if let address = numeric(info, port: port) { found.append(address) }
            entry = info.ai_next
        }
        return found
    }

    /// getnameinfo(3): the entry's address as text, which is what `SocketAddress` reads.
    private static func numeric(_ info: addrinfo, port: UInt16) -> SocketAddress? {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let flags = NI_NUMERICHOST
        guard getnameinfo(info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, flags) == 0 else {
            return nil
        }
        let end = text.firstIndex(of: 0) ?? text.count
        return SocketAddress(
            host: String(decoding: text[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self), port: port)
    }
}
