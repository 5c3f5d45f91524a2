/// Writes chunk framing (RFC 9112, 7.1).
///
/// A size may be written with leading zeros, so that ten bytes can be reserved in front of a frame before its size is
/// known, and the frame is never moved.
package enum ChunkWriter {
    /// `00001a2b\r\n`: eight hexadecimal digits and CRLF.
    package static let headerBytes = 10
    /// The CRLF behind a chunk's data.
    package static let trailerBytes = 2
    /// What eight digits can say.
    package static let dataBytesMax = Int(UInt32.max)
    /// The last chunk, without trailer fields.
    package static let lastChunk: [UInt8] = Array("0\r\n\r\n".utf8)

    /// Appends `data` as one chunk, or nothing if it is empty, since an empty chunk would end the body.
    package static func append(_ data: some Collection<UInt8>, to output: inout [UInt8]) {
        guard !data.isEmpty else { return }
        let start = reserveHeader(in: &output)
        output.append(contentsOf: data)
        finish(&output, headerAt: start)
    }

    /// Appends room for a header, and tells where it is.
    package static func reserveHeader(in output: inout [UInt8]) -> Int {
        let start = output.count
        output.append(literal: "00000000\r\n")
        return start
    }

    /// Ends the chunk whose header was reserved at `start`: everything behind it is its data, at least one byte.
    package static func finish(_ output: inout [UInt8], headerAt start: Int) {
        let size = output.count - start - headerBytes
        output.withUnsafeMutableBytes { writeHeader(size: size, into: $0, at: start) }
        output.append(ASCII.carriageReturn)
        output.append(ASCII.lineFeed)
    }

    /// Writes the ten bytes of a header at `offset`.
    package static func writeHeader(size: Int, into buffer: UnsafeMutableRawBufferPointer, at offset: Int) {
        precondition(offset + headerBytes <= buffer.count, "no room")
        writeHeader(size: size, to: buffer.baseAddress! + offset)
    }

    @inline(__always)
    static func writeHeader(size: Int, to place: UnsafeMutableRawPointer) {
        precondition(size > 0 && size <= dataBytesMax, "an empty chunk would end the body")
        place.storeBytes(of: hexDigits(UInt32(truncatingIfNeeded: size)), as: UInt64.self)
        place.storeBytes(of: ASCII.carriageReturn, toByteOffset: 8, as: UInt8.self)
        place.storeBytes(of: ASCII.lineFeed, toByteOffset: 9, as: UInt8.self)
    }

    /// Makes a chunk of the data that was written from `headerBytes` behind `start` up to `end`.
    ///
    /// - Returns: the offset behind it.
    package static func finish(
        into buffer: UnsafeMutableRawBufferPointer, headerAt start: Int, dataEnd end: Int
    ) -> Int {
        precondition(end + trailerBytes <= buffer.count, "no room")
        writeHeader(size: end - start - headerBytes, into: buffer, at: start)
        writeTrailer(into: buffer, at: end)
        return end + trailerBytes
    }

    /// Writes the last chunk, and returns the offset behind it.
    package static func writeLast(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        var writer = RawWriter(buffer: buffer, offset: offset)
        writer.write("0\r\n\r\n")
        return writer.offset
    }

    /// The size that a header written here says.
    package static func size(ofHeaderAt header: UnsafeRawBufferPointer) -> Int {
        header[..<8].reduce(0) { size, digit in size << 4 | Int(digit <= 0x39 ? digit - 0x30 : digit - 0x57) }
    }

    /// Writes the CRLF behind a chunk's data at `offset`.
    package static func writeTrailer(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) {
        buffer[offset] = ASCII.carriageReturn
        buffer[offset + 1] = ASCII.lineFeed
    }

    /// The eight digits as they lie in memory: four bits in each byte, and then all bytes made digits at once.
    @inline(__always)
    private static func hexDigits(_ value: UInt32) -> UInt64 {
        var nibbles = UInt64(value)
        nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles | nibbles << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return ((nibbles | 0x3030_3030_3030_3030) &+ letters &* 0x27).bigEndian
    }
}
