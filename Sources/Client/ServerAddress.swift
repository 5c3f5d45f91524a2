import HTTP
import Linux

/// Where a daemon is: `unix:PATH`, `HOST:PORT`, `http://HOST:PORT` or `https://HOST:PORT`, with the path behind which a proxy
/// has it, if it does. Without a port the schemes mean 80 and 443.
package struct ServerAddress: Sendable, Hashable, LosslessStringConvertible {
    private enum Place: Sendable, Hashable {
        case unix(SocketAddress)
        case network(host: String, port: UInt16)
    }

    private let place: Place
    /// In the form that says the most: `unix:PATH`, or a URL that does not end in a slash.
    package let description: String
    /// What the `Host` field says (RFC 9110, 7.2). A unix socket has no authority, so the name there is arbitrary.
    package let authority: String
    /// Whether it is spoken to by TLS.
    package let isSecure: Bool
    /// What stands before the daemon's own paths: nothing, or a path such as `/millrace`.
    let prefix: String

    /// - Returns: nil unless `text` has one of the forms.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            guard let address = SocketAddress(text) else { return nil }
            place = .unix(address)
            description = text
            authority = "localhost"
            (isSecure, prefix) = (false, "")
            return
        }
        let scheme = ["http://", "https://"].first { text.lowercased().hasPrefix($0) }
        let rest = text.dropFirst(scheme?.count ?? 0)
        let slash = scheme == nil ? rest.endIndex : rest.firstIndex(of: "/") ?? rest.endIndex
        guard let authority = Authority(String(rest[..<slash])), let prefix = Self.prefix(rest[slash...]) else {
            return nil
        }
        isSecure = scheme == "https://"
        let usual: UInt16? = scheme.map { $0 == "https://" ? 443 : 80 }
        guard let port = authority.port ?? usual, port > 0 else { return nil }
        place = .network(host: authority.host, port: port)
        self.authority = authority.description
        self.prefix = prefix
        description = (scheme ?? "http://") + authority.description + prefix
    }

    /// The path without the slashes at its end, if it is one of plain segments.
    private static func prefix(_ path: Substring) -> String? {
        var path = path
        while path.last == "/" { path = path.dropLast() }
        guard path.wholeMatch(of: /(\/[A-Za-z0-9._~-]+)*/) != nil else { return nil }
        return path.split(separator: "/").contains { $0 == "." || $0 == ".." } ? nil : String(path)
    }

    /// Whether it is a unix socket's.
    package var isUnix: Bool {
        if case .unix = place { return true }
        return false
    }

    /// Whether what is sent there without TLS can be read by others on the way.
    package var isExposed: Bool { !isSecure && !isLocal }

    /// Whether it is on this host, as far as its name tells.
    var isLocal: Bool {
        guard case .network(let host, _) = place else { return true }
        return SocketAddress(host: host, port: 1)?.isLoopback ?? host.hasSuffix(".localhost")
    }

    /// The same place by the other scheme.
    var secure: String { "https://\(authority)\(prefix)" }
    var plain: String { "http://\(authority)\(prefix)" }

    /// The addresses to try, in order. A name is looked up, which may take seconds.
    func resolve() throws(ClientError) -> [SocketAddress] {
        switch place {
        case .unix(let address): return [address]
        case .network(let host, let port):
            if let address = SocketAddress(host: host, port: port) { return [address] }
            do {
                return try NameLookup.addresses(of: host, port: port)
            } catch {
                throw .unreachable([.init(address: "http://\(host):\(port)", reason: error.reason)])
            }
        }
    }
}
