import Executions

/// Where one client is in the events of one execution: a cursor, and nothing that grows.
///
/// As long as the frames it comes to are in memory, the cursor is an offset into them. When they have been dropped before
/// it came, it is the seq of an event and how much of that event's frame was sent.
struct EventStream {
    private(set) var frames: FrameLog
    private var seq: Int
    private var bytesIntoFrame = 0
    private var offset: Int?
    /// Where to begin when the frame that it is in must be rendered anew; nil: at the first event.
    private(set) var bookmark: FrameLog.Bookmark?
    /// The seq up to which events were counted as sent.
    private var countedSeq: Int

    init(frames: FrameLog, fromSeq seq: Int) {
        self.frames = frames
        self.seq = seq
        countedSeq = seq
    }

    enum Position {
        /// The frames that are there begin at this offset, possibly none.
        case at(Int)
        /// All was sent that there will ever be.
        case end
        /// More must be rendered before the wanted frame is there.
        case ahead
        /// The wanted frame has been dropped.
        case dropped
    }

    mutating func locate() -> Position {
        if let offset {
            if offset == frames.endOffset { return frames.isComplete ? .end : .at(offset) }
            if offset >= frames.windowStart.offset { return .at(offset) }
            self.offset = nil
        }
        if let start = frames.offset(ofSeq: seq) {
            if bytesIntoFrame > 0, seq >= frames.nextSeq { return .ahead }
            offset = start + bytesIntoFrame
            return .at(start + bytesIntoFrame)
        }
        return seq < frames.windowStart.seq ? .dropped : .ahead
    }

    mutating func advance(by count: Int) {
        guard let offset else { preconditionFailure("only a located stream advances") }
        self.offset = offset + count
    }

    /// Notes the position by seq, so that it survives the dropping of frames; before anybody else has more rendered.
    mutating func settle() {
        guard let offset else { return }
        // Dropped meanwhile: where it stood was noted before that.
        guard offset >= frames.windowStart.offset else {
            self.offset = nil
            return
        }
        (seq, bytesIntoFrame, bookmark) = frames.position(at: offset)
    }

    /// How many events were sent since this was asked last.
    mutating func takeSentCount() -> Int {
        settle()
        defer { countedSeq = max(seq, countedSeq) }
        return max(seq - countedSeq, 0)
    }

    /// Whether the last frame sent was sent whole.
    var isBetweenEvents: Bool { bytesIntoFrame == 0 }
    /// The seq of the event that the stream stands at; valid after `settle`.
    var nextSeq: Int { seq }

    /// Goes on with other frames of the same execution and detail.
    mutating func move(to frames: FrameLog) {
        settle()
        self.frames = frames
        offset = nil
    }
}
