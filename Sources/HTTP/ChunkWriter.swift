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
        precondition(1...dataBytesMax ~= size, "an empty chunk would end the body")
        var rest = size
        for index in stride(from: offset + 7, through: offset, by: -1) {
            buffer[index] = hexDigit(rest & 15)
            rest >>= 4
        }
        buffer[offset + 8] = ASCII.carriageReturn
        buffer[offset + 9] = ASCII.lineFeed
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

    private static func hexDigit(_ value: Int) -> UInt8 {
        UInt8(value < 10 ? 0x30 + value : 0x61 + value - 10)
    }
}
