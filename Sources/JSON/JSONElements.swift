/// The elements of an array, one after the other, without all of them in memory beside its text.
package struct JSONElements: Sendable {
    private let text: JSONText
    private var position = 0
    /// The index of the element that comes next.
    package private(set) var index = 0

    /// - Parameter text: an array.
    package init(_ text: JSONText) {
        precondition(text.kind == .array, "only an array has elements")
        self.text = text
    }

    package mutating func next() -> JSONText? {
        advance { JSONText(copying: $0) }
    }

    /// Steps over so many elements, or over all that are left.
    package mutating func skip(_ count: Int) {
        text.bytes.withUnsafeBytes { bytes in
            var scanner = TrustedScanner(bytes, from: position)
            for _ in 0..<count {
                guard scanner.nextElement() != nil else { break }
                index += 1
            }
            position = scanner.position
        }
    }

    /// How many elements there are, counted no further than to one more than `limit`.
    package func count(upTo limit: Int) -> Int {
        var rest = JSONElements(text)
        rest.skip(limit + 1)
        return rest.index
    }

    private mutating func advance<Element>(_ body: (UnsafeRawBufferPointer) -> Element) -> Element? {
        text.bytes.withUnsafeBytes { bytes in
            var scanner = TrustedScanner(bytes, from: position)
            guard let element = scanner.nextElement() else { return nil }
            position = scanner.position
            index += 1
            return body(element)
        }
    }
}
