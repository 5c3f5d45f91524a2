// The classic dialect: what happened to the nodes of the execution itself, in the words of the system that Millrace replaces.
// Each event has the same members, null where there is nothing to say. Its clients know neither attempts nor graphs within
// nodes, so that a node begins once and ends once, whatever it took.

import Graphs
import JSON

extension EventRenderer {
    /// Whether the classic dialect tells of an event.
    package func isClassic(_ record: EventRecord) -> Bool {
        switch record.body {
        case .start(let attempt, _): return attempt == 1
        case .nodeStart(let rank, let attempt): return attempt == 1 && isClassic(rank, in: record.scope)
        case .nodeComplete(let completion):
            return !completion.willRetry && completion.status != .skipped
                && isClassic(completion.rank, in: record.scope)
        case .complete, .error: return true
        case .nodeOutput, .signalled, .scopeOpened, .scopeClosed: return false
        }
    }

    /// The nodes of a graph that a library runs stand in the place of the node around it.
    private func isClassic(_ rank: Int, in scope: Int32) -> Bool {
        guard scope == 0 else { return scopes[scope]?.isHosted == true }
        return revision(0).graph.nodes[rank].kind != GraphRevision.hostedKind
    }

    /// Appends the event of the next record, one that the dialect tells, as one line of compact JSON.
    package mutating func renderClassic(_ record: EventRecord, to writer: inout ByteWriter) {
        let name = revision(0).graph.document.name
        switch record.body {
        case .start(_, let initialState):
            begin(initialState)
            classicHead("start", record, &writer)
            writer.append(",\"status\":\"running\",\"input_state\":")
            writer.append(object: initialState)
            classicTail(output: nil, nil, error: nil, "\(name) has started.", &writer)
        case .nodeStart(let rank, _):
            let input = input(ofRank: rank, in: record.scope)
            classicHead("node_start", record, rank: rank, &writer)
            writer.append(",\"status\":\"running\",\"input_state\":")
            if let input { input.write(to: &writer) } else { writer.append("null") }
            classicTail(output: nil, nil, error: nil, "\(nodeName(rank, in: record.scope)) has started.", &writer)
        case .nodeComplete(let completion):
            finish(completion, in: record.scope)
            classicHead("node_complete", record, rank: completion.rank, &writer)
            renderClassic(completion, in: record.scope, &writer)
        case .complete(let status, let duration, let failedRanks):
            classicHead("complete", record, &writer)
            writer.append(",\"status\":\"")
            writer.append(status.name)
            writer.append("\",\"input_state\":null")
            let message = Self.sentence(on: name, status, failedRanks.count)
            classicTail(output: final?.text, duration, error: nil, message, &writer)
        case .error(let message, _, let duration):
            classicHead("error", record, &writer)
            writer.append(",\"status\":\"failed\",\"input_state\":null")
            classicTail(output: nil, duration, error: message, "\(name) has failed: \(message)", &writer)
        case .nodeOutput, .signalled, .scopeOpened, .scopeClosed:
            preconditionFailure("the dialect does not tell of it")
        }
        nextSeq += 1
    }

    private func renderClassic(_ completion: NodeCompletion, in scope: Int32, _ writer: inout ByteWriter) {
        let name = nodeName(completion.rank, in: scope)
        let (status, message): (NodeStatus, String) =
            switch completion.status {
            case _ where completion.error != nil && completion.status != .cancelled:
                (.error, "\(name) has failed: \(completion.error ?? "")")
            case .cancelled: (.cancelled, "\(name) was cancelled.")
            case .cached: (.success, "\(name) was taken over from an earlier execution.")
            case .success, .skipped, .error: (completion.status, "\(name) has ended.")
            }
        writer.append(",\"status\":\"")
        writer.append(status.name)
        writer.append("\",\"input_state\":null")
        classicTail(
            output: status == .success ? completion.update.text : nil, completion.durationMicroseconds,
            error: completion.error, message, &writer)
    }

    /// Up to the name of the node, if it is about one.
    private mutating func classicHead(
        _ type: StaticString, _ record: EventRecord, rank: Int? = nil, _ writer: inout ByteWriter
    ) {
        writer.append("{\"event_type\":\"")
        writer.append(type)
        writer.append(identity)
        writer.append("\"timestamp\":\"")
        timestamps.write(microseconds: record.timestampMicroseconds, to: &writer)
        guard let rank else { return writer.append("\",\"node_id\":null,\"node_name\":null") }
        writer.append("\",\"node_id\":")
        revision(record.scope).appendID(ofRank: rank, to: &writer)
        writer.append(",\"node_name\":")
        writer.appendJSONString(nodeName(rank, in: record.scope))
    }

    /// From the output state on.
    private func classicTail(
        output: JSONText?, _ durationMicroseconds: Int64?, error: String?, _ message: String, _ writer: inout ByteWriter
    ) {
        writer.append(",\"output_state\":")
        writer.append(json: output ?? .null)
        writer.append(",\"duration_ms\":")
        if let durationMicroseconds {
            writer.append(milliseconds: durationMicroseconds)
        } else {
            writer.append("null")
        }
        writer.append(",\"error\":")
        if let error { writer.appendJSONString(error) } else { writer.append("null") }
        writer.append(",\"message\":")
        writer.appendJSONString(message)
        writer.append(byte: UInt8(ascii: "}"))
    }

    private func nodeName(_ rank: Int, in scope: Int32) -> String { revision(scope).graph.nodes[rank].name }

    private static func sentence(on name: String, _ status: ExecutionStatus, _ failures: Int) -> String {
        switch status {
        case .cancelled: "\(name) was cancelled."
        case .error where failures == 1: "\(name) has ended, and one of its nodes has failed."
        case .error: "\(name) has ended, and \(failures) of its nodes have failed."
        default: "\(name) has ended."
        }
    }
}
