/// The header fields of a message, in the order in which they stand there.
///
/// One flat buffer holds all names and values, and a table says where they are: a head costs two allocations however many
/// fields it has. Look-up compares lengths first, which for the few fields of a real head beats hashing.
package struct HeaderFields: Sendable, Equatable {
    private var bytes: [UInt8] = []
    private var entries: [Entry] = []

    private struct Entry: Sendable, Equatable {
        var nameStart: UInt32
        var valueStart: UInt32
        var end: UInt32

        var name: Range<Int> { Int(nameStart)..<Int(valueStart) }
        var value: Range<Int> { Int(valueStart)..<Int(end) }
    }

    package init() {}

    package var count: Int { entries.count }
    package var isEmpty: Bool { entries.isEmpty }

    /// The first value of that name, in any case, or nil. Bytes that are not UTF-8 become U+FFFD.
    package subscript(name: String) -> String? {
        firstIndex(of: name).map(value(at:))
    }

    /// All values of that name, in order.
    package func values(of name: String) -> [String] {
        entries.indices.filter { isName(name, at: $0) }.map(value(at:))
    }

    package func contains(_ name: String) -> Bool { firstIndex(of: name) != nil }

    /// How many fields have that name.
    package func count(of name: String) -> Int {
        entries.indices.count { isName(name, at: $0) }
    }

    /// The name of the field at `index`, as it was written.
    package func name(at index: Int) -> String { String(decoding: bytes[entries[index].name], as: UTF8.self) }

    /// The value of the field at `index`, without spaces around it.
    package func value(at index: Int) -> String { String(decoding: bytes[entries[index].value], as: UTF8.self) }

    /// The value's bytes, as they came.
    package func valueBytes(at index: Int) -> ArraySlice<UInt8> { bytes[entries[index].value] }

    /// Calls `body` with the bytes of the first value of that name, or nil, without a copy. Keep no pointer.
    package func withValue<Result>(of name: String, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        guard let index = firstIndex(of: name) else { return body(nil) }
        return bytes.withUnsafeBytes { body($0.part(entries[index].value)) }
    }

    /// Whether a field of that name lists `token`, in any case (`Connection: close, te`).
    package func lists(_ token: String, in name: String) -> Bool {
        entries.indices.contains { index in
            isName(name, at: index)
                && bytes.withUnsafeBytes { Self.isListed(token, in: $0.part(entries[index].value)) }
        }
    }

    private static func isListed(_ token: String, in list: UnsafeRawBufferPointer) -> Bool {
        list.split(separator: ASCII.comma).contains {
            UnsafeRawBufferPointer(rebasing: $0).trimmed.equalsIgnoringCase(token)
        }
    }

    private func firstIndex(of name: String) -> Int? {
        entries.indices.first { isName(name, at: $0) }
    }

    private func isName(_ name: String, at index: Int) -> Bool {
        let range = entries[index].name
        guard range.count == name.utf8.count else { return false }
        return bytes.withUnsafeBytes { $0.part(range).equalsIgnoringCase(name) }
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
                guard valueBytes.allSatisfy(ASCII.isFieldValue) else {
                    return .invalidValue(name: String(decoding: nameBytes, as: UTF8.self))
                }
                append(name: nameBytes, value: valueBytes)
                return nil
            }
        }
        if let fault { throw fault }
    }

    /// Appends a field that has been checked already.
    mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        if entries.isEmpty {
            // A usual head; a larger one grows from here.
            entries.reserveCapacity(12)
            bytes.reserveCapacity(512)
        }
        let nameStart = UInt32(bytes.count)
        bytes.append(contentsOf: name)
        let valueStart = UInt32(bytes.count)
        bytes.append(contentsOf: value)
        entries.append(Entry(nameStart: nameStart, valueStart: valueStart, end: UInt32(bytes.count)))
    }

    /// Appends all fields as `name: value` lines.
    func write(to output: inout [UInt8]) {
        output.append(addingCapacity: writtenBytes) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                var writer = RawWriter(buffer: UnsafeMutableRawBufferPointer(buffer), offset: initialized)
                bytes.withUnsafeBytes { bytes in
                    for entry in entries {
                        writer.write(bytes.part(entry.name))
                        writer.write(": ")
                        writer.write(bytes.part(entry.value))
                        writer.write("\r\n")
                    }
                }
                initialized = writer.offset
            }
        }
    }

    /// The bytes that `write(to:)` appends.
    var writtenBytes: Int { bytes.count + 4 * entries.count }
}

extension HeaderFields: ExpressibleByDictionaryLiteral {
    /// Fields of our own making, in the order written.
    package init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }
}
