/// How an attempt of a node ended.
package enum NodeStatus: String, BitwiseCopyable, Sendable, CaseIterable {
    case success, error, skipped, cancelled, cached

    /// Its place among all: part of the stored form of events.
    package var place: Int {
        switch self {
        case .success: 0
        case .error: 1
        case .skipped: 2
        case .cancelled: 3
        case .cached: 4
        }
    }

    /// `rawValue`, where a string is too dear.
    package var name: StaticString {
        switch self {
        case .success: "success"
        case .error: "error"
        case .skipped: "skipped"
        case .cancelled: "cancelled"
        case .cached: "cached"
        }
    }
}
