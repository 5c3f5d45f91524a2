/// The header fields of a message, in the order in which they stand there.
///
/// They lie behind one another in one buffer as they are sent, so that writing them is one copy, and a head costs one
/// allocation however many fields it has. The few fields of a real head are found by going through them; most look-ups are
/// for what is not there, which the lengths of the names tell.
package struct HeaderFields: Sendable, Equatable {
    /// `name: value` and CRLF, each time.
    private var bytes: [UInt8] = []
    package private(set) var count = 0
    /// Bit n: there is a name of n bytes (modulo 64).
    private var nameLengths: UInt64 = 0

    /// Where a field lies in `bytes`.
    private struct Entry {
        var nameStart: Int
        var nameEnd: Int
        var valueEnd: Int

        var name: Range<Int> { nameStart..<nameEnd }
        var value: Range<Int> { nameEnd + 2..<valueEnd }
        var end: Int { valueEnd + 2 }
    }

    /// How often a name occurs.
    enum Occurrence {
        case none
        case once(Range<Int>)
        case repeated
    }

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// The first value of that name, in any case, or nil. Bytes that are not UTF-8 become U+FFFD.
    package subscript(name: String) -> String? {
        firstValue(of: name).map(text)
    }

    /// All values of that name, in order.
    package func values(of name: String) -> [String] {
        var values: [String] = []
        forEachValue(of: name) { range in
            values.append(text(range))
            return true
        }
        return values
    }

    package func contains(_ name: String) -> Bool { firstValue(of: name) != nil }

    /// Whether there is a field whose name begins like that, in any case.
    package func containsName(beginningWith prefix: String) -> Bool {
        prefix.withBytes { prefix in
            bytes.withUnsafeBytes { bytes in
                var start = 0
                while let entry = Self.entry(in: bytes, at: start) {
                    if entry.name.count >= prefix.count,
                        bytes.part(entry.nameStart..<entry.nameStart + prefix.count).equalsIgnoringCase(prefix)
                    {
                        return true
                    }
                    start = entry.end
                }
                return false
            }
        }
    }

    /// How many fields have that name.
    package func count(of name: String) -> Int {
        var count = 0
        forEachValue(of: name) { _ in
            count += 1
            return true
        }
        return count
    }

    /// The name of the field at `index`, as it was written.
    package func name(at index: Int) -> String { text(entry(index).name) }

    /// The value of the field at `index`, without spaces around it.
    package func value(at index: Int) -> String { text(entry(index).value) }

    /// The value's bytes, as they came.
    package func valueBytes(at index: Int) -> ArraySlice<UInt8> { bytes[entry(index).value] }

    /// Calls `body` with the bytes of the first value of that name, or nil, without a copy. Keep no pointer.
    package func withValue<Result>(of name: String, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        guard let range = firstValue(of: name) else { return body(nil) }
        return withBytes(range, body)
    }

    /// Whether a field of that name lists `token`, in any case (`Connection: close, te`).
    package func lists(_ token: String, in name: String) -> Bool {
        var isListed = false
        forEachValue(of: name) { range in
            isListed = withBytes(range) { Self.isListed(token, in: $0) }
            return !isListed
        }
        return isListed
    }

    private static func isListed(_ token: String, in list: UnsafeRawBufferPointer) -> Bool {
        list.split(separator: ASCII.comma).contains {
            UnsafeRawBufferPointer(rebasing: $0).trimmed.equalsIgnoringCase(token)
        }
    }

    /// Whether there is one value of that name, and where.
    func occurrence(of name: String) -> Occurrence {
        var occurrence = Occurrence.none
        forEachValue(of: name) { range in
            if case .none = occurrence { occurrence = .once(range) } else { occurrence = .repeated }
            return true
        }
        return occurrence
    }

    /// Calls `body` with the bytes of a value. Keep no pointer.
    func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body($0.part(range)) }
    }

    private func firstValue(of name: String) -> Range<Int>? {
        var found: Range<Int>?
        forEachValue(of: name) { range in
            found = range
            return false
        }
        return found
    }

    /// - Parameter body: returns whether it wants the next one too.
    @inline(__always)
    private func forEachValue(of name: String, _ body: (Range<Int>) -> Bool) {
        guard nameLengths >> UInt64(name.utf8.count & 63) & 1 == 1 else { return }
        name.withBytes { name in
            bytes.withUnsafeBytes { bytes in
                var start = 0
                while let entry = Self.entry(in: bytes, at: start) {
                    if entry.name.count == name.count, bytes.part(entry.name).equalsIgnoringCase(name) {
                        guard body(entry.value) else { return }
                    }
                    start = entry.end
                }
            }
        }
    }

    private func entry(_ index: Int) -> Entry {
        precondition(0..<count ~= index, "no field at \(index)")
        return bytes.withUnsafeBytes { bytes in
            var start = 0
            for _ in 0..<index { start = Self.entry(in: bytes, at: start)?.end ?? start }
            return Self.entry(in: bytes, at: start)!
        }
    }

    /// The field that begins at `start`, nil at the end: a name has no colon in it, and a value no CR.
    private static func entry(in bytes: UnsafeRawBufferPointer, at start: Int) -> Entry? {
        guard start < bytes.count, let nameEnd = bytes.firstIndex(ofByte: ASCII.colon, from: start),
            let valueEnd = bytes.firstIndex(ofByte: ASCII.carriageReturn, from: nameEnd)
        else { return nil }
        return Entry(nameStart: start, nameEnd: nameEnd, valueEnd: valueEnd)
    }

    private func text(_ range: Range<Int>) -> String {
        withBytes(range) { String(decoding: $0, as: UTF8.self) }
    }
}

