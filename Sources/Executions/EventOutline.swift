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
    /// Where it happened: 0 for the execution itself.
    package let scope: Int32
    package let body: Body

    package init(of record: UnsafeRawBufferPointer) throws(RecordError) {
        var reader = try RecordReader(record)
        let head = try RecordHead(from: &reader)
        (timestampMicroseconds, scope) = (head.timestampMicroseconds, head.scope)
        switch head.tag {
        case .start: body = .start
        case .nodeStart: body = .nodeStart(rank: try reader.varint(), attempt: try reader.varint())
        case .nodeOutput, .signalled, .scopeOpened, .scopeClosed: body = .nodeOutput
        case .nodeComplete:
            let (rank, attempt, status) = (try reader.varint(), try reader.varint(), try reader.nodeStatus())
            let willRetry = try reader.byte() & 1 != 0
            body = .nodeComplete(
                rank: rank, attempt: attempt, status: status, willRetry: willRetry)
        case .complete:
            guard let status = ExecutionStatus(rawValue: try reader.string()) else {
                throw RecordError(message: "unknown status")
            }
            body = .complete(status)
        case .error: body = .error
        }
    }
}
