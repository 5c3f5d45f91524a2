/// The way to a place in a JSON value (RFC 6901): one token for each object or array that is entered.
package struct JSONPointer: Sendable, CustomStringConvertible {
    package private(set) var tokens: [String]

    /// The whole value.
    package static let root = JSONPointer([])

    package init(_ tokens: [String]) {
        self.tokens = tokens
    }

    /// Reads the string form: empty, or `/` before each token, with `~0` for `~` and `~1` for `/`.
    package init(parsing string: String) throws(JSONError) {
        let parts = string.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts[0].isEmpty else {
            throw JSONError(.patch, "the JSON Pointer \(string) does not start with a slash")
        }
        tokens = []
        for part in parts.dropFirst() {
            guard let token = unescaped(part) else {
                throw JSONError(.patch, "the JSON Pointer \(string) has a ~ that is neither ~0 nor ~1")
            }
            tokens.append(token)
        }
    }

    package func appending(_ token: String) -> JSONPointer { JSONPointer(tokens + [token]) }
    package func appending(_ index: Int) -> JSONPointer { appending(String(index)) }

    /// The string form.
    package var description: String { tokens.reduce(into: "") { $0 += "/" + Self.escape($1) } }

    /// A token as it stands in the string form.
    package static func escape(_ token: String) -> String {
        var bytes: [UInt8] = []
        for byte in token.utf8 {
            switch byte {
            case UInt8(ascii: "~"): bytes += "~0".utf8
            case UInt8(ascii: "/"): bytes += "~1".utf8
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The index that a token names: digits without needless zeros (RFC 6901, section 4).
    static func index(_ token: String) -> Int? {
        let digits = token.utf8
        guard digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return nil }
        guard digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
        return Int(token)
    }
}

extension JSONPointer: Hashable {
    // By code points, as keys are: `==` of strings takes canonically equivalent ones for equal.
    package static func == (left: JSONPointer, right: JSONPointer) -> Bool {
        left.tokens.elementsEqual(right.tokens) { $0.utf8.elementsEqual($1.utf8) }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(JSONKey(description))
    }
}

extension JSONText {
    /// The value at a place; nil if there is none.
    package subscript(pointer: JSONPointer) -> JSONText? {
        var value = self
        for token in pointer.tokens {
            guard let next = value.kind == .array ? value.element(token) : value[JSONKey(token)] else { return nil }
            value = next
        }
        return value
    }

    private func element(_ token: String) -> JSONText? {
        guard let index = JSONPointer.index(token) else { return nil }
        return bytes.withUnsafeBytes { text in
            var scanner = TrustedScanner(text)
            var position = 0
            while let element = scanner.nextElement() {
                if position == index { return JSONText(copying: element) }
                position += 1
            }
            return nil
        }
    }
}

private func unescaped(_ part: Substring.UTF8View) -> String? {
    var bytes: [UInt8] = []
    var rest = part
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "~") else {
            bytes.append(byte)
            continue
        }
        switch rest.popFirst() {
        case UInt8(ascii: "0"): bytes.append(UInt8(ascii: "~"))
        case UInt8(ascii: "1"): bytes.append(UInt8(ascii: "/"))
        default: return nil
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
