import Glibc
import HTTP
import Linux

/// Where a daemon listens: `unix:PATH`, `http://HOST:PORT` or `HOST:PORT`. Without a port, `http://` means 80.
package struct ServerAddress: Sendable, Hashable, LosslessStringConvertible {
    private enum Place: Sendable, Hashable {
        case unix(SocketAddress)
        case network(host: String, port: UInt16)
    }

    private let place: Place
    /// In the form that says the most: `unix:PATH` or `http://HOST:PORT`.
    package let description: String
    /// What the `Host` field says (RFC 9110, 7.2). A unix socket has no authority, so the name there is arbitrary.
    package let authority: String

    /// - Returns: nil unless `text` has one of the three forms.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            guard let address = SocketAddress(text) else { return nil }
            place = .unix(address)
            description = text
            authority = "localhost"
            return
        }
        let scheme = "http://"
        let hasScheme = text.lowercased().hasPrefix(scheme)
        var rest = hasScheme ? text.dropFirst(scheme.count) : text[...]
        if hasScheme, rest.last == "/" { rest = rest.dropLast() }
        guard let authority = Authority(String(rest)) else { return nil }
        guard let port = authority.port ?? (hasScheme ? 80 : nil), port > 0 else { return nil }
        place = .network(host: authority.host, port: port)
        self.authority = authority.description
        description = scheme + authority.description
    }

    /// Whether it is a unix socket's.
    package var isUnix: Bool {
        if case .unix = place { return true }
        return false
    }

    /// The addresses to try, in order. A name is looked up, which may take seconds.
    func resolve() throws(ClientError) -> [SocketAddress] {
        switch place {
        case .unix(let address): return [address]
        case .network(let host, let port):
            if let address = SocketAddress(host: host, port: port) { return [address] }
            return try Self.lookUp(host, port: port)
        }
    }

    /// getaddrinfo(3), for stream sockets.
    private static func lookUp(_ host: String, port: UInt16) throws(ClientError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &first)
        guard code == 0 else {
            let reason = String(cString: gai_strerror(code))
            throw .unreachable([.init(address: "http://\(host):\(port)", reason: reason)])
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
