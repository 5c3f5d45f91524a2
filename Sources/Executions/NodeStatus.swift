/// How an attempt of a node ended.
package enum NodeStatus: String, Sendable, CaseIterable {
    case success, error, skipped, cancelled, cached
}
