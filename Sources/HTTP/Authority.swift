import Glibc

/// The host and port of a `Host` field or an absolute target (RFC 9110, 7.2; RFC 3986, 3.2).
package struct Authority: Sendable, Equatable, CustomStringConvertible {
    /// Lower-case; an IPv6 address stands without its brackets.
    package let host: String
    /// Nil where none was written.
    package let port: UInt16?

    /// - Returns: nil unless `text` is a host name, an IPv4 address or an IPv6 address in brackets, and perhaps `:port`.
    package init?(_ text: String) {
        var text = text
        guard let parsed = text.withUTF8({ Authority(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = parsed
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first else { return nil }
        let isBracketed = first == UInt8(ascii: "[")
        let hostEnd: Int
        if isBracketed {
            guard let bracket = bytes.firstIndex(ofByte: UInt8(ascii: "]")) else { return nil }
            guard Self.isIPv6Address(bytes.part(1..<bracket)) else { return nil }
            hostEnd = bracket + 1
        } else {
            hostEnd = bytes.firstIndex(ofByte: ASCII.colon) ?? bytes.count
            guard hostEnd > 0, ByteSet.hostName.containsAll(bytes.part(0..<hostEnd)) else { return nil }
        }
        let tail = bytes.part(hostEnd..<bytes.count)
        if tail.isEmpty {
            port = nil
        } else {
            guard tail[0] == ASCII.colon, let number = ASCII.decimal(tail.dropFirst()),
                let value = UInt16(exactly: number)
            else { return nil }
            port = value
        }
        let host = isBracketed ? bytes.part(1..<hostEnd - 1) : bytes.part(0..<hostEnd)
        let isLowercase = host.allSatisfy { ASCII.lowercased($0) == $0 }
        self.host =
            isLowercase
            ? String(decoding: host, as: UTF8.self) : String(decoding: host.map(ASCII.lowercased), as: UTF8.self)
    }

    private static func isIPv6Address(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // 45 is the longest text form, with an IPv4 tail (INET6_ADDRSTRLEN without its NUL).
        guard bytes.count <= 45 else { return false }
        var address = in6_addr()
        return inet_pton(AF_INET6, String(decoding: bytes, as: UTF8.self), &address) == 1
    }

    /// Whether both name the same place when left-out ports mean `defaultPort`.
    package func isSame(as other: Authority, defaultPort: UInt16) -> Bool {
        host == other.host && (port ?? defaultPort) == (other.port ?? defaultPort)
    }

    /// As in a `Host` field.
    package var description: String {
        let name = host.utf8.contains(ASCII.colon) ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }
}
