import Executions
import HTTP
import JSON

extension FrameLog {
    /// The frames of some seqs in a row. `starts[i]` is where the frame of `firstSeq + i` begins.
    struct Segment: ~Copyable {
        /// What stands around an event: the chunk's header and end, the seq, the names of the fields.
        private static let framingBytesMax = 48
        /// A segment that has reached one of these is closed; one frame may be larger.
        private static let bytesMax = 64 << 10
        private static let framesMax = 8 << 10

        let firstSeq: Int
        let offset: Int
        var bytes = ByteWriter()
        var starts: [Int] = []

        init(firstSeq: Int, offset: Int) {
            self.firstSeq = firstSeq
            self.offset = offset
        }

        var hasRoom: Bool { bytes.count < Self.bytesMax && starts.count < Self.framesMax }

        /// An event that is left out has a frame of no bytes, so that a place is found by its seq all the same.
        mutating func appendNothing() { starts.append(bytes.count) }

        /// - Parameter id: nil for an event that tells none.
        mutating func append(_ id: Int?, _ json: (inout ByteWriter) -> Void) {
            let start = begin()
            if let id {
                bytes.append("id: ")
                bytes.append(decimal: id)
                bytes.append("\n")
            }
            bytes.append("data: ")
            let jsonStart = bytes.count
            json(&bytes)
            bytes.escapeLineSeparators(from: jsonStart)
            finish(at: start)
        }

        /// - Returns: where the frame begins.
        mutating func begin() -> Int {
            let start = bytes.count
            starts.append(start)
            bytes.append("00000000\r\n")
            return start
        }

        /// Ends the frame that begins at `start`, and writes its size.
        mutating func finish(at start: Int) {
            bytes.append("\n\n\r\n")
            let size = bytes.count - start - ChunkWriter.headerBytes - ChunkWriter.trailerBytes
            withUnsafeTemporaryAllocation(byteCount: ChunkWriter.headerBytes, alignment: 1) { header in
                ChunkWriter.writeHeader(size: size, into: header, at: 0)
                bytes.overwrite(at: start, with: UnsafeRawBufferPointer(header))
            }
        }

        /// Frames events that were rendered early.
        mutating func append(_ events: EarlyEvents) {
            bytes.reserve(Self.framesBytesMax(events))
            starts.reserveCapacity(starts.count + events.nextSeq - events.firstSeq)
            events.forEach { seq, json in
                starts.append(bytes.count)
                let dataBytes = SSEWriter.eventBytes(id: UInt64(seq), dataBytes: json.count)
                bytes.append(count: ChunkWriter.headerBytes + dataBytes + ChunkWriter.trailerBytes) { frame in
                    _ = SSEWriter.writeEventChunk(id: UInt64(seq), trusted: json, into: frame, at: 0)
                }
            }
        }

        /// More than the frames of these events will take.
        static func framesBytesMax(_ events: EarlyEvents) -> Int {
            events.byteCount + (events.nextSeq - events.firstSeq) * framingBytesMax
        }

        /// Writes the frames of these events behind one another.
        /// - Returns: the offset behind them.
        static func writeFrames(
            _ events: EarlyEvents, into buffer: UnsafeMutableRawBufferPointer, at start: Int
        ) -> Int {
            var offset = start
            events.forEach { seq, json in
                offset = SSEWriter.writeEventChunk(id: UInt64(seq), trusted: json, into: buffer, at: offset)
            }
            return offset
        }
    }

    /// A segment, and where to begin to have it rendered anew.
    final class Box {
        var segment: Segment
        /// Nil: at the first event.
        let bookmark: Bookmark?

        init(_ segment: consuming Segment, _ bookmark: Bookmark?) {
            self.segment = segment
            self.bookmark = bookmark
        }
    }

    /// A place to go on rendering from, so that a stream that comes for frames that were let go of does not begin at the first
    /// event. A renderer as it was there; its states are shared with those before and after it.
    final class Bookmark {
        let renderer: EventRenderer

        init(_ renderer: EventRenderer) {
            self.renderer = renderer
        }

        var nextSeq: Int { renderer.nextSeq }
        var hasGap: Bool { renderer.hasGap }
    }
}

extension [UInt8] {
    /// Appends what `body` writes from an offset on, at most `bytesMax` bytes; it returns the offset behind them.
    mutating func append(bytesMax: Int, _ body: (_ buffer: UnsafeMutableRawBufferPointer, _ start: Int) -> Int) {
        append(addingCapacity: bytesMax) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                initialized = body(UnsafeMutableRawBufferPointer(buffer), initialized)
            }
        }
    }
}
