// What is known of an execution from the events so far: all that the views show. Bounded whatever the events say: nodes
// inside `map`, `repeat` and `graph` are kept while they run, the others up to the size of the largest graph.

import Executions
import Graphs
import JSON

struct RunViewModel {
    enum Phase: Equatable, Sendable {
        case running
        /// An attempt ended in error, and another will come.
        case retrying
        /// The daemon went away while it ran; another attempt will come.
        case interrupted
        case success, error, skipped, cancelled, cached

        /// Whether something still happens.
        var isOpen: Bool { self == .running || self == .retrying || self == .interrupted }

        /// Of a `node_complete`.
        init(status: String, willRetry: Bool) {
            switch status {
            case _ where willRetry: self = .retrying
            case "success": self = .success
            case "skipped": self = .skipped
            case "cancelled": self = .cancelled
            case "cached": self = .cached
            default: self = .error
            }
        }
    }

    struct Node: Equatable, Sendable {
        /// The nodes and iterations around it and its own id: `each[17]/inner`.
        let key: String
        /// The node of the graph that it is, or that it is inside of.
        let root: String
        var name: String
        var kind = ""
        var phase = Phase.running
        var attempt = 1
        var startedAtMicroseconds: Int64 = 0
        var durationMilliseconds: Double?
        var queueMilliseconds: Double?
        /// The last line of output while it runs.
        var output: String?
        var error: String?
        /// Of its items or iterations, if it has such.
        var progress: RunViewProgress?
    }

    struct Failure: Equatable, Sendable {
        let key: String
        let message: String
        /// The traceback, if there is one.
        let trace: String?
    }

    struct Ending: Equatable, Sendable {
        let status: String
        let durationMilliseconds: Double?
        let failedNodes: [String]
        let finalState: JSONText?
        /// The message of a critical fault.
        let fault: String?
    }

    /// Nodes of nodes that are shown at once; a `map` may run thousands.
    static let nestedMax = 256
    /// Failures that are reported one by one; the rest is counted.
    static let failuresMax = 100
    /// The part of a node's output that can be shown.
    private static let textBytesMax = 512

    private(set) var graphID = ""
    private(set) var executionID = ""
    private(set) var nodeCount = 0
    /// Of the first event that was seen.
    private(set) var startedAtMicroseconds: Int64?
    private(set) var nodes: [Node] = []
    /// Those inside of others, while they run.
    private(set) var nested: [Node] = []
    private(set) var failures: [Failure] = []
    private(set) var failureCount = 0
    private(set) var endedCount = 0
    private(set) var ending: Ending?
    private var places: [String: Int] = [:]
    /// The smallest time that an event was on the way, in which the clocks' difference is as well.
    private var delayMicroseconds: Int64?

    /// The daemon's time, as far as its events tell.
    /// - Parameter wallMicroseconds: the time here.
    func now(wallMicroseconds: Int64) -> Int64 { wallMicroseconds - (delayMicroseconds ?? 0) }

    /// Takes an event.
    /// - Parameter wallMicroseconds: when it came in, by the clock here.
    mutating func apply(_ event: JSONText, wallMicroseconds: Int64) {
        let time =
            event["timestamp"]?.string.flatMap { Timestamp.microseconds($0) } ?? now(wallMicroseconds: wallMicroseconds)
        delayMicroseconds = min(delayMicroseconds ?? .max, wallMicroseconds - time)
        if startedAtMicroseconds == nil {
            graphID = event["graph_id"]?.string ?? ""
            executionID = event["execution_id"]?.string ?? ""
            startedAtMicroseconds = time
        }
        switch event["type"]?.string {
        case "start": start(event)
        case "node_start": nodeStart(event, time)
        case "node_output": nodeOutput(event)
        case "node_complete": nodeComplete(event)
        case "complete": complete(event)
        case "error": fail(event)
        default: break
        }
    }

    private mutating func start(_ event: JSONText) {
        nodeCount = event["node_count"]?.int ?? 0
        // A start behind the first one says that all that ran was interrupted.
        for index in nodes.indices where nodes[index].phase.isOpen { nodes[index].phase = .interrupted }
        nested.removeAll()
    }

