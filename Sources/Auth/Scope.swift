/// What a token lets its holder do. Each scope includes the smaller ones.
package enum Scope: Int, Sendable, CaseIterable, Comparable {
    /// Look at graphs, executions, their events and the metrics.
    case read
    /// Start, cancel, rerun and delete executions.
    case run
    /// Change graphs. Where kinds of nodes that run code are enabled, this is as powerful as a shell.
    case edit
    /// Make and revoke tokens.
    case admin

    package var name: String {
        switch self {
        case .read: "read"
        case .run: "run"
        case .edit: "edit"
        case .admin: "admin"
        }
    }

    package init?(_ name: some StringProtocol) {
        guard let scope = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = scope
    }

    /// Its own name and those of the smaller ones, the smallest first.
    package var names: [String] { Self.allCases.filter { $0 <= self }.map(\.name) }

    package static func < (left: Scope, right: Scope) -> Bool { left.rawValue < right.rawValue }
}
