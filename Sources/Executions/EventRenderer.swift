// Turns canonical records into the JSON that clients see. A renderer is a value that has seen all records before the next
// one: rendering is a pure function of the records, so the live stream and a replay years later are the same bytes. A copy
// of it is a checkpoint, cheap because states share.

import Graphs
import JSON

/// How much of the states a stream carries.
package enum StateDetail: String, Sendable, CaseIterable {
    /// Everything.
    case full
    /// Updates, initial and final state, but no `input_state` and `output_state`.
    case update
    /// No state at all.
    case none
}

package struct EventRenderer: Sendable {
    /// Updates of a short execution.
    private static let usualUpdates = 16

    private let revision: GraphRevision
    /// Scopes that are open; their states flow beside that of the execution.
    private(set) var scopes: ScopeViews
    private let detail: StateDetail
    /// Whoever renders hands the states over; else they are derived from the records.
    private let statesAreGiven: Bool
    /// Where the values of states are counted.
    private let memory: ExecutionMemory?
    /// `","execution_id":"…","graph_id":"…",`
    let identity: [UInt8]
    /// Nil until `start`; and for ever where no state is shown.
    private var flow: StateFlow?
    private(set) var final: State?
    /// Where states are given: updates that `final` has not taken in.
    private var updates: [(rank: Int, update: JSONObject)] = []
    /// Where states are given: the one that was written last. It is mostly the input of the next node, and the last of all
    /// mostly the final state.
    private var written: Written?

    private struct Written {
        let lastWriter: Int32
        let updateCount: Int32
        let range: Range<Int>
    }
    var timestamps = TimestampWriter()
    package internal(set) var nextSeq = 1
    /// Events were passed over that are no longer kept: from there on states are not known.
    package private(set) var hasGap = false

    package init(executionID: ExecutionID, revision: GraphRevision, detail: StateDetail) {
        self.init(
            Array(executionID.description.utf8), revision, PinnedRevisions(), detail, statesAreGiven: false, memory: nil
        )
    }

    package init(log: EventLog, detail: StateDetail) {
        self.init(log: log, detail: detail, statesAreGiven: false)
    }

    package init(log: EventLog, detail: StateDetail, statesAreGiven: Bool) {
        self.init(log.idText, log.graph, log.pinned, detail, statesAreGiven: statesAreGiven, memory: log.memory)
    }

    private init(
        _ idText: [UInt8], _ revision: GraphRevision, _ pinned: PinnedRevisions, _ detail: StateDetail,
        statesAreGiven: Bool, memory: ExecutionMemory?
    ) {
        self.revision = revision
        scopes = ScopeViews(root: revision, pinned: pinned)
        self.detail = detail
        self.statesAreGiven = statesAreGiven
        self.memory = memory
        var writer = ByteWriter(capacity: 160)
        writer.append("\",\"execution_id\":\"")
        writer.append(idText)
        writer.append("\",\"graph_id\":\"")
        writer.append(utf8: revision.identity.id)
        writer.append("\",")
        identity = writer.bytes
    }

    /// Appends the event of the next record to `writer`, as one line of compact JSON without line end.
    package mutating func render(_ record: UnsafeRawBufferPointer, to writer: inout ByteWriter) throws(RecordError) {
        let event = try EventRecord(decoding: record)
        try enter(event)
        render(event, to: &writer)
    }

    /// To be called with each record before it is rendered or skipped: it may open a scope.
    package mutating func enter(_ record: EventRecord) throws(RecordError) {
        guard case .scopeOpened(let opening) = record.body else { return }
        try scopes.note(opening, in: record.scope)
        guard detail == .full, !hasGap, let view = scopes[opening.scope] else { return }
        if case .hosted(let tasks) = opening.topology {
            guard view.hosted == nil else { return }
            let around = input(ofRank: opening.rank, in: record.scope)
            let initial = opening.state.laid(over: [:]) { around?.object ?? [:] }
            scopes[opening.scope]?.hosted = HostedStates(initial: initial, tasks)
            return
        }
        let own = opening.topology == .nested ? [:] : view.revision.graph.document.initialState
        let input = input(ofRank: opening.rank, in: record.scope)
        let initial = opening.state.laid(over: own) { input?.object ?? [:] }
        scopes[opening.scope]?.flow = StateFlow(graph: view.revision.graph, initialState: initial, memory: memory)
    }

    /// Takes note of the next record without writing it.
    package mutating func skip(_ record: UnsafeRawBufferPointer) throws(RecordError) {
        let event = try EventRecord(decoding: record)
        try enter(event)
        skip(event)
    }

    /// How many nodes enclose what happens in a scope.
    package func depth(_ scope: Int32) -> Int { scope == 0 ? 0 : scopes[scope]?.depth ?? 0 }

    /// The same of a record that was entered.
    package mutating func skip(_ event: EventRecord) {
        nextSeq += 1
        switch event.body {
        case .start(_, let initialState): begin(initialState)
        case .nodeStart(let rank, _): if detail == .full { _ = input(ofRank: rank, in: event.scope) }
        case .nodeComplete(let completion): if detail != .none { _ = finish(completion, in: event.scope) }
        case .scopeClosed(let closing): scopes.note(closing)
        case .nodeOutput, .signalled, .complete, .error, .scopeOpened: break
        }
    }

    /// Goes on at a later event: those before it are no longer kept. States, which are made of all events before, are left out
    /// from there on.
    package mutating func pass(toSeq seq: Int) {
        guard seq > nextSeq else { return }
        nextSeq = seq
        hasGap = true
        (flow, final) = (nil, nil)
    }

    /// Appends the event of the next record, which is at hand.
    /// - Parameter state: where states are given, the input state of a node that starts, the output state of one that ends.
    /// - Parameter writer: where states are given, the same one until `leaveWriter`.
    package mutating func render(_ record: EventRecord, state: State? = nil, to writer: inout ByteWriter) {
        switch record.body {
        case .start(let attempt, let initialState):
            begin(initialState)
            head("start", record, &writer)
            renderStart(attempt, initialState, &writer)
        case .nodeStart(let rank, let attempt):
            head("node_start", record, &writer)
            renderNodeStart(NodeRef(scope: record.scope, rank: rank), attempt, state, &writer)
        case .nodeOutput(let rank, let attempt, let channel, let data):
            head("node_output", record, &writer)
            renderNodeOutput(NodeRef(scope: record.scope, rank: rank), attempt, channel, &writer)
            writer.append(json: data)
        case .signalled(let rank, let attempt, let answer):
            head("node_output", record, &writer)
            let ref = NodeRef(scope: record.scope, rank: rank)
            renderNodeOutput(ref, attempt, ApprovalRules.answerChannel, &writer)
            writer.append(json: answer.value)
        case .nodeComplete(let completion):
            head("node_complete", record, &writer)
            renderNodeComplete(completion, state, in: record.scope, &writer)
        case .scopeOpened(let opening):
            head("node_output", record, &writer)
            renderNodeOutput(NodeRef(scope: record.scope, rank: opening.rank), opening.attempt, "scope", &writer)
            opening.renderData(scopes, to: &writer)
        case .scopeClosed(let closing):
            head("node_output", record, &writer)
            let channel = closing.index == nil ? "scope" : "item"
            renderNodeOutput(NodeRef(scope: record.scope, rank: closing.rank), closing.attempt, channel, &writer)
            closing.renderData(to: &writer)
            scopes.note(closing)
        case .complete(let status, let duration, let failedRanks):
            head("complete", record, &writer)
            renderComplete(status, duration, failedRanks, &writer)
        case .error(let message, let details, _):
            head("error", record, &writer)
            writer.append(",\"error\":")
            writer.appendJSONString(message)
            writer.append(",\"details\":")
            writer.append(object: details)
        }
        writer.append(byte: UInt8(ascii: "}"))
        nextSeq += 1
    }
}

