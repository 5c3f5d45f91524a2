import Glibc

/// Finds the parts of a text that is known to be valid and minified, without recursion and without checks.
struct TrustedScanner {
    private let text: UnsafeRawBufferPointer
    private(set) var position: Int

    /// - Parameter position: 0, or behind a member or an element.
    init(_ text: UnsafeRawBufferPointer, from position: Int = 0) {
        self.text = text
        self.position = position
    }

    /// The next member of the object that the text is: its key's token and its value. Nil past the last one.
    mutating func nextMember() -> (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
        guard enterNext() else { return nil }
        let start = position
        skipString()
        let key = UnsafeRawBufferPointer(rebasing: text[start..<position])
        position += 1
        return (key, value())
    }

    /// The next element of the array that the text is. Nil past the last one.
    mutating func nextElement() -> UnsafeRawBufferPointer? {
        guard enterNext() else { return nil }
        return value()
    }

    /// Steps over the opening bracket or a comma. False at the end of an array or object.
    private mutating func enterNext() -> Bool {
        if position == 0 {
            position = 1
            return text.count > 2
        }
        guard text[position] == UInt8(ascii: ",") else { return false }
        position += 1
        return true
    }

    private mutating func value() -> UnsafeRawBufferPointer {
        let start = position
        skipValue()
        return UnsafeRawBufferPointer(rebasing: text[start..<position])
    }

    private mutating func skipValue() {
        switch text[position] {
        case UInt8(ascii: "\""): skipString()
        case UInt8(ascii: "{"), UInt8(ascii: "["): skipContainer()
        default: skipWord()
        }
    }

    private mutating func skipWord() {
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"): return
            default: position += 1
            }
        }
    }

    private mutating func skipContainer() {
        var depth = 0
        repeat {
            switch text[position] {
            case UInt8(ascii: "\""):
                skipString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
        } while depth > 0
    }

    /// Steps over the string that starts at `position`, quotes included.
    mutating func skipString() {
        position += 1
        while text[position] != UInt8(ascii: "\"") {
            position += text[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
    }

    /// How many arrays and objects are open at the deepest place of a text.
    static func depth(of text: UnsafeRawBufferPointer) -> Int {
        var scanner = TrustedScanner(text)
        var depth = 0
        var deepest = 0
        while scanner.position < text.count {
            switch text[scanner.position] {
            case UInt8(ascii: "\""):
                scanner.skipString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            scanner.position += 1
        }
        return deepest
    }
}

func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    guard left.count > 0 else { return true }
    return memcmp(left.baseAddress!, right.baseAddress!, left.count) == 0
}

/// Faster than `==` of arrays, which compares element by element.
func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.withUnsafeBytes { left in right.withUnsafeBytes { areEqual(left, $0) } }
}
