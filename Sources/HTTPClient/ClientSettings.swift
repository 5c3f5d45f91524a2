import Linux

/// Bounds and rules of all requests.
package struct ClientSettings: Sendable {
    /// Where requests go that no operator has chosen the server of: not there.
    package var deniedNetworks: [Network] = []
    /// Whether the proxies that the variables of the environment name are used.
    package var proxies: ProxyVariables?
    /// Authorities that are trusted beside those of the system: a file of PEM.
    package var authoritiesFile: String?
    package var connectionsMax = 4096
    package var connectionsPerHostMax = 2048
    /// For the connection, TLS with it.
    package var connectMilliseconds = 30_000
    package var redirectsMax = 5
    package var userAgent = "millrace"

    package init() {}

    /// Of all fields of a response, its redirects and interim ones counted apart: four times what most servers send at most.
    static let headBytesMax = 64 << 10
    /// Of a redirect's body, which nobody reads: beyond that the connection is not worth keeping.
    static let unreadBytesMax = 64 << 10
    /// Connections that are kept although nothing is sent on them.
    static let idleConnectionsMax = 64

    /// loopback, link-local and unspecified addresses, and where clouds keep the credentials of their machines.
    package static let deniedByDefault = [
        "127.0.0.0/8", "::1", "169.254.0.0/16", "fe80::/10", "0.0.0.0/8", "::", "fd00:ec2::254",
    ]
}