extension EventRenderer {
    /// Later starts, after a restart of the daemon, leave the states as they are: what had ended has ended.
    mutating func begin(_ initialState: JSONObject) {
        guard detail != .none, final == nil, !hasGap else { return }
        // Where states are given, they are counted where they come from.
        let memory = statesAreGiven ? nil : memory
        final = State(initial: initialState, reducers: revision.graph.reducers, memory: memory)
        if statesAreGiven { updates.reserveCapacity(min(revision.graph.nodes.count, Self.usualUpdates)) }
        if detail == .full, !statesAreGiven {
            flow = StateFlow(graph: revision.graph, initialState: initialState, memory: memory)
        }
    }

    /// - Returns: the output state, where states are shown.
    @discardableResult
    mutating func finish(_ completion: NodeCompletion, in scope: Int32) -> State? {
        if completion.willRetry { return input(ofRank: completion.rank, in: scope) }
        let update = completion.update
        guard scope == 0 else {
            if let hosted = scopes[scope]?.hosted { return State(initial: hosted.output(completion)) }
            let output = scopes[scope]?.flow?.finish(rank: completion.rank, update: update)
            scopes[scope]?.flow?.take(completion.taken)
            return output
        }
        if !update.isEmpty {
            if statesAreGiven {
                updates.append((completion.rank, update))
            } else {
                final?.apply(update, rank: completion.rank)
            }
        }
        let output = flow?.finish(rank: completion.rank, update: update)
        flow?.take(completion.taken)
        return output
    }

