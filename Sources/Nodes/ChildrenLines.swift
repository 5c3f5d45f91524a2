import Glibc

/// Cuts a child's output into lines. What it holds is bounded: a line that is longer is cut into several, or is a fault.
struct ChildLines {
    /// What one `node_output` of a line may carry: far longer than lines for people.
    static let textLineBytesMax = 64 * 1024

    private let lineBytesMax: Int
    private let cutsLongLines: Bool
    private var partial: [UInt8] = []
    /// Whether a line was longer than allowed; only where long lines are not cut. Nothing comes out any more.
    private(set) var isOverlong = false

    init(lineBytesMax: Int = textLineBytesMax, cutsLongLines: Bool = true) {
        precondition(lineBytesMax >= 4, "a character fits into a line")
        self.lineBytesMax = lineBytesMax
        self.cutsLongLines = cutsLongLines
    }

    /// The lines that these bytes complete, without their newlines.
    mutating func take(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !isOverlong, let first = rest.first {
                _ = first
                guard let end = newline(in: UnsafeRawBufferPointer(rebasing: rest)) else { return add(rest, &lines) }
                add(rest[..<(rest.startIndex + end)], &lines)
                if isOverlong { return }
                lines.append(partial)
                partial = []
                rest = rest[(rest.startIndex + end + 1)...]
            }
        }
        return lines
    }

    /// The last line, if the output did not end with a newline.
    mutating func finish() -> [UInt8]? {
        defer { partial = [] }
        return partial.isEmpty || isOverlong ? nil : partial
    }

    private func newline(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, let place = memchr(base, 0x0A, bytes.count) else { return nil }
        return UnsafeRawPointer(place) - base
    }

    private mutating func add(_ bytes: Slice<UnsafeRawBufferPointer>, _ lines: inout [[UInt8]]) {
        partial.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes))
        guard partial.count > lineBytesMax else { return }
        guard cutsLongLines else {
            isOverlong = true
            partial = []
            return
        }
        var start = 0
        while partial.count - start > lineBytesMax {
            var end = start + lineBytesMax
            // Not within a character: a UTF-8 sequence has three continuation bytes at the most.
            for _ in 0..<3 where partial[end] & 0xC0 == 0x80 { end -= 1 }
            lines.append(Array(partial[start..<end]))
            start = end
        }
        partial.removeFirst(start)
    }
}

/// The last lines that a child wrote to stderr, for the message of its failure.
struct ChildTail {
    /// Enough for the end of a traceback.
    private static let linesMax = 20
    private static let lineBytesMax = 1024

    private var lines: [String] = []

    mutating func append(_ line: [UInt8]) {
        lines.append(String(decoding: line.prefix(Self.lineBytesMax), as: UTF8.self))
        if lines.count > Self.linesMax { lines.removeFirst() }
    }

    var text: String { lines.joined(separator: "\n") }

    var lastLine: String? {
        lines.last { !$0.allSatisfy(\.isWhitespace) }
    }
}
