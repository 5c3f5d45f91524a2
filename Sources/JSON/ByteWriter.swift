import Glibc

/// A growing output buffer for JSON and frames. Raw memory and memcpy: an append costs a few nanoseconds, where an
/// append to `[UInt8]` costs three times as much and one to `String` ten times.
package struct ByteWriter: ~Copyable {
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    package private(set) var count = 0

    package init(capacity: Int = 0) {
        if capacity > 0 { reserve(capacity) }
    }

    deinit { free(memory) }

    /// Makes room for so many bytes more.
    package mutating func reserve(_ additional: Int) {
        precondition(additional >= 0)
        guard capacity - count < additional else { return }
        grow(to: max(count + additional, capacity * 2, 32))
    }

    private mutating func grow(to newCapacity: Int) {
        guard let grown = realloc(memory, newCapacity) else { preconditionFailure("out of memory") }
        memory = grown
        capacity = newCapacity
    }

    /// What was written so far; the pointer is valid during the call only.
    package borrowing func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: memory, count: count))
    }

    /// A copy of what was written so far.
    package var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

    package mutating func removeAll(keepingCapacity: Bool = true) {
        count = 0
        guard !keepingCapacity else { return }
        free(memory)
        memory = nil
        capacity = 0
    }

    /// Forgets what was written behind the first `count` bytes.
    package mutating func truncate(to count: Int) {
        precondition((0...self.count).contains(count))
        self.count = count
    }

    /// Overwrites bytes that were written before; the range must lie within them.
    package mutating func overwrite(at offset: Int, with bytes: UnsafeRawBufferPointer) {
        precondition(offset >= 0 && offset + bytes.count <= count)
        guard let memory, let source = bytes.baseAddress else { return }
        memmove(memory + offset, source, bytes.count)
    }

    package mutating func overwrite(at offset: Int, with bytes: [UInt8]) {
        bytes.withUnsafeBytes { overwrite(at: offset, with: $0) }
    }
}

// MARK: - Bytes

extension ByteWriter {
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        memcpy(memory! + count, source, bytes.count)
        count += bytes.count
    }

    package mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// The literal's UTF-8.
    package mutating func append(_ literal: StaticString) {
        precondition(literal.hasPointerRepresentation)
        append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// The string's UTF-8 as it is, without quotes or escapes.
    package mutating func append(utf8 string: String) {
        var string = string
        string.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    package mutating func append(byte: UInt8) {
        reserve(1)
        memory!.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }
}

// MARK: - Numbers

extension ByteWriter {
    package mutating func append(decimal number: Int) {
        if number < 0 { append(byte: UInt8(ascii: "-")) }
        append(decimal: UInt64(number.magnitude))
    }

    package mutating func append(decimal number: UInt64) {
        let digitsMax = 20
        reserve(digitsMax)
        var rest = number
        withUnsafeTemporaryAllocation(byteCount: digitsMax, alignment: 1) { digits in
            var start = digitsMax
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(digit)
                rest = quotient
            } while rest > 0
            append(UnsafeRawBufferPointer(rebasing: digits[start...]))
        }
    }
}

// MARK: - JSON

extension ByteWriter {
    package mutating func append(json text: JSONText) { append(text.bytes) }

    /// The key's token, quotes included, without the colon.
    package mutating func append(key: JSONKey) { append(key.token) }

    /// The object's text.
    package mutating func append(object: JSONObject) {
        reserve(object.byteCount)
        append(byte: UInt8(ascii: "{"))
        var isFirst = true
        for (key, value) in object {
            if !isFirst { append(byte: UInt8(ascii: ",")) }
            isFirst = false
            append(key: key)
            append(byte: UInt8(ascii: ":"))
            append(json: value)
        }
        append(byte: UInt8(ascii: "}"))
    }

    /// The string as a JSON string with the fewest escapes (RFC 8259, section 7), quotes included.
    package mutating func appendJSONString(_ string: String) {
        var string = string
        string.withUTF8 { appendJSONString(utf8: UnsafeRawBufferPointer($0)) }
    }

    /// The same for text that is known to be UTF-8.
    package mutating func appendJSONString(utf8: UnsafeRawBufferPointer) {
        reserve(utf8.count + 2)
        append(byte: UInt8(ascii: "\""))
        var written = 0
        for (index, byte) in utf8.enumerated() where needsEscape(byte) {
            append(UnsafeRawBufferPointer(rebasing: utf8[written..<index]))
            appendEscape(of: byte)
            written = index + 1
        }
        append(UnsafeRawBufferPointer(rebasing: utf8[written...]))
        append(byte: UInt8(ascii: "\""))
    }

    private mutating func appendEscape(of byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0A: append("\\n")
        case 0x0C: append("\\f")
        case 0x0D: append("\\r")
        default:
            append(byte < 0x10 ? "\\u000" : "\\u001")
            append(byte: hexadecimalDigit(byte & 0x0F))
        }
    }
}

private func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
}

private func hexadecimalDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value - 10)
}
