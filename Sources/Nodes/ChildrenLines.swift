import Glibc

/// Cuts what a worker says into lines. What it holds is bounded: a longer line is a fault.
struct ChildLines {
    private let lineBytesMax: Int
    private var partial: [UInt8] = []
    /// Whether a line was longer than allowed. Nothing comes out any more.
    private(set) var isOverlong = false

    init(lineBytesMax: Int) {
        self.lineBytesMax = lineBytesMax
    }

    /// The lines that these bytes complete, without their newlines.
    mutating func take(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !isOverlong, !rest.isEmpty {
                guard let end = newline(in: UnsafeRawBufferPointer(rebasing: rest)) else { return add(rest) }
                add(rest[..<(rest.startIndex + end)])
                if isOverlong { return }
                lines.append(partial)
                partial = []
                rest = rest[(rest.startIndex + end + 1)...]
            }
        }
        return lines
    }

    private func newline(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, let place = memchr(base, 0x0A, bytes.count) else { return nil }
        return UnsafeRawPointer(place) - base
    }

    private mutating func add(_ bytes: Slice<UnsafeRawBufferPointer>) {
        partial.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes))
        guard partial.count > lineBytesMax else { return }
        isOverlong = true
        partial = []
    }
}

/// The last lines that a child wrote to stderr, for the message of its failure.
struct ChildTail {
    /// Enough for the end of a traceback.
    private static let linesMax = 20
    private static let lineBytesMax = 1024
    private static let bytesMax = linesMax * lineBytesMax

    private var bytes: [UInt8] = []

    mutating func append(_ more: [UInt8]) {
        bytes += more.suffix(Self.bytesMax)
        // Not at each append, so that a flood costs no more than its bytes.
        if bytes.count > 2 * Self.bytesMax { bytes.removeFirst(bytes.count - Self.bytesMax) }
    }

    private var lines: [String] {
        bytes.suffix(Self.bytesMax).split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }).suffix(Self.linesMax)
            .map { String(decoding: $0.prefix(Self.lineBytesMax), as: UTF8.self) }
    }

    var text: String { lines.joined(separator: "\n") }

    /// The line that says most likely why it ended: of Python's report of a crash its first one, with the place.
    var lastLine: String? {
        let lines = lines
        guard let fatal = lines.last(where: { $0.hasPrefix("Fatal Python error: ") }) else {
            return lines.last { !$0.allSatisfy(\.isWhitespace) }
        }
        let place = lines.first { $0.hasPrefix("  File ") }?.drop { $0 == " " }
        return place.map { "\(fatal) (\($0))" } ?? fatal
    }
}