    private mutating func nodeStart(_ event: JSONText, _ time: Int64) {
        change(event) { node in
            node.kind = event["node_kind"]?.string ?? node.kind
            node.phase = .running
            node.attempt = event["attempt"]?.int ?? 1
            node.startedAtMicroseconds = time
            node.durationMilliseconds = nil
            node.queueMilliseconds = nil
            node.output = nil
            node.error = nil
            node.progress?.begin()
        }
    }

    private mutating func nodeOutput(_ event: JSONText) {
        guard let data = event["data"], let channel = event["channel"]?.string else { return }
        guard channel != "scope", channel != "item" else { return progress(event, channel, data) }
        let text = ReadableText.short(data, bytesMax: Self.textBytesMax)
        let line = text.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
        change(event) { $0.output = String(decoding: line.utf8.prefix(Self.textBytesMax), as: UTF8.self) }
    }

    private mutating func progress(_ event: JSONText, _ channel: String, _ data: JSONText) {
        change(event) { node in
            var progress = node.progress ?? RunViewProgress()
            if progress.take(channel, data) { node.progress = progress }
        }
    }

    private mutating func nodeComplete(_ event: JSONText) {
        let willRetry = event["will_retry"]?.bool ?? false
        let phase = Phase(status: event["status"]?.string ?? "", willRetry: willRetry)
        let message = event["error"]?.string
        let before = change(event) { node in
            node.phase = phase
            node.attempt = event["attempt"]?.int ?? node.attempt
            node.durationMilliseconds = event["duration_ms"]?.double
            node.queueMilliseconds = event["queue_ms"]?.double
            node.output = nil
            node.error = message
        }
        if let before, before.isRoot, before.phase.isOpen, !phase.isOpen { endedCount += 1 }
        if phase == .error { report(event, message ?? "error") }
        let key = key(event)
        if !phase.isOpen { nested.removeAll { $0.key == key } }
    }

    private mutating func report(_ event: JSONText, _ message: String) {
        failureCount += 1
        guard failures.count < Self.failuresMax else { return }
        let trace = event["details"]?["traceback"]?.string
        failures.append(Failure(key: key(event), message: message, trace: trace))
    }

    private mutating func complete(_ event: JSONText) {
        ending = Ending(
            status: event["status"]?.string ?? "", durationMilliseconds: event["duration_ms"]?.double,
            failedNodes: event["failed_nodes"]?.array?.compactMap(\.string) ?? [], finalState: event["final_state"],
            fault: nil)
        nested.removeAll()
    }

    private mutating func fail(_ event: JSONText) {
        ending = Ending(
            status: "failed", durationMilliseconds: event["duration_ms"]?.double, failedNodes: [], finalState: nil,
            fault: event["error"]?.string ?? "")
        nested.removeAll()
    }
}

// MARK: - Nodes

extension RunViewModel {
    /// The nodes and iterations that an event's node is inside of: `each[17]/`, or nothing.
    private func path(_ event: JSONText) -> String {
        (event["path"]?.array ?? []).reduce("") { text, part in
            if let iteration = part.int { return "\(text.dropLast())[\(iteration)]/" }
            return "\(text)\(part.string ?? "")/"
        }
    }

    private func key(_ event: JSONText) -> String { path(event) + (event["node_id"]?.string ?? "") }

    /// Changes the node of an event, which comes into being with the first.
    /// - Returns: the node as it was; nil for one that is not kept.
    @discardableResult
    private mutating func change(_ event: JSONText, _ body: (inout Node) -> Void) -> Node? {
        let key = key(event)
        let root = event["path"]?.array?.first?.string ?? key
        let new = Node(key: key, root: root, name: event["node_name"]?.string ?? event["node_id"]?.string ?? "")
        if root != key {
            let place = nested.firstIndex { $0.key == key } ?? nested.count
            guard place < Self.nestedMax else { return nil }
            if place == nested.count { nested.append(new) }
            let before = nested[place]
            body(&nested[place])
            return before
        }
        let place = places[key] ?? nodes.count
        guard place < GraphBounds.nodeCountMax else { return nil }
        if place == nodes.count {
            places[key] = place
            nodes.append(new)
        }
        let before = nodes[place]
        body(&nodes[place])
        return before
    }
}

extension RunViewModel.Node {
    /// Whether it is one of the graph itself.
    var isRoot: Bool { root == key }

    var isMap: Bool { kind == "map" }
}
