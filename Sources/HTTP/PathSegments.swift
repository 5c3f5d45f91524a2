/// The decoded segments of a path: `/a/b%2Fc` has `a` and `b/c`, `/` has none, `/a/` has `a` and an empty one.
///
/// They lie behind one another, each ended by a NUL, which none has in it (`%00` is refused): so a request finds its route
/// without a string being made of any.
package struct PathSegments: Sendable, Equatable {
    static var terminator: UInt8 { 0 }

    /// Of a request's target: the segments are a part of it.
    private let bytes: [UInt8]
    private let start: Int
    private let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        (start, end) = (range.lowerBound, range.upperBound)
    }

    package init(_ segments: [String]) {
        let bytes = segments.flatMap { Array($0.utf8) + [Self.terminator] }
        self.init(bytes, 0..<bytes.count)
    }

    /// The segments as they lie in memory. Keep no pointer.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body($0.part(start..<end)) }
    }

    /// The segment at `index`; another index than that of one is a bug and traps.
    package subscript(index: Int) -> String {
        withBytes { bytes in
            var rest = bytes
            for _ in 0..<index { _ = Self.popFirst(&rest) }
            return String(decoding: Self.popFirst(&rest), as: UTF8.self)
        }
    }

    package var strings: [String] {
        withBytes { bytes in
            var rest = bytes
            var strings: [String] = []
            while !rest.isEmpty { strings.append(String(decoding: Self.popFirst(&rest), as: UTF8.self)) }
            return strings
        }
    }

    /// Takes the first segment off those that are left, of which there must be one.
    static func popFirst(_ rest: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let end = rest.firstIndex(ofByte: terminator) else { preconditionFailure("no segment is left") }
        let segment = rest.part(0..<end)
        rest = rest.part(end + 1..<rest.count)
        return segment
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.strings == right.strings
    }
}
