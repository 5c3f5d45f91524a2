/// Who sends a request, and what they may do.
package final class Access: Sendable {
    package enum Holder: Sendable, Equatable {
        /// Somebody without credentials.
        case nobody
        /// Anybody at all: there are no tokens to tell people apart.
        case anyone
        /// A user of this host, known by the credentials of a unix socket's peer.
        case localUser(UInt32)
        case token(id: String, name: String)
        /// A browser that has shown a token once; `id` tells its sessions apart.
        case session(id: [UInt8], tokenID: String, name: String)
    }

    package let holder: Holder
    /// Nil: nothing that needs any.
    package let scope: Scope?
    /// The graphs that it is confined to; nil for none.
    package let graphs: Set<String>?
    package let expiresAtMicroseconds: Int64?

    package static let nobody = Access(.nobody, nil)
    package static let anyone = Access(.anyone, .admin)

    package init(_ holder: Holder, _ scope: Scope?, graphs: Set<String>? = nil, expiresAtMicroseconds: Int64? = nil) {
        self.holder = holder
        self.scope = scope
        self.graphs = graphs
        self.expiresAtMicroseconds = expiresAtMicroseconds
    }

    package static func localUser(_ id: UInt32) -> Access { Access(.localUser(id), .admin) }

    package func allows(_ needed: Scope) -> Bool {
        scope.map { $0 >= needed } ?? false
    }

    /// Whether it may know of a graph and what belongs to it.
    package func allows(graph id: String) -> Bool {
        graphs?.contains(id) ?? true
    }

    /// The token that stands behind it.
    package var tokenID: String? {
        switch holder {
        case .token(let id, _), .session(_, let id, _): id
        case .nobody, .anyone, .localUser: nil
        }
    }
}
