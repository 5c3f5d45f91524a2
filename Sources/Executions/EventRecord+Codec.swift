// The stored form of a record, version 1: a tag byte, the timestamp in eight bytes, little-endian, then the fields of the
// body, and a checksum over all of it in four. Numbers are LEB128 varints, texts and JSON values are preceded by their
// length, objects are a count and then key and value in turn: an update need not be parsed again to become part of a state.
// It need not be checked again either: the checksum tells that the bytes are those that were encoded.
//
// A record of another scope than 0 has a bit in its tag, and the scope behind the timestamp.

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
        case start = 1, nodeStart, nodeOutput, nodeComplete, complete, error, scopeOpened, scopeClosed, signalled

        /// The bit of a record that has a scope.
        static let scopeBit: UInt8 = 0x40
    }

    package func encode(to writer: inout ByteWriter) {
        let start = writer.count
        encodeFields(to: &writer)
        let sum = writer.withUnsafeBytes { recordChecksum(of: UnsafeRawBufferPointer(rebasing: $0[start...])) }
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
        case .signalled(let rank, let attempt, let answer):
            writeHead(.signalled, to: &writer)
            writer.append(varint: rank)
            writer.append(varint: attempt)
            answer.encode(to: &writer)
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
        case .scopeOpened(let opening):
            writeHead(.scopeOpened, to: &writer)
            opening.encode(to: &writer)
        case .scopeClosed(let closing):
            writeHead(.scopeClosed, to: &writer)
            closing.encode(to: &writer)
        }
    }

    package init(decoding bytes: UnsafeRawBufferPointer) throws(RecordError) {
        var reader = try RecordReader(bytes)
        let head = try RecordHead(from: &reader)
        (timestampMicroseconds, scope) = (head.timestampMicroseconds, head.scope)
        switch head.tag {
        case .start:
            body = .start(attempt: try reader.varint(), initialState: try reader.object())
        case .nodeStart:
            body = .nodeStart(rank: try reader.varint(), attempt: try reader.varint())
        case .nodeOutput:
            body = .nodeOutput(
                rank: try reader.varint(), attempt: try reader.varint(), channel: try reader.string(),
                data: JSONText(trusted: try reader.counted()))
        case .signalled:
            body = .signalled(
                rank: try reader.varint(), attempt: try reader.varint(), try Answer(from: &reader))
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
        case .scopeOpened: body = .scopeOpened(try ScopeOpening(from: &reader))
        case .scopeClosed: body = .scopeClosed(try ScopeClosing(from: &reader))
        }
        guard reader.isAtEnd else { throw RecordError(message: "bytes behind the record") }
    }

    private func writeHead(_ tag: Tag, to writer: inout ByteWriter) {
        writer.append(byte: scope == 0 ? tag.rawValue : tag.rawValue | Tag.scopeBit)
        writer.append(fixed: timestampMicroseconds)
        if scope != 0 { writer.append(varint: Int(scope)) }
    }
}

/// What every record begins with.
struct RecordHead {
    let tag: EventRecord.Tag
    let timestampMicroseconds: Int64
    let scope: Int32

    init(from reader: inout RecordReader) throws(RecordError) {
        let byte = try reader.byte()
        guard let tag = EventRecord.Tag(rawValue: byte & ~EventRecord.Tag.scopeBit) else {
            throw RecordError(message: "unknown record tag")
        }
        self.tag = tag
        timestampMicroseconds = Int64(bitPattern: try reader.fixed64())
        scope = byte & EventRecord.Tag.scopeBit == 0 ? 0 : try reader.scope()
    }
}

extension NodeCompletion {
    fileprivate func encode(to writer: inout ByteWriter) {
        writer.append(varint: rank)
        writer.append(varint: attempt)
        writer.append(byte: UInt8(status.place))
        let isDetailedSuccess = error == nil && !details.isEmpty
        writer.append(
            byte: (willRetry ? 1 : 0) | (error == nil ? 0 : 2) | (notes == nil ? 0 : 4) | (isDetailedSuccess ? 8 : 0))
        writer.append(members: update)
        writer.append(varint: Int(durationMicroseconds))
        writer.append(varint: Int(queueMicroseconds))
        writer.append(list: taken)
        if let error {
            writer.append(counted: error)
            writer.append(members: details)
        }
        if isDetailedSuccess { writer.append(members: details) }
        notes?.encode(to: &writer)
    }

    fileprivate convenience init(from reader: inout RecordReader) throws(RecordError) {
        let rank = try reader.varint()
        let attempt = try reader.varint()
        let status = try reader.nodeStatus()
        let flags = try reader.byte()
        let update = try reader.object()
        let duration = Int64(try reader.varint())
        let queue = Int64(try reader.varint())
        let taken = try reader.list()
        let hasError = flags & 2 != 0
        let hasDetails = flags & (2 | 8) != 0
        self.init(
            rank: rank, attempt: attempt, status: status, willRetry: flags & 1 != 0,
            durationMicroseconds: duration, queueMicroseconds: queue, update: update, taken: taken,
            error: hasError ? try reader.string() : nil, details: hasDetails ? try reader.object() : JSONObject(),
            notes: flags & 4 != 0 ? try CompletionNotes(from: &reader) : nil)
    }
}

/// A byte that says which of the fields follow.
extension CompletionNotes {
    private struct Fields: OptionSet {
        let rawValue: UInt8
        static let broken = Self(rawValue: 1), retryDelay = Self(rawValue: 2), firstStatus = Self(rawValue: 4)
        static let judgeTime = Self(rawValue: 8), isOversize = Self(rawValue: 16), lateQueue = Self(rawValue: 32)
        static let wait = Self(rawValue: 64), hosted = Self(rawValue: 128)
        static let known: Self = [
            .broken, .retryDelay, .firstStatus, .judgeTime, .isOversize, .lateQueue, .wait, .hosted,
        ]
    }

    private var fields: Fields {
        var fields: Fields = []
        if !broken.isEmpty { fields.insert(.broken) }
        if retryDelayMilliseconds != nil { fields.insert(.retryDelay) }
        if firstStatus != nil { fields.insert(.firstStatus) }
        if judgeMicroseconds > 0 { fields.insert(.judgeTime) }
        if isOversize { fields.insert(.isOversize) }
        if lateQueueMicroseconds > 0 { fields.insert(.lateQueue) }
        if waitMicroseconds != nil { fields.insert(.wait) }
        if hosted != nil { fields.insert(.hosted) }
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
        if let waitMicroseconds { writer.append(varint: Int(waitMicroseconds)) }
        hosted?.encode(to: &writer)
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
            firstStatus = try reader.nodeStatus()
        }
        if fields.contains(.judgeTime) { judgeMicroseconds = Int64(try reader.varint()) }
        isOversize = fields.contains(.isOversize)
        if fields.contains(.lateQueue) { lateQueueMicroseconds = Int64(try reader.varint()) }
        if fields.contains(.wait) { waitMicroseconds = Int64(try reader.varint()) }
        if fields.contains(.hosted) { hosted = try HostedNotes(from: &reader) }
    }
}
