/// Takes chunk framing off a body, incrementally and without copying (RFC 9112, 7.1).
struct ChunkedDecoder: Sendable {
    private var state = State.size
    private var lines = LineReader()
    private var trailers: FieldSection
    private var bytesAnnounced: UInt64 = 0
    private var extensionBytes = 0
    private let limits: RequestLimits
    private let bodyBytesMax: UInt64

    private enum State: Sendable {
        case size
        case data(remaining: UInt64)
        /// After the data; `hasReturn` once its CR has been seen.
        case dataEnd(hasReturn: Bool)
        case trailers
        case ended
    }

    enum Step: Equatable {
        case needsMore
        /// Where decoded bytes lie in the input.
        case data(Range<Int>)
        case end
    }

    /// - Parameter bodyBytesMax: of the decoded body; apart from `limits`, since a response has no such limit.
    init(limits: RequestLimits, bodyBytesMax: Int) {
        self.limits = limits
        self.bodyBytesMax = UInt64(bodyBytesMax)
        trailers = FieldSection(
            bytesMax: limits.trailerBytesMax, fieldsMax: limits.headerFieldsMax, keepsFields: false)
    }

    /// Takes bytes of `input` from `offset` on, which it moves, to the next piece of data or the end.
    mutating func next(_ input: UnsafeRawBufferPointer, _ offset: inout Int) throws(RequestFault) -> Step {
        while true {
            switch state {
            case .size:
                guard try readSize(input, &offset) else { return .needsMore }
            case .data(let remaining):
                guard offset < input.count else { return .needsMore }
                return .data(takeData(remaining, input, &offset))
            case .dataEnd(let hasReturn):
                guard offset < input.count else { return .needsMore }
                guard input[offset] == (hasReturn ? ASCII.lineFeed : ASCII.carriageReturn) else {
                    throw .unterminatedChunk
                }
                offset += 1
                state = hasReturn ? .size : .dataEnd(hasReturn: true)
            case .trailers:
                guard try trailers.read(input, &offset, lines: &lines) else { return .needsMore }
                state = .ended
            case .ended:
                return .end
            }
        }
    }

    private mutating func takeData(
        _ remaining: UInt64, _ input: UnsafeRawBufferPointer, _ offset: inout Int
    ) -> Range<Int> {
        let count = Int(min(remaining, UInt64(input.count - offset)))
        let range = offset..<offset + count
        offset += count
        let left = remaining - UInt64(count)
        state = left == 0 ? .dataEnd(hasReturn: false) : .data(remaining: left)
        return range
    }

    private mutating func readSize(_ input: UnsafeRawBufferPointer, _ offset: inout Int) throws(RequestFault) -> Bool {
        let read = try lines.read(
            input, &offset, contentBytesMax: limits.chunkLineBytesMax, tooLong: .chunkLineTooLong,
            use: Self.parseSize)
        guard case .line(let line) = read else { return false }
        extensionBytes += line.extensionBytes
        guard extensionBytes <= limits.chunkExtensionBytesMax else { throw .chunkExtensionsTooLarge }
        guard line.size <= bodyBytesMax - bytesAnnounced else { throw .bodyTooLarge(limits.bodyBytesMax) }
        bytesAnnounced += line.size
        state = line.size == 0 ? .trailers : .data(remaining: line.size)
        return true
    }

    /// `1*16HEXDIG [ ";" extensions ]`: no sign, no 0x, no spaces, so that no reader can take it for another number.
    private static func parseSize(
        _ line: UnsafeRawBufferPointer
    ) throws(RequestFault) -> (size: UInt64, extensionBytes: Int) {
        let digits = line.part(0..<(line.firstIndex(ofByte: ASCII.semicolon) ?? line.count))
        guard 1...16 ~= digits.count else { throw .invalidChunkSize }
        var size: UInt64 = 0
        for byte in digits {
            guard let value = ASCII.hexValue(byte) else { throw .invalidChunkSize }
            size = size << 4 | UInt64(value)
        }
        let extensions = line.part(digits.count..<line.count)
        guard extensions.allSatisfy(ASCII.isFieldValue) else { throw .invalidChunkExtension }
        return (size, extensions.count)
    }
}
