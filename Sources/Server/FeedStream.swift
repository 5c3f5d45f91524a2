// What one dashboard gets: a snapshot of the executions that have not ended, then the lines of the feed from there on, and
// beside them the whole events of the executions that it asked for, each in its own order. It is cursors, and nothing that
// grows: the snapshot too is written page by page, as fast as the client takes it.
//
// Lines that arise while a snapshot is being written tell again what later pages have said already. Therefore a page notes
// up to which execution it went and at which line, and lines that a page has covered are passed over.

import Executions
import HTTP
import JSON

/// The cursors of one dashboard. Lives on the reactor's thread.
final class FeedStream {
    /// Executions whose whole events one dashboard may have.
    static let watchedMax = 32
    /// What is written at once, and the most that waits for a client that does not read.
    static let pieceBytesMax = 16 << 10
    /// Executions that a page of a snapshot looks at, and lines that are looked at for one piece.
    private static let pageEntriesMax = 512
    private static let linesLookedAtMax = 4_096

    /// An execution whose whole events are wanted.
    struct Watched {
        var stream: EventStream
        /// As one of those who watch the execution.
        var watch: StreamHub.Watch?
        /// Part of an event was sent: the rest of it comes next.
        var isInsideEvent = false
    }

    private struct Snapshot {
        /// The last execution that was looked at.
        var after: ExecutionID?
        var isOpen = false
        var hasItems = false
    }

    /// Executions up to `through` were told as they stood at line `index`.
    private struct Page {
        let through: ExecutionID?
        let index: Int
    }

    /// Empty: of all graphs.
    private let graphIDs: Set<String>
    private var snapshot: Snapshot? = Snapshot()
    private var pages: [Page] = []
    /// The next line.
    private var index: Int
    var watched: [Watched]
    /// Who is asked first for the next piece: 0 for the lines, then the executions.
    private var turn = 0
    /// Events that were written so far.
    var sentCount = 0
    /// To end as soon as it is between events.
    var isEnding = false

    init(graphIDs: Set<String>, watched: [EventStream], feed: ExecutionFeed) {
        self.graphIDs = graphIDs
        self.watched = watched.map { Watched(stream: $0) }
        index = feed.endIndex
    }

    var isBetweenEvents: Bool { !watched.contains(where: \.isInsideEvent) && snapshot?.isOpen != true }

    /// Which source the next piece comes from, of those that may have one: all in turn, but nothing cuts into an event.
    /// - Returns: nil for the lines, else an index of `watched`.
    func sources() -> [Int?] {
        if snapshot?.isOpen == true { return [nil] }
        if let inside = watched.firstIndex(where: \.isInsideEvent) { return [inside] }
        // What the dashboard opens with comes first.
        if snapshot != nil || isEnding { return [nil] }
        turn = (turn + 1) % (watched.count + 1)
        let all: [Int?] = [nil] + watched.indices.map { $0 }
        return Array(all[turn...] + all[..<turn])
    }

    /// Appends a piece of the snapshot or of the lines.
    /// - Parameter framing: as one chunk, if that is it.
    /// - Returns: false when there is nothing.
    func appendLines(
        of feed: ExecutionFeed, now microseconds: () -> Int64, to output: inout [UInt8], _ framing: StreamFraming
    ) -> Bool {
        if snapshot == nil, index < feed.startIndex {
            snapshot = Snapshot()
            pages = []
        }
        let start = framing.begin(&output)
        if snapshot != nil {
            appendPage(of: feed, microseconds, to: &output)
        } else if !isEnding {
            appendDueLines(of: feed, to: &output, from: start)
        }
        return framing.end(&output, from: start)
    }

    private func appendDueLines(of feed: ExecutionFeed, to output: inout [UInt8], from start: Int) {
        var left = Self.linesLookedAtMax
        while index < feed.endIndex, left > 0, output.count - start < Self.pieceBytesMax {
            let line = feed[index]
            if isWanted(line.graphID), !isCovered(line) {
                output.append(contentsOf: line.block)
                sentCount += 1
            }
            index += 1
            left -= 1
        }
    }

    /// Lines that are left to look at.
    func lag(behind feed: ExecutionFeed) -> Int { max(feed.endIndex - index, 0) }

    /// Whether lines are left to look at.
    func isBehind(_ feed: ExecutionFeed) -> Bool { snapshot != nil || index < feed.endIndex }

    private func isWanted(_ graphID: String) -> Bool { graphIDs.isEmpty || graphIDs.contains(graphID) }

    private func isCovered(_ line: ExecutionFeed.Line) -> Bool {
        guard let last = pages.last, let executionID = line.executionID else { return false }
        if index >= last.index {
            pages = []
            return false
        }
        let page = pages.first { page in page.through.map { $0 >= executionID } ?? true }
        return page.map { index < $0.index } ?? false
    }

    private func appendPage(of feed: ExecutionFeed, _ microseconds: () -> Int64, to output: inout [UInt8]) {
        guard var snapshot else { return }
        if !snapshot.isOpen {
            output.append(contentsOf: "data: {\"type\":\"snapshot\",\"executions\":[".utf8)
            snapshot.isOpen = true
            index = feed.endIndex
        }
        let limit = output.count + Self.pieceBytesMax
        snapshot.after = feed.forEachUnfinished(after: snapshot.after, countMax: Self.pageEntriesMax) { entry in
            guard isWanted(entry.log.graph.identity.id) else { return true }
            if snapshot.hasItems { output.append(UInt8(ascii: ",")) }
            snapshot.hasItems = true
            output.append(contentsOf: ExecutionRoutes.json(entry.visibleSummary).text.bytesOfOneLine)
            return output.count < limit
        }
        note(Page(through: snapshot.after, index: feed.endIndex))
        if snapshot.after == nil {
            output.append(contentsOf: "],\"timestamp\":\"\(Timestamp.string(microseconds: microseconds()))\"}\n\n".utf8)
            self.snapshot = nil
        } else {
            self.snapshot = snapshot
        }
    }

    /// Pages that were written at the same line are one.
    private func note(_ page: Page) {
        if pages.last?.index == page.index { pages.removeLast() }
        pages.append(page)
    }
}

extension ExecutionFeed.Entry {
    /// The summary as far as it was told: the engine may be ahead of what is stored.
    fileprivate var visibleSummary: ExecutionSummary {
        var summary = log.summary
        summary.status = status
        summary.lastSeq = seq
        if status == .queued { summary.startedAtMicroseconds = nil }
        (summary.endedAtMicroseconds, summary.durationMicroseconds, summary.error) = (nil, nil, nil)
        summary.failedNodes = []
        return summary
    }
}
