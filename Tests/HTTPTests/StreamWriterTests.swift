import HTTP
import Testing

struct StreamWriterTests {
    @Test func `a chunk has a header of fixed width`() {
        var output: [UInt8] = []
        ChunkWriter.append(Array(repeating: 0x78, count: 0x1A2B), to: &output)
        #expect(output.starts(with: "00001a2b\r\nx".utf8))
        #expect(output.suffix(3) == [0x78, 0x0D, 0x0A])
        #expect(output.count == ChunkWriter.headerBytes + 0x1A2B + ChunkWriter.trailerBytes)
    }

    @Test func `empty data is no chunk, since it would end the body`() {
        var output: [UInt8] = []
        ChunkWriter.append([], to: &output)
        #expect(output == [])
    }

    @Test func `an empty chunk of a reserved header is a bug`() async {
        await #expect(processExitsWith: .failure) {
            var output: [UInt8] = []
            let start = ChunkWriter.reserveHeader(in: &output)
            ChunkWriter.finish(&output, headerAt: start)
        }
    }

    @Test func `a frame is written in place and read back`() {
        let data = [UInt8](#"{"a":1}"#.utf8)
        let eventBytes = SSEWriter.eventBytes(id: 42, dataBytes: data.count)
        var frame = [UInt8](repeating: 0, count: ChunkWriter.headerBytes + eventBytes + ChunkWriter.trailerBytes)
        frame.withUnsafeMutableBytes { buffer in
            let end = data.withUnsafeBytes {
                SSEWriter.writeEvent(id: 42, data: $0, into: buffer, at: ChunkWriter.headerBytes)
            }
            ChunkWriter.writeHeader(size: end - ChunkWriter.headerBytes, into: buffer, at: 0)
            ChunkWriter.writeTrailer(into: buffer, at: end)
        }
        #expect(String(decoding: frame, as: UTF8.self) == "00000016\r\nid: 42\ndata: {\"a\":1}\n\n\r\n")
        var appended: [UInt8] = []
        let start = ChunkWriter.reserveHeader(in: &appended)
        SSEWriter.appendEvent(id: 42, data: data, to: &appended)
        ChunkWriter.finish(&appended, headerAt: start)
        #expect(appended == frame)
    }

    @Test(arguments: [1, 9, 10, 15, 16, 0xFF, 0x1234_5678, 0x9ABC_DEF0, ChunkWriter.dataBytesMax])
    func `a chunk's size is written in eight digits, and read back`(size: Int) {
        var header = [UInt8](repeating: 0, count: ChunkWriter.headerBytes)
        header.withUnsafeMutableBytes { ChunkWriter.writeHeader(size: size, into: $0, at: 0) }
        let digits = String(size, radix: 16)
        let padding = String(repeating: "0", count: 8 - digits.count)
        #expect(String(decoding: header, as: UTF8.self) == "\(padding)\(digits)\r\n")
        #expect(header.withUnsafeBytes(ChunkWriter.size) == size)
    }

    @Test(arguments: [1, 9, 10, 12_345, UInt64.max] as [UInt64], [0, 1, 15, 16, 4_000])
    func `an event and a retry are written as chunks at once`(id: UInt64, dataBytes: Int) {
        let data = [UInt8](repeating: 0x78, count: dataBytes)
        var chunks = [UInt8](repeating: 0, count: dataBytes + 128)
        let end = chunks.withUnsafeMutableBytes { buffer in
            let retryEnd = SSEWriter.writeRetryChunk(milliseconds: 2050, into: buffer, at: 3)
            return data.withUnsafeBytes { SSEWriter.writeEventChunk(id: id, trusted: $0, into: buffer, at: retryEnd) }
        }
        var expected: [UInt8] = [0, 0, 0]
        ChunkWriter.append("retry: 2050\n\n".utf8, to: &expected)
        var block: [UInt8] = []
        SSEWriter.appendEvent(id: id, data: data, to: &block)
        ChunkWriter.append(block, to: &expected)
        #expect(Array(chunks[..<end]) == expected)
    }

    @Test func `a chunk that does not fit is a bug`() async {
        await #expect(processExitsWith: .failure) {
            var buffer = [UInt8](repeating: 0, count: 40)
            let data = [UInt8](repeating: 0x78, count: 20)
            buffer.withUnsafeMutableBytes { buffer in
                data.withUnsafeBytes { _ = SSEWriter.writeEventChunk(id: 1, trusted: $0, into: buffer, at: 0) }
            }
        }
    }

    @Test(arguments: [0, 9, 10, 99, 100, UInt64.max] as [UInt64])
    func `an event block has the bytes that were announced`(id: UInt64) {
        var output: [UInt8] = []
        SSEWriter.appendEvent(id: id, data: [0x78], to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "id: \(id)\ndata: x\n\n")
        #expect(output.count == SSEWriter.eventBytes(id: id, dataBytes: 1))
    }

    @Test func `events without an id, retries and comments are blocks of their own`() {
        var output: [UInt8] = []
        SSEWriter.appendEvent(id: nil, data: [0x78], to: &output)
        SSEWriter.appendRetry(milliseconds: 2050, to: &output)
        SSEWriter.appendComment("keep-alive", to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "data: x\n\nretry: 2050\n\n: keep-alive\n\n")
        var buffer = [UInt8](repeating: 0, count: 64)
        let end = buffer.withUnsafeMutableBytes {
            let offset = SSEWriter.writeRetry(milliseconds: 2050, into: $0, at: 0)
            return SSEWriter.writeComment("keep-alive", into: $0, at: offset)
        }
        #expect(buffer[..<end] == output.dropFirst(9))
    }

    @Test func `data of two lines is a bug`() async {
        await #expect(processExitsWith: .failure) {
            var output: [UInt8] = []
            SSEWriter.appendEvent(id: 1, data: Array("a\nb".utf8), to: &output)
        }
        await #expect(processExitsWith: .failure) {
            var output: [UInt8] = []
            SSEWriter.appendEvent(id: 1, data: Array("a\rb".utf8), to: &output)
        }
    }
}
