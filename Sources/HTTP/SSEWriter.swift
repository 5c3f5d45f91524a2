import Glibc

/// Writes blocks of an event stream (WHATWG HTML, 9.2.5), with LF line ends only.
///
/// Each block exists twice: appended to an array, and written into a buffer at an offset, where its size is known first.
package enum SSEWriter {
    /// The bytes of an event block: `id: <id>\n` if there is an id, `data: <data>\n`, `\n`.
    package static func eventBytes(id: UInt64?, dataBytes: Int) -> Int {
        (id.map { 5 + decimalDigits($0) } ?? 0) + 8 + dataBytes
    }

    /// Writes an event block at `offset`.
    ///
    /// - Parameter data: one line; it must have no CR and no LF.
    /// - Returns: the offset behind it.
    @discardableResult
    package static func writeEvent(
        id: UInt64?, data: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) -> Int {
        precondition(isOneLine(data), "event data must be one line")
        return writeEvent(id: id, trusted: data, into: buffer, at: offset)
    }

    /// The same for data that is known to be one line.
    @discardableResult
    package static func writeEvent(
        id: UInt64?, trusted data: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) -> Int {
        var writer = RawWriter(buffer: buffer, offset: offset)
        if let id {
            writer.write("id: ")
            writer.write(decimal: id)
            writer.write("\n")
        }
        writer.write("data: ")
        writer.write(data)
        writer.write("\n\n")
        return writer.offset
    }

    /// Writes an event block as a chunk of its own, of data that is known to be one line.
    ///
    /// - Returns: the offset behind it.
    package static func writeEventChunk(
        id: UInt64, trusted data: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) -> Int {
        var writer = RawWriter(buffer: buffer, offset: offset)
        writer.write(chunkHeader: eventBytes(id: id, dataBytes: data.count))
        writer.write("id: ")
        writer.write(decimal: id)
        writer.write("\ndata: ")
        writer.write(data)
        writer.write("\n\n\r\n")
        return writer.offset
    }

    /// Writes what `appendRetry` appends as a chunk of its own.
    ///
    /// - Returns: the offset behind it.
    package static func writeRetryChunk(
        milliseconds: Int, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) -> Int {
        let end = writeRetry(milliseconds: milliseconds, into: buffer, at: offset + ChunkWriter.headerBytes)
        return ChunkWriter.finish(into: buffer, headerAt: offset, dataEnd: end)
    }

    /// Appends an event block. `data` is one line.
    package static func appendEvent(id: UInt64?, data: [UInt8], to output: inout [UInt8]) {
        let count = eventBytes(id: id, dataBytes: data.count)
        data.withUnsafeBytes { data in
            output.append(addingCapacity: count) { span in
                span.withUnsafeMutableBufferPointer { buffer, initialized in
                    let raw = UnsafeMutableRawBufferPointer(buffer)
                    initialized = writeEvent(id: id, data: data, into: raw, at: initialized)
                }
            }
        }
    }

    /// Appends `retry: <milliseconds>` as a block of its own: how long a client waits before it connects again.
    package static func appendRetry(milliseconds: Int, to output: inout [UInt8]) {
        precondition(milliseconds >= 0, "a negative time")
        output.append(literal: "retry: ")
        output.appendDecimal(UInt64(milliseconds))
        output.append(literal: "\n\n")
    }

    /// Appends a comment as a block of its own, which clients drop: `: keep-alive`. `text` is one line.
    package static func appendComment(_ text: String, to output: inout [UInt8]) {
        precondition(!text.utf8.contains { $0 == ASCII.lineFeed || $0 == ASCII.carriageReturn }, "not one line")
        output.append(contentsOf: ": ".utf8)
        output.append(contentsOf: text.utf8)
        output.append(contentsOf: "\n\n".utf8)
    }

    /// Writes what `appendComment` appends at `offset`, and returns the offset behind it.
    @discardableResult
    package static func writeComment(
        _ text: StaticString, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) -> Int {
        var writer = RawWriter(buffer: buffer, offset: offset)
        writer.write(": ")
        writer.write(text)
        writer.write("\n\n")
        return writer.offset
    }

    /// Writes what `appendRetry` appends at `offset`, and returns the offset behind it.
    @discardableResult
    package static func writeRetry(
        milliseconds: Int, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) -> Int {
        precondition(milliseconds >= 0, "a negative time")
        var writer = RawWriter(buffer: buffer, offset: offset)
        writer.write("retry: ")
        writer.write(decimal: UInt64(milliseconds))
        writer.write("\n\n")
        return writer.offset
    }

    private static func isOneLine(_ data: UnsafeRawBufferPointer) -> Bool {
        data.firstIndex(ofByte: ASCII.lineFeed) == nil && data.firstIndex(ofByte: ASCII.carriageReturn) == nil
    }

}

private func decimalDigits(_ value: UInt64) -> Int {
    var digits = 1
    var rest = value
    while rest >= 10 {
        rest /= 10
        digits += 1
    }
    return digits
}

/// Copies pieces into a buffer, one behind the other; beyond its end it traps.
struct RawWriter {
    private let base: UnsafeMutableRawPointer
    private var next: UnsafeMutableRawPointer
    private let end: UnsafeMutableRawPointer

    init(buffer: UnsafeMutableRawBufferPointer, offset: Int) {
        guard let base = buffer.baseAddress, offset <= buffer.count else { preconditionFailure("no room") }
        self.base = base
        next = base + offset
        end = base + buffer.count
    }

    var offset: Int { next - base }

    @inline(__always)
    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        precondition(bytes.count <= end - next, "no room")
        memcpy(next, source, bytes.count)
        next += bytes.count
    }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func write(chunkHeader size: Int) {
        precondition(ChunkWriter.headerBytes <= end - next, "no room")
        ChunkWriter.writeHeader(size: size, to: next)
        next += ChunkWriter.headerBytes
    }

    mutating func write(text: String) {
        text.withBytes { write($0) }
    }

    @inline(__always)
    mutating func write(byte: UInt8) {
        precondition(next < end, "no room")
        next.storeBytes(of: byte, as: UInt8.self)
        next += 1
    }

    /// What was written from that offset on, for as long as the buffer stands.
    func written(from start: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + start, count: offset - start)
    }

    @inline(__always)
    mutating func write(decimal value: UInt64) {
        if value < 10 { write(byte: ASCII.zero + UInt8(truncatingIfNeeded: value)) } else { write(longDecimal: value) }
    }

    private mutating func write(longDecimal value: UInt64) {
        let digits = decimalDigits(value)
        precondition(digits <= end - next, "no room")
        var rest = value
        for index in stride(from: digits - 1, through: 0, by: -1) {
            next.storeBytes(of: ASCII.zero + UInt8(truncatingIfNeeded: rest % 10), toByteOffset: index, as: UInt8.self)
            rest /= 10
        }
        next += digits
    }
}
