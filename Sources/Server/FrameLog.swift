// The events of one execution as they go over the wire: each a Server-Sent Events block inside an HTTP chunk, rendered once
// for all who want the same detail. A stream is an offset into these bytes, so that sending is one `send` of a range.
//
// The bytes in memory are a window. A reader that has fallen behind it goes on with another log, which renders the same bytes
// again from the records: rendering is a pure function, so the reader goes on in the middle of an event. Readers that lag
// side by side share such a log; what it holds is let go of when memory is tight (`FrameMemory`).

import DequeModule
import Executions
import Graphs
import HTTP
import JSON
import Reactor

/// Rendered frames of one execution in one detail. Lives on the reactor's thread.
final class FrameLog {
    /// Frames that are kept for readers behind the newest. More is cheap to render again.
    static let windowBytesMax = 4 << 20
    /// The same for streams that lag, and for all when memory is tight: enough for streams that go on side by side.
    private static let smallWindowBytesMax = 256 << 10
    /// Bytes of records that one `extend` takes from the log, and of frames after which it stops: one turn's worth of work.
    private static let extendRecordsBytesMax = 64 << 10
    private static let extendFramesBytesMax = 256 << 10
    private static let smallExtendFramesBytesMax = 64 << 10
    /// Frames between two bookmarks for each node of the graph: about what the bookmark itself takes.
    private static let bookmarkBytesPerNode = 64

    enum Extension {
        case extended
        /// Nothing more is visible; `isComplete` when the terminal frame is there.
        case caughtUp(isComplete: Bool)
        /// The records behind that seq must be read from the store and handed to `provide`.
        case needsStore(after: Int)
        /// The stored records cannot be read: damaged history.
        case damaged(String)
        /// They could not be read at this moment; whoever comes again may have them.
        case unreadable
    }

    let log: EventLog
    let view: EventView
    /// Made when events must be rendered from their records.
    private var madeRenderer: EventRenderer?
    private var segments: [Box] = []
    private var unrendered = EventLog.Slice(firstSeq: 1)
    private var rendered = 0
    /// Records have come from the store, and none of them was rendered yet. Their reader gets on with them even when memory is
    /// full: one of them may fill it alone.
    private(set) var isProvided = false
    /// Frames before this seq are not wanted, or there already.
    private var firstSeq: Int
    private(set) var endOffset = 0
    private(set) var isComplete = false
    private var damage: String?
    private var isUnreadable = false
    /// Whether a part of the first frame was sent already, as it was when nothing was missing.
    let isResumedInsideFrame: Bool
    /// Events are missing here that others may have had, and states are left out behind them.
    private(set) var hasGap: Bool
    /// Set while the store is being read for this log.
    var isAwaitingStore = false
    /// Who goes on when the store was read.
    private var waiting: [Slot] = []
    /// Others may join.
    var isShared = false

    private let memory: FrameMemory
    private var frameBytes = 0
    private(set) var heldBytes = 0
    private(set) var usedAtNanoseconds: Int64 = 0
    /// For the account: it knows this log.
    var isSweepable = false
    /// Where the last bookmark lies.
    private var bookmarkOffset = 0

    /// - Parameters:
    ///   - firstSeq: the seq of the first frame wanted.
    ///   - bookmark: where to begin rendering, not behind `firstSeq`; nil: at the first event.
    init(
        log: EventLog, view: EventView, firstSeq: Int, memory: FrameMemory, isInsideFrame: Bool = false,
        from bookmark: Bookmark? = nil
    ) {
        self.log = log
        self.view = view
        self.firstSeq = firstSeq
        self.memory = memory
        isResumedInsideFrame = isInsideFrame
        madeRenderer = bookmark?.renderer
        hasGap = bookmark?.hasGap ?? false
        unrendered = EventLog.Slice(firstSeq: bookmark?.nextSeq ?? 1)
    }

    deinit { memory.forget(self) }

    private var detail: StateDetail { view.detail }

