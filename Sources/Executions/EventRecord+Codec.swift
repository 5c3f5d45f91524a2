// The stored form of a record, version 1: a tag byte, the timestamp in eight bytes, little-endian, then the fields of the
// body, and a checksum over all of it in four. Numbers are LEB128 varints, texts and JSON values are preceded by their
// length, objects are a count and then key and value in turn: an update need not be parsed again to become part of a state.
// It need not be checked again either: the checksum tells that the bytes are those that were encoded.

import JSON

/// Stored bytes that are no record: the history was damaged, or written by a newer version.
package struct RecordError: Error, Sendable {
    package let message: String

    package init(message: String) {
        self.message = message
    }
}

extension EventRecord {
    enum Tag: UInt8 {
        case start = 1, nodeStart, nodeOutput, nodeComplete, complete, error
    }

    package func encode(to writer: inout ByteWriter) {
        let start = writer.count
        encodeFields(to: &writer)
        let sum = writer.withUnsafeBytes { checksum(of: UnsafeRawBufferPointer(rebasing: $0[start...])) }
        writer.append(fixed: sum)
    }

    private func encodeFields(to writer: inout ByteWriter) {
        switch body {
        case .start(let attempt, let initialState):
            writeHead(.start, to: &writer)
            writer.append(varint: attempt)
            writer.append(members: initialState)
        case .nodeStart(let rank, let attempt):
            writeHead(.nodeStart, to: &writer)
            writer.append(varint: rank)
            writer.append(varint: attempt)
        case .nodeOutput(let rank, let attempt, let channel, let data):
            writeHead(.nodeOutput, to: &writer)
            writer.append(varint: rank)
            writer.append(varint: attempt)
            writer.append(counted: channel)
            writer.append(counted: data.bytes)
        case .nodeComplete(let completion):
            writeHead(.nodeComplete, to: &writer)
            completion.encode(to: &writer)
        case .complete(let status, let duration, let failedRanks):
            writeHead(.complete, to: &writer)
            writer.append(counted: status.name)
            writer.append(varint: Int(duration))
            writer.append(list: failedRanks)
        case .error(let message, let details, let duration):
            writeHead(.error, to: &writer)
            writer.append(counted: message)
            writer.append(members: details)
            writer.append(varint: Int(duration))
        }
    }

    package init(decoding bytes: UnsafeRawBufferPointer) throws(RecordError) {
        var reader = try RecordReader(bytes)
        let tag = Tag(rawValue: try reader.byte())
        timestampMicroseconds = Int64(bitPattern: try reader.fixed64())
        switch tag {
        case .start:
            body = .start(attempt: try reader.varint(), initialState: try reader.object())
        case .nodeStart:
            body = .nodeStart(rank: try reader.varint(), attempt: try reader.varint())
        case .nodeOutput:
            body = .nodeOutput(
                rank: try reader.varint(), attempt: try reader.varint(), channel: try reader.string(),
                data: JSONText(trusted: try reader.counted()))
        case .nodeComplete:
            body = .nodeComplete(try NodeCompletion(from: &reader))
        case .complete:
            guard let status = ExecutionStatus(rawValue: try reader.string()) else {
                throw RecordError(message: "unknown status")
            }
            body = .complete(status, durationMicroseconds: Int64(try reader.varint()), failedRanks: try reader.list())
        case .error:
            body = .error(
                message: try reader.string(), details: try reader.object(),
                durationMicroseconds: Int64(try reader.varint()))
        case nil:
            throw RecordError(message: "unknown record tag")
        }
        guard reader.isAtEnd else { throw RecordError(message: "bytes behind the record") }
    }

    private func writeHead(_ tag: Tag, to writer: inout ByteWriter) {
        writer.append(byte: tag.rawValue)
        writer.append(fixed: timestampMicroseconds)
    }
}

extension NodeCompletion {
    fileprivate func encode(to writer: inout ByteWriter) {
        writer.append(varint: rank)
        writer.append(varint: attempt)
        writer.append(byte: UInt8(status.place))
        writer.append(byte: (willRetry ? 1 : 0) | (error == nil ? 0 : 2) | (notes == nil ? 0 : 4))
        writer.append(members: update)
        writer.append(varint: Int(durationMicroseconds))
        writer.append(varint: Int(queueMicroseconds))
        writer.append(list: taken)
        if let error {
            writer.append(counted: error)
            writer.append(members: details)
        }
        notes?.encode(to: &writer)
    }

