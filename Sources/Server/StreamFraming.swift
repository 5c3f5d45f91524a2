import HTTP

/// How the body of a stream is sent: in chunks, or to clients of HTTP/1.0, which do not know those, as it is until the
/// connection is closed.
enum StreamFraming {
    case chunks, untilClose

    /// Begins a piece.
    /// - Returns: where it begins.
    func begin(_ output: inout [UInt8]) -> Int {
        switch self {
        case .chunks: ChunkWriter.reserveHeader(in: &output)
        case .untilClose: output.count
        }
    }

    /// Ends the piece that was begun at `start`.
    /// - Returns: false if there is nothing in it; then it leaves no trace.
    func end(_ output: inout [UInt8], from start: Int) -> Bool {
        switch self {
        case .untilClose:
            return output.count > start
        case .chunks:
            guard output.count > start + ChunkWriter.headerBytes else {
                output.removeLast(ChunkWriter.headerBytes)
                return false
            }
            ChunkWriter.finish(&output, headerAt: start)
            return true
        }
    }

    func append(_ data: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        switch self {
        case .chunks: ChunkWriter.append(data, to: &output)
        case .untilClose: output.append(contentsOf: data)
        }
    }

    /// Appends what ends the body.
    func appendEnd(to output: inout [UInt8]) {
        if self == .chunks { output += ChunkWriter.lastChunk }
    }
}
