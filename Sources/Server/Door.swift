import Linux

/// Where a connection came in and who is at its other end, as far as that decides what it may do.
final class Door {
    let peer: SocketAddress
    /// It came in by the socket in the state folder, where the key of that folder is as good as a token.
    let isAdministrative: Bool
    /// The user at the other end of such a socket (SO_PEERCRED).
    let userID: UInt32?
    /// What it says about where requests came from is believed.
    let isTrustedProxy: Bool

    /// Loopback, a unix socket or a trusted proxy: never limited for what it is itself.
    let isExempt: Bool
    let isUnix: Bool

    init(peer: SocketAddress, isAdministrative: Bool, userID: UInt32?, isTrustedProxy: Bool) {
        self.peer = peer
        self.isAdministrative = isAdministrative
        self.userID = userID
        self.isTrustedProxy = isTrustedProxy
        isExempt = peer.isLoopback || isTrustedProxy
        isUnix = if case .unix = peer { true } else { false }
    }

    /// The peer as the log has it.
    var peerText: String {
        isUnix ? "unix" : peer.host
    }
}

@available(*, unavailable)
extension Door: Sendable {}

/// The client behind a request: the peer, or whom a trusted proxy has named.
struct ClientOrigin {
    /// As the log has it.
    let text: String
    /// What limits count by; nil for those who have none.
    let key: UInt128?
}