    fileprivate convenience init(from reader: inout RecordReader) throws(RecordError) {
        let rank = try reader.varint()
        let attempt = try reader.varint()
        let status = Int(try reader.byte())
        guard NodeStatus.allCases.indices.contains(status) else { throw RecordError(message: "unknown node status") }
        let flags = try reader.byte()
        let update = try reader.object()
        let duration = Int64(try reader.varint())
        let queue = Int64(try reader.varint())
        let taken = try reader.list()
        let hasError = flags & 2 != 0
        self.init(
            rank: rank, attempt: attempt, status: NodeStatus.allCases[status], willRetry: flags & 1 != 0,
            durationMicroseconds: duration, queueMicroseconds: queue, update: update, taken: taken,
            error: hasError ? try reader.string() : nil, details: hasError ? try reader.object() : JSONObject(),
            notes: flags & 4 != 0 ? try CompletionNotes(from: &reader) : nil)
    }
}

/// A byte that says which of the fields follow.
extension CompletionNotes {
    private struct Fields: OptionSet {
        let rawValue: UInt8
        static let broken = Self(rawValue: 1), retryDelay = Self(rawValue: 2), firstStatus = Self(rawValue: 4)
        static let judgeTime = Self(rawValue: 8), isOversize = Self(rawValue: 16), lateQueue = Self(rawValue: 32)
        static let known: Self = [.broken, .retryDelay, .firstStatus, .judgeTime, .isOversize, .lateQueue]
    }

    private var fields: Fields {
        var fields: Fields = []
        if !broken.isEmpty { fields.insert(.broken) }
        if retryDelayMilliseconds != nil { fields.insert(.retryDelay) }
        if firstStatus != nil { fields.insert(.firstStatus) }
        if judgeMicroseconds > 0 { fields.insert(.judgeTime) }
        if isOversize { fields.insert(.isOversize) }
        if lateQueueMicroseconds > 0 { fields.insert(.lateQueue) }
        return fields
    }

    fileprivate func encode(to writer: inout ByteWriter) {
        writer.append(byte: fields.rawValue)
        if !broken.isEmpty {
            writer.append(varint: broken.count)
            for broken in broken {
                writer.append(varint: broken.edge)
                writer.append(counted: broken.failure.message)
                writer.append(members: broken.failure.details)
            }
        }
        if let retryDelayMilliseconds { writer.append(varint: Int(retryDelayMilliseconds)) }
        if let firstStatus { writer.append(byte: UInt8(firstStatus.place)) }
        if judgeMicroseconds > 0 { writer.append(varint: Int(judgeMicroseconds)) }
        if lateQueueMicroseconds > 0 { writer.append(varint: Int(lateQueueMicroseconds)) }
    }

    fileprivate init(from reader: inout RecordReader) throws(RecordError) {
        let fields = Fields(rawValue: try reader.byte())
        guard !fields.isEmpty, Fields.known.isSuperset(of: fields) else {
            throw RecordError(message: "unknown notes of a completion")
        }
        if fields.contains(.broken) {
            for _ in 0..<(try reader.varint()) {
                let edge = try reader.varint()
                let message = try reader.string()
                broken.append(BrokenEdge(edge: edge, failure: NodeFailure(message, details: try reader.object())))
            }
        }
        if fields.contains(.retryDelay) { retryDelayMilliseconds = Int64(try reader.varint()) }
        if fields.contains(.firstStatus) {
            let place = Int(try reader.byte())
            guard NodeStatus.allCases.indices.contains(place) else { throw RecordError(message: "unknown node status") }
            firstStatus = NodeStatus.allCases[place]
        }
        if fields.contains(.judgeTime) { judgeMicroseconds = Int64(try reader.varint()) }
        isOversize = fields.contains(.isOversize)
        if fields.contains(.lateQueue) { lateQueueMicroseconds = Int64(try reader.varint()) }
    }
}

/// Notices damage, not malice: every bit of the result depends on every bit before. Eight bytes at a time, since each
/// record pays for it when it is made and whenever it is read.
private func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
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
    fileprivate mutating func append(fixed value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append($0) }
    }

    fileprivate mutating func append(counted text: StaticString) {
        append(varint: text.utf8CodeUnitCount)
        append(text)
    }

    fileprivate mutating func append(counted text: String) {
        var text = text
        text.withUTF8 { utf8 in
            append(varint: utf8.count)
            append(UnsafeRawBufferPointer(utf8))
        }
    }

    fileprivate mutating func append(members object: JSONObject) {
        append(varint: object.count)
        append(countedMembersOf: object)
    }

    fileprivate mutating func append(list: [Int]) {
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
        guard checksum(of: bytes) == expected else { throw RecordError(message: "the record is damaged") }
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

    mutating func list() throws(RecordError) -> [Int] {
        var list: [Int] = []
        for _ in 0..<(try varint()) { list.append(try varint()) }
        return list
    }
}
