import Linux

/// Which addresses may be connected to. An IPv4 address is known in all forms in which IPv6 carries one.
struct AddressPolicy {
    let denied: [Network]

    func allows(_ address: SocketAddress) -> Bool {
        if case .unix = address { return false }
        return !([address] + Self.carried(by: address)).contains { form in denied.contains { $0.contains(form) } }
    }

    /// The IPv4 addresses that a gateway may make of an IPv6 one.
    static func carried(by address: SocketAddress) -> [SocketAddress] {
        guard case .ipv6(let bits, let port, _) = address else { return [] }
        func four(_ bits: UInt128) -> SocketAddress { .ipv4(UInt32(truncatingIfNeeded: bits), port: port) }
        var carried: [SocketAddress] = []
        // Mapped and compatible (RFC 4291, 2.5.5), translated (RFC 2765).
        if bits >> 32 == 0xFFFF || bits >> 48 == 0xFFFF && bits >> 32 & 0xFFFF == 0 { carried.append(four(bits)) }
        if bits >> 32 == 0, bits > 1 { carried.append(four(bits)) }
        // NAT64 (RFC 6052; of RFC 8215 the last 32 bits, as its gateways have it).
        if bits >> 32 == 0x0064_FF9B_0000_0000_0000_0000 || bits >> 80 == 0x0064_FF9B_0001 {
            carried.append(four(bits))
        }
        // 6to4 (RFC 3056) and Teredo (RFC 4380), which hides the client's address.
        if bits >> 112 == 0x2002 { carried.append(four(bits >> 80)) }
        if bits >> 96 == 0x2001_0000 { carried.append(four(~bits)) }
        // ISATAP (RFC 5214).
        if bits >> 32 & 0xFCFF_FFFF == 0x0000_5EFE { carried.append(four(bits)) }
        return carried
    }
}
