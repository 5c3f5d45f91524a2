import CLinux
import Glibc

/// Where a socket listens or comes from. The text forms are `127.0.0.1:8080`, `[::1]:8080` and `unix:/run/x.sock`
/// (`unix:@name` is the abstract namespace, `unix:` an unnamed peer). Names are not looked up, but for `localhost`.
package enum SocketAddress: Hashable, Sendable {
    /// The address in host order.
    case ipv4(UInt32, port: UInt16)
    /// The address in host order, and the interface of a link-local one (else 0).
    case ipv6(UInt128, port: UInt16, scope: UInt32 = 0)
    case unix(String)

    /// sun_path of unix(7) holds 108 bytes, the last a zero.
    package static let unixPathBytesMax = 107

    /// The port, nil for unix sockets.
    package var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port, _): port
        case .unix: nil
        }
    }

    /// True for 127.0.0.0/8 (also mapped into IPv6), ::1 and every unix socket.
    package var isLoopback: Bool {
        switch self {
        case .ipv4(let host, _): host >> 24 == 127
        case .ipv6(let host, _, _): host == 1 || host >> 24 == 0xFFFF_7F
        case .unix: true
        }
    }

    /// The address without the port: the text by which peers are counted and logged.
    package var host: String {
        switch self {
        case .ipv4(let host, _): presentation(AF_INET, withUnsafeBytes(of: host.bigEndian) { Array($0) })
        case .ipv6(let host, _, _): presentation(AF_INET6, withUnsafeBytes(of: host.bigEndian) { Array($0) })
        case .unix(let path): path
        }
    }
}

extension SocketAddress: LosslessStringConvertible {
    /// Nil when the text is no address: an unknown form, a port over 65535, a unix path that is empty or too long.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard !path.isEmpty, path.utf8.count <= Self.unixPathBytesMax, !path.utf8.contains(0) else { return nil }
            self = .unix(path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
            return nil
        }
        self.init(host: String(text[..<colon]), port: port)
    }

    /// `host` is dotted IPv4, IPv6 with or without brackets, or `localhost`; nil when it is anything else.
    package init?(host: String, port: UInt16) {
        if host == "localhost" {
            self = .ipv4(0x7F00_0001, port: port)
            return
        }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 {
            self = .ipv4(UInt32(bigEndian: four.s_addr), port: port)
            return
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        var six = in6_addr()
        guard inet_pton(AF_INET6, isBracketed ? String(host.dropFirst().dropLast()) : host, &six) == 1 else {
            return nil
        }
        self = .ipv6(withUnsafeBytes(of: six) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }, port: port)
    }

    package var description: String {
        switch self {
        case .ipv4(_, let port): "\(host):\(port)"
        case .ipv6(_, let port, _): "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt16(text)
    }

    private func presentation(_ family: Int32, _ bytes: [UInt8]) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            guard inet_ntop(family, bytes, text.baseAddress, socklen_t(text.count)) != nil else { return "" }
            return String(cString: text.baseAddress!)
        }
    }
}
