/// Where a node stands when somebody looks: how it has ended, or what becomes of it.
package enum NodeProgress: String, Sendable, CaseIterable {
    /// It has not started; in an execution that has ended, it never will.
    case pending
    /// An attempt runs, or the next one is waited for.
    case running
    /// It had started when the execution ended without it: by a restart of the daemon, or before its next attempt.
    case interrupted
    case success, error, skipped, cancelled, cached

    package init(_ status: NodeStatus) {
        switch status {
        case .success: self = .success
        case .error: self = .error
        case .skipped: self = .skipped
        case .cancelled: self = .cancelled
        case .cached: self = .cached
        }
    }
}
