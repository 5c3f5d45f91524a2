/// Addresses that begin alike. IPv4 is taken as IPv6's `::ffff:0:0/96`, so that a peer is the same however it is written.
package struct Network: Sendable, Equatable {
    private let bits: UInt128
    private let length: Int

    /// An address, or `address/length`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = SocketAddress(host: String(parts[0]), port: 0), let bits = address.bits else { return nil }
        var length = 128
        if parts.count == 2 {
            let offset = if case .ipv4 = address { 96 } else { 0 }
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let given = Int(parts[1]),
                given + offset <= 128
            else { return nil }
            length = given + offset
        }
        self.length = length
        self.bits = Self.masked(bits, length)
    }

    package func contains(_ address: SocketAddress) -> Bool {
        address.bits.map { Self.masked($0, length) == bits } ?? false
    }

    private static func masked(_ bits: UInt128, _ length: Int) -> UInt128 {
        length == 0 ? 0 : bits & (UInt128.max << UInt128(128 - length))
    }
}

extension SocketAddress {
    /// The address as IPv6 has it; nil for unix sockets.
    package var bits: UInt128? {
        switch self {
        case .ipv4(let host, _): 0xFFFF_0000_0000 | UInt128(host)
        case .ipv6(let host, _, _): host
        case .unix: nil
        }
    }

    /// By what the holder of an address is counted: the address, or of IPv6 the first 64 bits, of which each customer has
    /// all that lie below. Nil for unix sockets.
    package var countingKey: UInt128? {
        guard let bits else { return nil }
        return bits >> 32 == 0xFFFF ? bits : (bits >> 64) << 64
    }
}
