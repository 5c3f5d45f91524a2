import JSON

/// How far a node has come that runs a graph for each of some items, or again and again: as far as its own events tell.
struct RunViewProgress: Equatable, Sendable {
    struct FailedItem: Equatable, Sendable {
        let index: Int
        let message: String
    }

    /// Failed items that are shown one by one; the rest is counted.
    static let shownMax = 3
    private static let messageBytesMax = 512
    private static let barColumns = 20

    /// Of a `repeat` the most there may be.
    private(set) var total: Int?
    private(set) var runningCount = 0
    private(set) var doneCount = 0
    private(set) var failedCount = 0
    /// The first ones.
    private(set) var failed: [FailedItem] = []

    /// Takes what a node says on the channel `scope` or `item`.
    /// - Returns: whether it was about an item or iteration.
    mutating func take(_ channel: String, _ data: JSONText) -> Bool {
        guard let index = data["index"]?.int else { return false }
        guard channel == "item" else {
            total = data["total"]?.int ?? total
            runningCount += 1
            return true
        }
        runningCount = max(0, runningCount - 1)
        switch data["status"]?.string {
        case "success", "cached": doneCount += 1
        case "error": fail(index, data["error"]?.string ?? "")
        default: break
        }
        return true
    }

    private mutating func fail(_ index: Int, _ message: String) {
        failedCount += 1
        guard failed.count < Self.shownMax else { return }
        let text = String(decoding: message.utf8.prefix(Self.messageBytesMax), as: UTF8.self)
        failed.append(FailedItem(index: index, message: text))
    }

    /// A further attempt takes over what has succeeded, and runs the rest.
    mutating func begin() {
        (runningCount, failedCount, failed) = (0, 0, [])
    }
}

extension RunViewProgress {
    /// What stands on the node's own line.
    func line(isMap: Bool, isOpen: Bool) -> StyledLine {
        var line = StyledLine()
        let endedCount = doneCount + failedCount
        guard isMap else {
            let limit = total.map { " of at most \($0)" } ?? ""
            line.append(isOpen ? "iteration \(endedCount + 1)\(limit)" : "\(endedCount) iterations", .dim)
            return line
        }
        if isOpen, let total, total > 0 {
            let columns = min(endedCount, total) * Self.barColumns / total
            line.append(String(repeating: "█", count: columns), .green)
            line.append(String(repeating: "░", count: Self.barColumns - columns) + " ", .dim)
        }
        line.append(isOpen ? "\(endedCount)/\(total ?? endedCount)" : "\(endedCount) items", .dim)
        if isOpen { line.append(", \(runningCount) running", .dim) }
        if failedCount > 0 { line.append(", \(failedCount) failed", .red) }
        return line
    }

    /// What stands beneath it: the items that failed.
    var failedLines: [StyledLine] {
        var lines = failed.map { StyledLine("      [\($0.index)] \($0.message)", .red) }
        if failedCount > failed.count {
            lines.append(StyledLine("      … \(failedCount - failed.count) more failed", .red))
        }
        return lines
    }
}