extension HeaderFields {
    /// Why a field cannot be sent.
    package enum FieldError: Error, Equatable, Sendable {
        case invalidName(String)
        /// The value of the field named has CR, LF, NUL or another control character in it.
        case invalidValue(name: String)
    }

    /// Appends a field of our own making: an invalid one is a bug and traps.
    package mutating func add(_ name: String, _ value: String) {
        do {
            try addUntrusted(name, value)
        } catch {
            preconditionFailure("not a header field: \(error)")
        }
    }

    /// Appends a field whose name or value came from outside.
    ///
    /// - Throws: `FieldError` where it could not be sent without changing the message's structure.
    package mutating func addUntrusted(_ name: String, _ value: String) throws(FieldError) {
        var (name, value) = (name, value)
        let fault = name.withUTF8 { nameBytes -> FieldError? in
            value.withUTF8 { valueBytes in
                let (nameBytes, valueBytes) = (UnsafeRawBufferPointer(nameBytes), UnsafeRawBufferPointer(valueBytes))
                guard !nameBytes.isEmpty, ByteSet.token.containsAll(nameBytes) else {
                    return .invalidName(String(decoding: nameBytes, as: UTF8.self))
                }
                guard ASCII.isFieldValue(valueBytes) else {
                    return .invalidValue(name: String(decoding: nameBytes, as: UTF8.self))
                }
                append(name: nameBytes, value: valueBytes)
                return nil
            }
        }
        if let fault { throw fault }
    }

    /// Appends a field of our own making whose value is `prefix`, `middle` and `suffix`, of which nothing needs to be checked.
    package mutating func add(
        _ name: StaticString, _ prefix: StaticString, trusted middle: [UInt8], _ suffix: StaticString = ""
    ) {
        assert(middle.allSatisfy(ASCII.isFieldValue), "not a field's value")
        let valueCount = prefix.utf8CodeUnitCount + middle.count + suffix.utf8CodeUnitCount
        append(nameCount: name.utf8CodeUnitCount, valueCount: valueCount) { writer in
            writer.write(name)
            writer.write(": ")
            writer.write(prefix)
            middle.withUnsafeBytes { writer.write($0) }
            writer.write(suffix)
        }
    }

    /// Appends a field that has been checked already.
    mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        append(nameCount: name.count, valueCount: value.count) { writer in
            writer.write(name)
            writer.write(": ")
            writer.write(value)
        }
    }

    /// - Parameter write: writes the name, `: ` and the value.
    @inline(__always)
    private mutating func append(nameCount: Int, valueCount: Int, _ write: (inout RawWriter) -> Void) {
        let lineCount = nameCount + valueCount + 4
        // Room for a usual head; a larger one grows from here.
        bytes.append(addingCapacity: isEmpty ? max(lineCount, 448) : lineCount) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                var writer = RawWriter(buffer: UnsafeMutableRawBufferPointer(buffer), offset: initialized)
                write(&writer)
                writer.write("\r\n")
                initialized = writer.offset
            }
        }
        count += 1
        nameLengths |= 1 << UInt64(nameCount & 63)
    }

    /// All fields as `name: value` lines.
    func write(to writer: inout RawWriter) {
        bytes.withUnsafeBytes { writer.write($0) }
    }

    /// The bytes that `write(to:)` writes.
    var writtenBytes: Int { bytes.count }
}

extension HeaderFields: ExpressibleByDictionaryLiteral {
    /// Fields of our own making, in the order written.
    package init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }
}
