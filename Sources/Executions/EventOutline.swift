/// What an event says about statuses, read from its record without the values in it: a tenth of the work of decoding it.
package struct EventOutline: Sendable {
    package enum Body: Sendable {
        case start
        case nodeStart(rank: Int, attempt: Int)
        case nodeOutput
        case nodeComplete(rank: Int, attempt: Int, status: NodeStatus, willRetry: Bool)
        case complete(ExecutionStatus)
        case error
    }

    package let timestampMicroseconds: Int64
    package let body: Body

    package init(of record: UnsafeRawBufferPointer) throws(RecordError) {
        var reader = try RecordReader(record)
        let tag = EventRecord.Tag(rawValue: try reader.byte())
        timestampMicroseconds = Int64(bitPattern: try reader.fixed64())
        switch tag {
        case .start: body = .start
        case .nodeStart: body = .nodeStart(rank: try reader.varint(), attempt: try reader.varint())
        case .nodeOutput: body = .nodeOutput
        case .nodeComplete:
            let (rank, attempt, status) = (try reader.varint(), try reader.varint(), Int(try reader.byte()))
            guard NodeStatus.allCases.indices.contains(status) else {
                throw RecordError(message: "unknown node status")
            }
            let willRetry = try reader.byte() & 1 != 0
            body = .nodeComplete(
                rank: rank, attempt: attempt, status: NodeStatus.allCases[status], willRetry: willRetry)
        case .complete:
            guard let status = ExecutionStatus(rawValue: try reader.string()) else {
                throw RecordError(message: "unknown status")
            }
            body = .complete(status)
        case .error: body = .error
        case nil: throw RecordError(message: "unknown record tag")
        }
    }
}
