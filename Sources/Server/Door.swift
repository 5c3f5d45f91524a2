import Auth
import Glibc
import Linux

/// Where a connection came in and who is at its other end, as far as that decides what it may do.
final class Door {
    let peer: SocketAddress
    /// It came in by the socket in the state folder, which is for the commands of the daemon's own user.
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

extension PeerCredentials {
    /// The user, unless it is node code that has connected: it runs as the daemon's user, and is not that user's word.
    var administrator: UInt32? {
        // Code that a daemon without privileges has started never becomes root.
        if userID == 0, geteuid() != 0 { return userID }
        return ProcessAncestry.descendsFromThis(processID) ? nil : userID
    }
}

/// The client behind a request: the peer, or whom a trusted proxy has named.
struct ClientOrigin {
    /// As the log has it.
    let text: String
    /// What limits count by; nil for those who have none.
    let key: UInt128?
}
