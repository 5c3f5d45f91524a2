import Executions
import Foundation
import Graphs
import History
import JSON
import Synchronization

/// A folder of its own for one test, removed with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "millrace-history-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func path(_ name: String) -> String { "\(path)/\(name)" }
}

/// The simplest vocabulary that a graph can be made with.
private struct OneKind: NodeVocabulary {
    let kindNames = ["noop"]

    func schema(ofKind name: String) -> ConfigSchema? {
        guard name == "noop" else { return nil }
        return try? ConfigSchema(JSONText(parsing: #"{"type":"object"}"#))
    }

    func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault] { [] }
    func fault(inCondition source: String) -> String? { nil }
}

let anyGraph: GraphRevision = {
    let document = Array("{id: any, nodes: [{id: a, kind: noop}]}".utf8)
    guard let graph = try? Graph.parse(document, format: .yaml, vocabulary: OneKind(), files: GraphFiles()).graph else {
        preconditionFailure("the document is valid")
    }
    return GraphRevision(
        graph: graph, identity: GraphIdentity(id: "any", revision: 1, files: GraphFiles(), folder: nil),
        createdAtMicroseconds: 0, bodies: [], conditions: [])
}()

/// Milliseconds at which the tests' executions begin.
let testEpoch: Int64 = 1_790_000_000_000

func summary(
    _ number: Int64, graphID: String = "any", status: ExecutionStatus = .running, createdAtMilliseconds: Int64? = nil
) -> ExecutionSummary {
    let id = ExecutionID(rowID: (testEpoch + number) << 12, low: 0x8000_0000_0000_0000 | UInt64(number))
    return ExecutionSummary(
        id: id, graphID: graphID, graphRevision: 3, nodeCount: 5,
        createdAtMicroseconds: (createdAtMilliseconds ?? testEpoch + number) * 1000, status: status)
}

func newLog(
    _ number: Int64, graphID: String = "any", status: ExecutionStatus = .running, createdAtMilliseconds: Int64? = nil
) -> EventLog {
    EventLog(
        graph: anyGraph,
        summary: summary(number, graphID: graphID, status: status, createdAtMilliseconds: createdAtMilliseconds))
}

extension EventLog {
    /// Appends records, and tells the store if it must be told.
    func append(
        _ records: [[UInt8]], hasScopes: Bool = false, to store: HistoryStore,
        _ change: (inout ExecutionSummary) -> Void = { _ in }
    ) {
        var writer = ByteWriter()
        var ends: [Int] = []
        for record in records {
            writer.append(record)
            ends.append(writer.count)
        }
        if append(writer, ends: ends, hasScopes: hasScopes, change) { store.logHasGrown(self) }
    }
}

extension EventLog.Slice {
    /// Taken apart.
    var all: [[UInt8]] {
        var start = 0
        return ends.map { end in
            defer { start = end }
            return Array(records[start..<end])
        }
    }
}

/// Waits for what the store tells.
final class Watcher: ExecutionStoreObserver {
    private struct Guarded {
        var commitSizes: [Int] = []
        var visible: [ExecutionID: Int] = [:]
    }
    private let guarded = Mutex(Guarded())
    private let changed = NSCondition()
    private let onCommit: (@Sendable ([EventLog]) -> Void)?

    init(_ onCommit: (@Sendable ([EventLog]) -> Void)? = nil) {
        self.onCommit = onCommit
    }

    var commitSizes: [Int] { guarded.withLock { $0.commitSizes } }

    func logsBecameVisible(_ logs: [EventLog]) {
        onCommit?(logs)
        changed.lock()
        guarded.withLock { guarded in
            guarded.commitSizes.append(logs.count)
            for log in logs { guarded.visible[log.id] = log.visibleSeq }
        }
        changed.broadcast()
        changed.unlock()
    }

    /// Returns once the store has told that the log is visible up to `seq`.
    func wait(for log: EventLog, through seq: Int) {
        changed.lock()
        while guarded.withLock({ $0.visible[log.id] ?? -1 }) < seq { changed.wait() }
        changed.unlock()
    }
}

func fileSize(_ path: String) -> Int? {
    try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
}