    /// The seq of the next frame to be rendered.
    var nextSeq: Int { max(nextRecordSeq, firstSeq) }

    /// The seq of the record that the renderer has to see next.
    private var nextRecordSeq: Int { madeRenderer?.nextSeq ?? 1 }

    private var renderer: EventRenderer {
        _read { yield madeRenderer ?? EventRenderer(log: log, detail: detail) }
        _modify {
            if madeRenderer == nil { madeRenderer = EventRenderer(log: log, detail: detail) }
            yield &madeRenderer!
        }
    }

    /// Where the window begins: the offset and seq of the oldest frame in it.
    var windowStart: (offset: Int, seq: Int) {
        guard let first = segments.first else { return (endOffset, nextSeq) }
        return (first.segment.offset, first.segment.firstSeq)
    }

    /// The offset of the frame of `seq`; nil when it is not in the window. The end counts as in it.
    func offset(ofSeq seq: Int) -> Int? {
        if seq == nextSeq { return endOffset }
        guard let box = segments.last(where: { $0.segment.firstSeq <= seq }) else { return nil }
        let index = seq - box.segment.firstSeq
        return index < box.segment.starts.count ? box.segment.offset + box.segment.starts[index] : nil
    }

    /// The frame that an offset of the window lies in, how far into it, and where to begin to have the frame rendered anew.
    func position(at offset: Int) -> (seq: Int, bytesIntoFrame: Int, bookmark: Bookmark?) {
        guard offset < endOffset, let box = segments.last(where: { $0.segment.offset <= offset }) else {
            return (nextSeq, 0, nil)
        }
        let within = offset - box.segment.offset
        let index = box.segment.starts.partitioningIndex { $0 > within } - 1
        return (box.segment.firstSeq + index, within - box.segment.starts[index], box.bookmark)
    }

    /// Where to begin rendering for a stream that wants events before those that are here.
    var firstBookmark: Bookmark? { segments.first?.bookmark }

    /// Whether a stream that wants the frame of `seq`, or the rest of it, can go on here.
    /// - Parameter gap: whether the stream has passed a gap; nil: it has seen nothing yet.
    func canServe(seq: Int, isInsideFrame: Bool, behindGap gap: Bool?) -> Bool {
        // Behind a gap states are left out, and what stands in its place is not the same for all.
        guard gap == nil || gap == hasGap, !(isInsideFrame && hasGap) else { return false }
        guard seq == nextSeq else { return offset(ofSeq: seq) != nil }
        return isInsideFrame ? isResumedInsideFrame && seq == firstSeq : !isResumedInsideFrame || seq > firstSeq
    }