    /// Where states are derived from the records.
    mutating func input(ofRank rank: Int, in scope: Int32) -> State? {
        guard scope != 0 else { return flow?.input(ofRank: rank) }
        if let hosted = scopes[scope]?.hosted { return State(initial: hosted.input(rank)) }
        return scopes[scope]?.flow?.input(ofRank: rank)
    }

    /// Of a node whose scope is open.
    func revision(_ scope: Int32) -> GraphRevision {
        guard let revision = scopes.revision(scope) else { preconditionFailure("what is rendered was entered") }
        return revision
    }

    private mutating func head(_ type: StaticString, _ record: EventRecord, _ writer: inout ByteWriter) {
        writer.append("{\"type\":\"")
        writer.append(type)
        writer.append(identity)
        writer.append("\"seq\":")
        writer.append(decimal: nextSeq)
        writer.append(",\"timestamp\":\"")
        timestamps.write(microseconds: record.timestampMicroseconds, to: &writer)
        writer.append(byte: UInt8(ascii: "\""))
    }

    private func renderStart(_ attempt: Int, _ initialState: JSONObject, _ writer: inout ByteWriter) {
        writer.append(",\"graph_revision\":")
        writer.append(decimal: revision.identity.revision)
        if detail != .none {
            writer.append(",\"initial_state\":")
            writer.append(object: initialState)
        }
        writer.append(",\"node_count\":")
        writer.append(decimal: revision.graph.nodes.count)
        writer.append(",\"attempt\":")
        writer.append(decimal: attempt)
    }

    private mutating func renderNodeStart(
        _ ref: NodeRef, _ attempt: Int, _ state: State?, _ writer: inout ByteWriter
    ) {
        let rank = Int(ref.rank)
        scopes.appendPath(ref.scope, to: &writer)
        revision(ref.scope).appendStartLabel(ofRank: rank, to: &writer)
        writer.append(decimal: attempt)
        guard detail == .full else { return }
        if let state {
            write(inputState: state, &writer)
        } else if let state = input(ofRank: rank, in: ref.scope) {
            write(inputState: state, &writer)
        }
    }

    private mutating func write(inputState state: State, _ writer: inout ByteWriter) {
        writer.append(",\"input_state\":")
        write(state, &writer)
    }

    /// All but the data.
    private func renderNodeOutput(
        _ ref: NodeRef, _ attempt: Int, _ channel: String, _ writer: inout ByteWriter
    ) {
        scopes.appendPath(ref.scope, to: &writer)
        revision(ref.scope).appendNodeID(ofRank: Int(ref.rank), to: &writer)
        writer.append(",\"attempt\":")
        writer.append(decimal: attempt)
        writer.append(",\"channel\":")
        writer.appendJSONString(channel)
        writer.append(",\"data\":")
    }

