import Glibc

/// Cuts text that a node prints into what is told of it: lines, which end with a newline, a carriage return or both, and of a
/// line that is not finished a piece now and then. What it holds is bounded: a longer line is cut into several.
struct OutputText: Sendable {
    /// What one `node_output` of a line may carry: far longer than lines for people.
    static let lineBytesMax = 64 * 1024
    /// How long text that its writer has flushed may wait for more of it: so often at the most a piece is told.
    static let flushedMilliseconds: Int64 = 30
    /// The same for text of which nobody knows whether its writer is done with the line: most go on at once.
    static let unfinishedMilliseconds: Int64 = 100

    private let lineBytesMax: Int
    private var rest: [UInt8] = []
    /// A newline that comes next belongs to the carriage return before it.
    private var endedByReturn = false
    /// Of the line that `rest` belongs to, something was told already.
    private var isInsideLine = false

    init(lineBytesMax: Int = Self.lineBytesMax) {
        precondition(lineBytesMax >= 4, "a character fits into a line")
        self.lineBytesMax = lineBytesMax
    }

    /// Whether there is something that a piece could tell.
    var hasPiece: Bool { rest.count > unfinishedCharacterBytes }

    /// The lines that these bytes complete, without what ends them. The end of a line that was told in pieces is none if it
    /// is empty.
    mutating func take(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        bytes.withUnsafeBytes { bytes in
            var start = bytes.startIndex
            if endedByReturn, bytes.first == 0x0A { start += 1 }
            if !bytes.isEmpty { endedByReturn = false }
            // Each of the two is looked for once, however many there are of the other.
            var newline = place(of: 0x0A, in: bytes, from: start)
            while start < bytes.endIndex {
                if newline < start { newline = place(of: 0x0A, in: bytes, from: start) }
                let end = place(of: 0x0D, in: UnsafeRawBufferPointer(rebasing: bytes[..<newline]), from: start)
                add(bytes[start..<end], &lines)
                guard end < bytes.endIndex else { return }
                start = end + 1
                // A return that ends nothing is no line: those of a progress bar come before each of its states.
                if bytes[end] == 0x0D, rest.isEmpty, !isInsideLine { continue }
                endLine(&lines)
                guard bytes[end] == 0x0D else { continue }
                if start == bytes.endIndex { endedByReturn = true } else if bytes[start] == 0x0A { start += 1 }
            }
        }
        return lines
    }

    /// What there is of a line that is not finished, whole characters of it.
    mutating func takePiece() -> [UInt8]? {
        let count = rest.count - unfinishedCharacterBytes
        guard count > 0 else { return nil }
        isInsideLine = true
        defer { rest.removeFirst(count) }
        return Array(rest[..<count])
    }

    /// The last line, if it has not been ended.
    mutating func finish() -> [UInt8]? {
        defer { (rest, isInsideLine) = ([], false) }
        return rest.isEmpty ? nil : rest
    }

    /// Where a byte stands, or the end.
    private func place(of byte: Int32, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard start < bytes.count, let base = bytes.baseAddress,
            let place = memchr(base + start, byte, bytes.count - start)
        else { return bytes.count }
        return UnsafeRawPointer(place) - base
    }

    private mutating func endLine(_ lines: inout [[UInt8]]) {
        if !rest.isEmpty || !isInsideLine { lines.append(rest) }
        (rest, isInsideLine) = ([], false)
    }

    private mutating func add(_ bytes: Slice<UnsafeRawBufferPointer>, _ lines: inout [[UInt8]]) {
        rest.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes))
        guard rest.count > lineBytesMax else { return }
        isInsideLine = true
        var start = 0
        while rest.count - start > lineBytesMax {
            var end = start + lineBytesMax
            // Not within a character: a UTF-8 sequence has three continuation bytes at the most.
            for _ in 0..<3 where rest[end] & 0xC0 == 0x80 { end -= 1 }
            lines.append(Array(rest[start..<end]))
            start = end
        }
        rest.removeFirst(start)
    }

    /// Bytes at the end that begin a character of UTF-8 whose rest is still to come.
    private var unfinishedCharacterBytes: Int {
        for back in 1...3 where back <= rest.count {
            let byte = rest[rest.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > back ? back : 0
        }
        return 0
    }
}
