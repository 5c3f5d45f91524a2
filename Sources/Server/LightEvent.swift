import Executions
import JSON

/// One event in short: that it happened, and where its execution stands now.
struct LightEvent {
    enum Kind {
        case queued, start
        case nodeStart(rank: Int, attempt: Int)
        case nodeComplete(rank: Int, attempt: Int, status: NodeStatus, willRetry: Bool)
        case end, deleted
    }

    let kind: Kind
    /// The execution's, after the event.
    let status: ExecutionStatus
    let timestampMicroseconds: Int64

    init(_ kind: Kind, status: ExecutionStatus, timestampMicroseconds: Int64) {
        self.kind = kind
        self.status = status
        self.timestampMicroseconds = timestampMicroseconds
    }

    /// Nil for what only the execution's own stream tells.
    init?(_ outline: EventOutline, status: ExecutionStatus) {
        // A node that runs graphs within itself stands for all that happens there.
        guard outline.scope == 0 else { return nil }
        switch outline.body {
        case .start: kind = .start
        case .nodeStart(let rank, let attempt): kind = .nodeStart(rank: rank, attempt: attempt)
        case .nodeOutput: return nil
        case .nodeComplete(let rank, let attempt, let nodeStatus, let willRetry):
            kind = .nodeComplete(rank: rank, attempt: attempt, status: nodeStatus, willRetry: willRetry)
        case .complete, .error: kind = .end
        }
        self.status = status
        timestampMicroseconds = outline.timestampMicroseconds
    }

    /// The event as a block of an event stream.
    /// - Parameter nodes: whose ranks it speaks of.
    func block(executionID: [UInt8], graphID: String, nodes: GraphRevision?) -> [UInt8] {
        var writer = ByteWriter(capacity: 320)
        writer.append("data: {\"type\":\"")
        writer.append(type)
        writer.append("\",\"execution_id\":\"")
        writer.append(executionID)
        writer.append("\",\"graph_id\":\"")
        writer.append(utf8: graphID)
        writer.append("\",\"status\":\"")
        writer.append(utf8: status.rawValue)
        writer.append("\"")
        if let nodes { renderNode(of: nodes, to: &writer) }
        writer.append(",\"timestamp\":\"")
        Timestamp.write(microseconds: timestampMicroseconds, to: &writer)
        writer.append("\"}\n\n")
        writer.escapeLineSeparators(from: 0)
        return writer.bytes
    }

    /// No type of the execution's own events: those that are asked for stand whole in the same stream.
    private var type: StaticString {
        switch kind {
        case .queued: "execution_queued"
        case .start: "execution_started"
        case .nodeStart: "node_started"
        case .nodeComplete: "node_ended"
        case .end: "execution_ended"
        case .deleted: "execution_deleted"
        }
    }

    /// That a graph has another revision now, as a block of an event stream.
    static func graphChange(_ id: String, _ head: GraphHead, atMicroseconds: Int64) -> [UInt8] {
        var writer = ByteWriter(capacity: 160)
        writer.append("data: {\"type\":\"graph_changed\",\"graph_id\":\"")
        writer.append(utf8: id)
        writer.append("\",\"revision\":")
        writer.append(decimal: head.revision)
        writer.append(head.isDeletion ? ",\"deleted\":true" : ",\"deleted\":false")
        writer.append(",\"timestamp\":\"")
        Timestamp.write(microseconds: atMicroseconds, to: &writer)
        writer.append("\"}\n\n")
        return writer.bytes
    }

    private func renderNode(of revision: GraphRevision, to writer: inout ByteWriter) {
        switch kind {
        case .nodeStart(let rank, let attempt):
            revision.appendNodeID(ofRank: rank, to: &writer)
            writer.append(",\"attempt\":")
            writer.append(decimal: attempt)
        case .nodeComplete(let rank, let attempt, let status, let willRetry):
            revision.appendNodeID(ofRank: rank, to: &writer)
            writer.append(",\"node_status\":\"")
            writer.append(utf8: status.rawValue)
            writer.append("\",\"attempt\":")
            writer.append(decimal: attempt)
            if willRetry { writer.append(",\"will_retry\":true") }
        case .queued, .start, .end, .deleted: break
        }
    }
}