    private mutating func renderNodeComplete(
        _ completion: NodeCompletion, _ state: State?, in scope: Int32, _ writer: inout ByteWriter
    ) {
        let revision = revision(scope)
        scopes.appendPath(scope, to: &writer)
        revision.appendLabel(ofRank: completion.rank, to: &writer)
        writer.append(decimal: completion.attempt)
        writer.append(",\"status\":\"")
        writer.append(completion.status.name)
        writer.append(byte: UInt8(ascii: "\""))
        let output = finish(completion, in: scope)
        if detail != .none {
            writer.append(",\"update\":")
            let start = writer.count
            writer.append(object: completion.update)
            // One that is beyond all bounds is not written, but it is handed on.
            if detail == .full, completion.notes?.isOversize != true, let state = state ?? output {
                write(outputState: state, of: Int32(completion.rank), update: start..<writer.count, &writer)
            }
        }
        writer.append(",\"duration_ms\":")
        writer.append(milliseconds: completion.durationMicroseconds)
        writer.append(",\"queue_ms\":")
        writer.append(milliseconds: completion.queueMicroseconds)
        if let wait = completion.notes?.waitMicroseconds {
            writer.append(",\"wait_ms\":")
            writer.append(milliseconds: wait)
        }
        renderTaken(completion.taken, revision, &writer)
        if let error = completion.error {
            writer.append(",\"error\":")
            writer.appendJSONString(error)
        }
        if completion.error != nil || !completion.details.isEmpty {
            writer.append(",\"details\":")
            writer.append(object: completion.details)
        }
        if completion.willRetry { writer.append(",\"will_retry\":true") }
    }

    /// - Parameter update: where the node's update was written.
    private mutating func write(
        outputState state: State, of rank: Int32, update: Range<Int>, _ writer: inout ByteWriter
    ) {
        writer.append(",\"output_state\":")
        guard let written, state.lastWriter == rank, state.grownFrom == written.lastWriter else {
            return write(state, &writer)
        }
        let start = writer.count
        writer.repeat(written.range, grownBy: update)
        self.written = Written(lastWriter: rank, updateCount: state.updateCount, range: start..<writer.count)
    }

    private mutating func write(_ state: State, _ writer: inout ByteWriter) {
        guard statesAreGiven else { return state.write(to: &writer) }
        if let written, state.lastWriter == written.lastWriter { return writer.repeat(written.range) }
        let start = writer.count
        state.write(to: &writer)
        written = state.lastWriter.map {
            Written(lastWriter: $0, updateCount: state.updateCount, range: start..<writer.count)
        }
    }

    /// From now on other writers are given.
    mutating func leaveWriter() {
        written = nil
    }

    private func renderTaken(_ taken: [Int], _ revision: GraphRevision, _ writer: inout ByteWriter) {
        writer.append(",\"taken\":[")
        for (index, target) in revision.graph.targets(of: taken).enumerated() {
            if index > 0 { writer.append(byte: UInt8(ascii: ",")) }
            revision.appendID(ofRank: target, to: &writer)
        }
        writer.append(byte: UInt8(ascii: "]"))
    }

    private mutating func renderComplete(
        _ status: ExecutionStatus, _ durationMicroseconds: Int64, _ failedRanks: [Int], _ writer: inout ByteWriter
    ) {
        writer.append(",\"status\":\"")
        writer.append(status.name)
        writer.append(byte: UInt8(ascii: "\""))
        if final != nil {
            writer.append(",\"final_state\":")
            if let written, written.updateCount == updates.count {
                writer.repeat(written.range)
            } else {
                for (rank, update) in updates { final?.apply(update, rank: rank) }
                final?.write(to: &writer)
            }
        }
        writer.append(",\"duration_ms\":")
        writer.append(milliseconds: durationMicroseconds)
        writer.append(",\"failed_nodes\":[")
        for (index, rank) in failedRanks.enumerated() {
            if index > 0 { writer.append(byte: UInt8(ascii: ",")) }
            revision.appendID(ofRank: rank, to: &writer)
        }
        writer.append(byte: UInt8(ascii: "]"))
    }
}
