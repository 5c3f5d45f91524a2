import Glibc

/// What `LineReader.read` found.
enum LineRead<Value> {
    case needsMore
    case line(Value)
}

/// Cuts CRLF-terminated lines out of bytes that arrive in any pieces (RFC 9112, 2.2: strictly CRLF).
///
/// A line that lies in one piece is handed on in place; only an unfinished one is kept. Whether a line is too long
/// depends on its bytes alone, never on how they were cut.
struct LineReader: Sendable {
    private var partial: [UInt8] = []

    /// Whether a part of a line has been kept.
    var isInLine: Bool { !partial.isEmpty }

    /// Takes bytes of `input` from `offset` on, which it moves, to the end of one line.
    ///
    /// - Parameters:
    ///   - contentBytesMax: the longest line, without its CRLF.
    ///   - tooLong: what to throw for a longer one.
    ///   - use: gets the line without its CRLF, and must not keep the pointer.
    mutating func read<Value>(
        _ input: UnsafeRawBufferPointer, _ offset: inout Int, contentBytesMax: Int,
        tooLong: @autoclosure () -> RequestFault,
        use: (UnsafeRawBufferPointer) throws(RequestFault) -> Value
    ) throws(RequestFault) -> LineRead<Value> {
        let rest = input.part(offset..<input.count)
        guard let end = rest.firstIndex(ofByte: ASCII.lineFeed) else {
            try keep(rest, contentBytesMax: contentBytesMax, tooLong: tooLong)
            offset = input.count
            return .needsMore
        }
        let tail = rest.part(0..<end)
        offset += end + 1
        guard !partial.isEmpty else {
            return .line(try use(try content(of: tail, contentBytesMax: contentBytesMax, tooLong: tooLong)))
        }
        guard partial.count + tail.count <= contentBytesMax + 1 else { throw tooLong() }
        var whole: [UInt8] = []
        swap(&whole, &partial)
        whole.append(contentsOf: tail)
        // The pointer lives as long as the call; a typed throw cannot leave withUnsafeBytes, hence the Result.
        let result = whole.withUnsafeBytes { bytes -> Result<Value, RequestFault> in
            do throws(RequestFault) {
                return .success(try use(try content(of: bytes, contentBytesMax: contentBytesMax, tooLong: tooLong)))
            } catch {
                return .failure(error)
            }
        }
        return .line(try result.get())
    }

    private mutating func keep(
        _ bytes: UnsafeRawBufferPointer, contentBytesMax: Int, tooLong: () -> RequestFault
    ) throws(RequestFault) {
        guard let last = bytes.last else { return }
        let count = partial.count + bytes.count
        // One more byte is still allowed if it is the CR of the line's end.
        guard count <= contentBytesMax || (count == contentBytesMax + 1 && last == ASCII.carriageReturn) else {
            throw tooLong()
        }
        partial.append(contentsOf: bytes)
    }

    private func content(
        of line: UnsafeRawBufferPointer, contentBytesMax: Int, tooLong: () -> RequestFault
    ) throws(RequestFault) -> UnsafeRawBufferPointer {
        let endsInReturn = line.last == ASCII.carriageReturn
        let count = endsInReturn ? line.count - 1 : line.count
        guard count <= contentBytesMax else { throw tooLong() }
        guard endsInReturn else { throw .bareLineFeed }
        let content = line.part(0..<count)
        guard content.firstIndex(ofByte: ASCII.carriageReturn) == nil else { throw .bareCarriageReturn }
        return content
    }
}

extension UnsafeRawBufferPointer {
    /// Where `byte` stands first (memchr(3)), or nil.
    func firstIndex(ofByte byte: UInt8) -> Int? {
        guard let base = baseAddress, let found = memchr(base, Int32(byte), count) else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// The same for what begins at `start`.
    func firstIndex(ofByte byte: UInt8, from start: Int) -> Int? {
        precondition(0...count ~= start)
        guard let base = baseAddress, let found = memchr(base + start, Int32(byte), count - start) else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// Whether these are the bytes of `text`.
    @inline(__always)
    func equals(_ text: StaticString) -> Bool {
        equals(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    func equals(text: String) -> Bool {
        text.withBytes { equals($0) }
    }

    @inline(__always)
    func equals(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { equals($0) }
    }

    /// memcmp(3)
    @inline(__always)
    func equals(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count, let base = baseAddress, let otherBase = other.baseAddress else {
            return count == other.count
        }
        return memcmp(base, otherBase, count) == 0
    }
}
