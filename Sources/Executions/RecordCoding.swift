// What the stored form of records is made of: fields behind one another, and a checksum.

import JSON

/// Notices damage, not malice: every bit of the result depends on every bit before. Eight bytes at a time, since each
/// record pays for it when it is made and whenever it is read.
func recordChecksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    var sum = 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.count)
    func take(_ word: UInt64) {
        sum = (sum ^ word) &* 0xD6E8_FEB8_6659_FD93
        sum ^= sum >> 32
    }
    var offset = 0
    while bytes.count - offset >= 8 {
        take(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        offset += 8
    }
    var rest: UInt64 = 0
    for byte in bytes[offset...] { rest = rest << 8 | UInt64(byte) }
    take(rest)
    return UInt32(truncatingIfNeeded: sum)
}

extension ByteWriter {
    /// Little-endian, as many bytes as the type has.
    mutating func append(fixed value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append($0) }
    }

    mutating func append(counted text: StaticString) {
        append(varint: text.utf8CodeUnitCount)
        append(text)
    }

    mutating func append(counted text: String) {
        var text = text
        text.withUTF8 { utf8 in
            append(varint: utf8.count)
            append(UnsafeRawBufferPointer(utf8))
        }
    }

    mutating func append(members object: JSONObject) {
        append(varint: object.count)
        append(countedMembersOf: object)
    }

    mutating func append(list: [Int]) {
        append(varint: list.count)
        for element in list { append(varint: element) }
    }
}

/// Reads the fields of one record, never past its end.
struct RecordReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    /// Checks the sum; what is left to read are the fields.
    init(_ record: UnsafeRawBufferPointer) throws(RecordError) {
        let count = record.count - MemoryLayout<UInt32>.size
        guard count > 0 else { throw RecordError(message: "the record ends too early") }
        bytes = UnsafeRawBufferPointer(rebasing: record[..<count])
        let expected = UInt32(littleEndian: record.loadUnaligned(fromByteOffset: count, as: UInt32.self))
        guard recordChecksum(of: bytes) == expected else { throw RecordError(message: "the record is damaged") }
    }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func byte() throws(RecordError) -> UInt8 {
        guard offset < bytes.count else { throw RecordError(message: "the record ends too early") }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func fixed64() throws(RecordError) -> UInt64 {
        guard bytes.count - offset >= 8 else { throw RecordError(message: "the record ends too early") }
        defer { offset += 8 }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    mutating func varint() throws(RecordError) -> Int {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { break }
            shift += 7
            guard shift < 63 else { throw RecordError(message: "a number is too long") }
        }
        guard let result = Int(exactly: value) else { throw RecordError(message: "a number is too long") }
        return result
    }

    mutating func counted() throws(RecordError) -> [UInt8] {
        let count = try varint()
        guard count <= bytes.count - offset else { throw RecordError(message: "the record ends too early") }
        defer { offset += count }
        return [UInt8](UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
    }

    mutating func string() throws(RecordError) -> String {
        String(decoding: try counted(), as: UTF8.self)
    }

    mutating func object() throws(RecordError) -> JSONObject {
        var object = JSONObject()
        for _ in 0..<(try varint()) {
            let key = JSONKey(canonical: try counted())
            object[key] = JSONText(trusted: try counted())
        }
        return object
    }

    mutating func nodeStatus() throws(RecordError) -> NodeStatus {
        let place = Int(try byte())
        guard NodeStatus.allCases.indices.contains(place) else { throw RecordError(message: "unknown node status") }
        return NodeStatus.allCases[place]
    }

    mutating func scope() throws(RecordError) -> Int32 {
        guard let scope = Int32(exactly: try varint()), scope > 0 else { throw RecordError(message: "no such scope") }
        return scope
    }

    mutating func list() throws(RecordError) -> [Int] {
        var list: [Int] = []
        for _ in 0..<(try varint()) { list.append(try varint()) }
        return list
    }
}