    /// Calls `body` with the frames from `offset` on, as far as they lie in one piece. `offset` must be in the window.
    func withFrames<Result>(at offset: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard let box = segments.last(where: { $0.segment.offset <= offset }) else {
            return body(UnsafeRawBufferPointer(start: nil, count: 0))
        }
        usedAtNanoseconds = memory.now
        let within = offset - box.segment.offset
        return box.segment.bytes.withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[min(within, $0.count)...]))
        }
    }

    /// Renders some more of what is visible.
    func extend() -> Extension {
        usedAtNanoseconds = memory.now
        isProvided = false
        defer { recount() }
        return extendUncounted()
    }

    private func extendUncounted() -> Extension {
        if let damage { return .damaged(damage) }
        if isUnreadable {
            isUnreadable = false
            return .unreadable
        }
        if isComplete { return .caughtUp(isComplete: true) }
        if let early = takeEarly() {
            take(early)
            return .extended
        }
        if rendered == unrendered.ends.count {
            switch log.read(after: nextRecordSeq - 1, bytesMax: Self.extendRecordsBytesMax) {
            case .events(let slice): take(slice)
            case .caughtUp: return .caughtUp(isComplete: false)
            case .evicted: return .needsStore(after: nextRecordSeq - 1)
            }
        }
        do {
            try renderSome()
        } catch {
            damage = "event \(nextRecordSeq) of execution \(log.id): \(error.message)"
            return .damaged(damage ?? "")
        }
        return .extended
    }

    /// The stream goes on once `provide` has brought what is missing.
    func wait(_ slot: Slot) {
        if !waiting.contains(slot) { waiting.append(slot) }
    }

    func takeWaiting() -> [Slot] {
        defer { waiting = [] }
        return waiting
    }

    /// The store could not be read.
    func readFailed() {
        isAwaitingStore = false
        isUnreadable = true
    }

    /// Hands over records that were read from the store; an empty slice means that the store does not have them.
    func provide(_ records: ColdReads.Records) {
        records.pin(in: log)
        provide(records.slice)
    }

    func provide(_ slice: EventLog.Slice) {
        isAwaitingStore = false
        defer { recount() }
        guard slice.firstSeq >= nextRecordSeq, !slice.ends.isEmpty else {
            damage = "event \(nextRecordSeq) of execution \(log.id) is missing in the history"
            return
        }
        if slice.firstSeq > nextRecordSeq {
            guard !isResumedInsideFrame || nextSeq > firstSeq else {
                damage = "event \(firstSeq) of execution \(log.id) was removed while it was being sent"
                return
            }
            appendGap(through: slice.firstSeq - 1)
        }
        take(slice)
        isProvided = true
        usedAtNanoseconds = memory.now
    }

    /// Events are no longer kept: whoever wants them is told so. The frame stands at the first that is wanted.
    private func appendGap(through last: Int) {
        let first = nextSeq
        hasGap = true
        renderer.pass(toSeq: last + 1)
        // The classic dialect has no word for it.
        guard first <= last, view.dialect == .native else { return }
        let box = Box(Segment(firstSeq: first, offset: endOffset), nil)
        let start = box.segment.begin()
        box.segment.bytes.append("data: ")
        EventRenderer.renderGap(of: log.idText, from: first, to: last, to: &box.segment.bytes)
        box.segment.finish(at: start)
        endOffset += box.segment.bytes.count
        frameBytes += box.segment.bytes.allocatedBytes
        segments.append(box)
        // The event behind it begins a segment of its own, since a segment's seqs have no gap.
        segments.append(Box(Segment(firstSeq: last + 1, offset: endOffset), makeBookmark()))
    }

    /// Drops the oldest frames beyond the window; readers that are there still must find their way by seq. To be called by a reader that is at the end, before it has more rendered: what it
    /// has not seen may be larger than the window.
    func trim() {
        let bytesMax = isShared && !memory.isTight ? Self.windowBytesMax : Self.smallWindowBytesMax
        while segments.count > 1, endOffset - segments[0].segment.offset > bytesMax {
            frameBytes -= segments.removeFirst().segment.bytes.allocatedBytes
        }
        recount()
    }

    /// Drops all frames, and the records that would be rendered next; between two turns only, since readers must have noted
    /// where they stand. Records that have just come stay once, so that whoever wanted them comes first.
    func letGo() {
        segments = []
        frameBytes = 0
        // Of a log that is complete, nothing is to be rendered any more.
        if !isProvided { take(EventLog.Slice(firstSeq: nextRecordSeq)) }
        isProvided = false
        recount()
    }

    private func recount() {
        let before = heldBytes
        heldBytes = frameBytes + unrendered.records.count
        if heldBytes != before { memory.change(by: heldBytes - before, in: self) }
    }

    private func take(_ slice: EventLog.Slice) {
        unrendered = slice
        rendered = 0
    }

    private func renderSome() throws(RecordError) {
        let limit = endOffset + (isShared ? Self.extendFramesBytesMax : Self.smallExtendFramesBytesMax)
        while rendered < unrendered.ends.count, endOffset < limit {
            let start = rendered == 0 ? 0 : unrendered.ends[rendered - 1]
            let range = start..<unrendered.ends[rendered]
            let seq = nextRecordSeq
            try unrendered.records.withUnsafeBufferPointer { bytes throws(RecordError) in
                let record = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[range]))
                if seq < firstSeq { try renderer.skip(record) } else { try append(record, seq) }
            }
            rendered += 1
        }
        if rendered == unrendered.ends.count { take(EventLog.Slice(firstSeq: nextRecordSeq)) }
    }

    private func append(_ record: UnsafeRawBufferPointer, _ seq: Int) throws(RecordError) {
        let event = try EventRecord(decoding: record)
        try renderer.enter(event)
        write(to: openSegment(for: seq)) { box in
            guard view.shows(event, renderer) else {
                renderer.skip(event)
                return box.segment.appendNothing()
            }
            box.segment.append(view.dialect == .native ? seq : nil) { view.render(event, by: &renderer, to: &$0) }
        }
        if event.body.isTerminal { complete() }
    }

    /// Hands events that were rendered where they arose, and more of them than `bytesMax` never, to the stream that stands at
    /// the end here: their frames are appended to `output` and not kept, as if they had been dropped already. Others who want
    /// them have them rendered from the records.
    /// - Returns: how many bytes were appended.
    func handOver(to output: inout [UInt8], bytesMax: Int) -> Int {
        // A segment's seqs have no gap.
        guard segments.isEmpty, !isComplete, damage == nil, let events = takeEarly() else { return 0 }
        let framesBytesMax = Segment.framesBytesMax(events)
        guard framesBytesMax <= bytesMax else {
            take(events)
            recount()
            return 0
        }
        firstSeq = events.nextSeq
        isComplete = log.isFinishedAndVisible && log.visibleSeq < firstSeq
        let before = output.count
        output.append(bytesMax: framesBytesMax + ChunkWriter.lastChunk.count) { buffer, start in
            let end = Segment.writeFrames(events, into: buffer, at: start)
            return isComplete ? ChunkWriter.writeLast(into: buffer, at: end) : end
        }
        endOffset += output.count - before
        return output.count - before
    }

    private func takeEarly() -> EarlyEvents? {
        view.hasEarlyEvents ? log.takeEarly(detail, from: nextSeq) : nil
    }

    /// Frames what was rendered where it arose.
    private func take(_ events: EarlyEvents) {
        write(to: openSegment(for: events.firstSeq)) { $0.segment.append(events) }
        firstSeq = events.nextSeq
        if log.isFinishedAndVisible, log.visibleSeq < firstSeq { complete() }
    }

    /// The segment that the next frame goes into.
    private func openSegment(for seq: Int) -> Box {
        if let last = segments.last, last.segment.hasRoom { return last }
        let stride = log.graph.graph.nodes.count * Self.bookmarkBytesPerNode
        let isNear = segments.last?.bookmark != nil && endOffset - bookmarkOffset < stride
        let box = Box(
            Segment(firstSeq: seq, offset: endOffset), isNear ? segments.last?.bookmark : makeBookmark())
        segments.append(box)
        return box
    }

    private func makeBookmark() -> Bookmark? {
        guard let madeRenderer, madeRenderer.nextSeq > 1 else { return nil }
        bookmarkOffset = endOffset
        return Bookmark(madeRenderer)
    }

    private func write(to box: Box, _ body: (Box) -> Void) {
        let before = box.segment.bytes.allocatedBytes
        body(box)
        frameBytes += box.segment.bytes.allocatedBytes - before
        endOffset = box.segment.offset + box.segment.bytes.count
    }

    /// The end of the body rides on the last frame, so that they are one send.
    private func complete() {
        write(to: segments[segments.count - 1]) { $0.segment.bytes.append(ChunkWriter.lastChunk) }
        isComplete = true
    }
}

extension EventRecord.Body {
    /// Nothing follows it.
    var isTerminal: Bool {
        switch self {
        case .complete, .error: true
        case .start, .nodeStart, .nodeOutput, .signalled, .nodeComplete, .scopeOpened, .scopeClosed: false
        }
    }
}

extension RandomAccessCollection where Index == Int {
    /// The first index whose element satisfies the predicate, which must hold for all behind it too; `endIndex` if none does.
    func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
