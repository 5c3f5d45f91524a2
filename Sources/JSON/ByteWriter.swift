import Glibc

/// A growing output buffer for JSON and frames. Raw memory and memcpy: an append costs a few nanoseconds, where an
/// append to `[UInt8]` costs three times as much and one to `String` ten times. The appends are inlinable, so that one of a
/// literal becomes a few stores where it stands; they are public because the compiler inlines nothing else across modules.
public struct ByteWriter: ~Copyable {
    @usableFromInline var memory: UnsafeMutableRawPointer?
    @usableFromInline var capacity = 0
    @usableFromInline var used = 0

    @inlinable public var count: Int { used }
    /// What it holds of memory.
    package var allocatedBytes: Int { capacity }

    package init(capacity: Int = 0) {
        if capacity > 0 { reserve(capacity) }
    }

    deinit { free(memory) }

    /// Makes room for so many bytes more.
    @inlinable @inline(__always) public mutating func reserve(_ additional: Int) {
        if capacity - used < additional { grow(by: additional) }
    }

    @usableFromInline @inline(never) mutating func grow(by additional: Int) {
        let newCapacity = max(used + additional, capacity * 2, 32)
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
        used = 0
        guard !keepingCapacity else { return }
        free(memory)
        memory = nil
        capacity = 0
    }

    /// Forgets what was written behind the first `count` bytes.
    package mutating func truncate(to count: Int) {
        precondition((0...used).contains(count))
        used = count
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
    @inlinable @inline(__always) public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        memcpy(memory! + used, source, bytes.count)
        used += bytes.count
    }

    @inlinable @inline(__always) public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// The literal's UTF-8.
    @inlinable @inline(__always) public mutating func append(_ literal: StaticString) {
        precondition(literal.hasPointerRepresentation)
        append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends what was written before in this range once more.
    package mutating func `repeat`(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= used)
        reserve(range.count)
        guard let memory else { return }
        memcpy(memory + used, memory + range.lowerBound, range.count)
        used += range.count
    }

    /// Room for exactly `count` bytes, all of which `body` must write.
    @inlinable public mutating func append(count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        guard count > 0 else { return }
        reserve(count)
        body(UnsafeMutableRawBufferPointer(start: memory! + used, count: count))
        used += count
    }

    /// The string's UTF-8 as it is, without quotes or escapes.
    package mutating func append(utf8 string: String) {
        var string = string
        string.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    @inlinable @inline(__always) public mutating func append(byte: UInt8) {
        reserve(1)
        memory!.storeBytes(of: byte, toByteOffset: used, as: UInt8.self)
        used += 1
    }
}

// MARK: - Binary

extension ByteWriter {
    /// LEB128; the number is not negative.
    package mutating func append(varint value: Int) {
        precondition(value >= 0, "counts and durations are not negative")
        var rest = UInt64(value)
        while rest >= 0x80 {
            append(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(byte: UInt8(rest))
    }

    /// The bytes, preceded by their number.
    package mutating func append(counted bytes: [UInt8]) {
        append(varint: bytes.count)
        append(bytes)
    }
}

// MARK: - JSON

extension ByteWriter {
    package mutating func append(json text: JSONText) { append(text.bytes) }

    /// The key's token, quotes included, without the colon.
    package mutating func append(key: JSONKey) { append(key.token) }

    /// The object's text.
    package mutating func append(object: JSONObject) {
        if let known = object.knownText { return append(known) }
        reserve(object.byteCount)
        append(byte: UInt8(ascii: "{"))
        var isFirst = true
        object.forEachMember { key, value in
            if !isFirst { append(byte: UInt8(ascii: ",")) }
            isFirst = false
            append(key: key)
            append(byte: UInt8(ascii: ":"))
            append(json: value)
        }
        append(byte: UInt8(ascii: "}"))
    }

    /// The object's members in turn, key token and value, each preceded by its length.
    package mutating func append(countedMembersOf object: JSONObject) {
        object.forEachMember { key, value in
            append(counted: key.token)
            append(counted: value.bytes)
        }
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
        for index in utf8.indices where needsEscape(utf8[index]) {
            append(UnsafeRawBufferPointer(rebasing: utf8[written..<index]))
            appendEscape(of: utf8[index])
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
