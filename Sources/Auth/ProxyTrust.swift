import Linux

/// Whose word on where a request came from is believed (`X-Forwarded-For`; `Forwarded`, RFC 7239).
package struct ProxyTrust: Sendable {
    /// A chain of proxies is short; what is longer was made up.
    private static let hopsMax = 32

    private let networks: [Network]
    /// Whether whoever connects to a unix socket is a proxy.
    private let trustsUnixSockets: Bool

    package enum Origin: Equatable, Sendable {
        /// Nothing was forwarded.
        case peer
        /// The last address that is no trusted proxy's.
        case client(SocketAddress)
        /// The fields do not say.
        case unknown
        /// The two fields name different clients, so one of them came from the client itself.
        case contradictory
    }

    /// - Parameter peers: addresses, networks or `unix`; others are left out.
    package init(_ peers: [String]) {
        networks = peers.compactMap { Network($0) }
        trustsUnixSockets = peers.contains("unix")
    }

    package func trusts(_ peer: SocketAddress) -> Bool {
        if case .unix = peer { return trustsUnixSockets }
        return networks.contains { $0.contains(peer) }
    }

    /// Where a request came from that a trusted proxy has sent.
    package func origin(forwardedFor: [String], forwarded: [String]) -> Origin {
        switch (hops(forwardedFor), ForwardedField.elements(forwarded)) {
        case ([], []): .peer
        case (let hops, []): client(hops)
        case ([], let elements): client(elements.map { $0["for"] ?? "" })
        case (let hops, let elements):
            client(hops) == client(elements.map { $0["for"] ?? "" }) ? client(hops) : .contradictory
        }
    }

    /// From the nearest on: whoever is trusted has named the one before.
    private func client(_ hops: [String]) -> Origin {
        var last: SocketAddress?
        for hop in hops.reversed().prefix(Self.hopsMax) {
            guard let address = Self.address(hop) else { return .unknown }
            last = address
            if !networks.contains(where: { $0.contains(address) }) { return .client(address) }
        }
        return last.map { .client($0) } ?? .unknown
    }

    private func hops(_ values: [String]) -> [String] {
        values.flatMap { $0.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) }.map {
            ForwardedField.trimmed($0)
        }
    }

    /// The address without the port, which differs from one connection to the next: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
    static func address(_ text: String) -> SocketAddress? {
        // Names are nobody's address.
        guard let first = text.utf8.first, first == UInt8(ascii: "[") || first == UInt8(ascii: ":") || isHex(first)
        else {
            return nil
        }
        if let address = SocketAddress(host: text, port: 0) { return address }
        let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
        return first == UInt8(ascii: "[") || colons == 1
            ? SocketAddress(text).flatMap { SocketAddress(host: $0.host, port: 0) } : nil
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }
}

/// The field `Forwarded` (RFC 7239, 4): elements between commas, of parameters between semicolons.
package enum ForwardedField {
    /// Parameters by their small-letter names. Bytes are looked at, never characters: a combining mark must not hide a comma.
    package static func elements(_ values: [String]) -> [[String: String]] {
        values.flatMap { split(Array($0.utf8)[...], at: UInt8(ascii: ",")) }.map { element in
            var parameters: [String: String] = [:]
            for pair in split(element, at: UInt8(ascii: ";")) {
                let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { continue }
                let name = trimmed(parts[0]).lowercased()
                // A parameter must come once only; of two, neither is to be believed.
                parameters[name] = parameters[name] == nil ? unquoted(trimmed(parts[1])) : ""
            }
            return parameters
        }
    }

    static func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> String {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        let start = bytes.drop(while: isBlank)
        guard let end = start.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(decoding: start[...end], as: UTF8.self)
    }

    private static func split(_ bytes: ArraySlice<UInt8>, at separator: UInt8) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in bytes.indices {
            if isEscaped {
                isEscaped = false
            } else if bytes[index] == separator, !isQuoted {
                parts.append(bytes[start..<index])
                start = index + 1
            } else if bytes[index] == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if bytes[index] == UInt8(ascii: "\\"), isQuoted {
                isEscaped = true
            }
        }
        return parts + [bytes[start...]]
    }

    private static func unquoted(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard bytes.count >= 2, bytes.first == UInt8(ascii: "\""), bytes.last == UInt8(ascii: "\"") else { return text }
        var result: [UInt8] = []
        var isEscaped = false
        for byte in bytes.dropFirst().dropLast() {
            if byte == UInt8(ascii: "\\"), !isEscaped {
                isEscaped = true
                continue
            }
            isEscaped = false
            result.append(byte)
        }
        return String(decoding: result, as: UTF8.self)
    }
}
