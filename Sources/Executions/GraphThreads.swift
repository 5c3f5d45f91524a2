// Threads of graphs that workers host: an execution of one begins with what the one before has left, so they run one at a time.

import DequeModule
import Graphs
import JSON
import Synchronization

/// What a thread begins with next, of one node.
package struct ThreadCheckpoint: Sendable {
    package let nodeID: String
    /// `{"spaces": {…}, "values": {…}}`: opaque here.
    package let content: JSONText
    package var atMicroseconds: Int64 = 0

    package init(nodeID: String, content: JSONText) {
        self.nodeID = nodeID
        self.content = content
    }
}

/// A thread as the history has it. Times are microseconds since 1970 UTC.
package struct StoredThread: Sendable {
    package let name: String
    /// The execution that has left it so.
    package let executionID: ExecutionID
    package let createdAtMicroseconds: Int64
    package let updatedAtMicroseconds: Int64
    /// Of what is kept.
    package let byteCount: Int
    /// Empty in a list.
    package let checkpoints: [ThreadCheckpoint]

    package init(
        name: String, executionID: ExecutionID, createdAtMicroseconds: Int64, updatedAtMicroseconds: Int64,
        byteCount: Int, checkpoints: [ThreadCheckpoint] = []
    ) {
        self.name = name
        self.executionID = executionID
        self.createdAtMicroseconds = createdAtMicroseconds
        self.updatedAtMicroseconds = updatedAtMicroseconds
        self.byteCount = byteCount
        self.checkpoints = checkpoints
    }
}

package enum ThreadName {
    package static let bytesMax = 200

    package static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= bytesMax && !text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }
}

/// Where threads are kept; of a store that keeps none, there are none.
package protocol ThreadStore: Sendable {
    func thread(_ name: String, ofGraph id: String) throws(StoreError) -> StoredThread?
    /// By name, without what is kept.
    func threads(ofGraph id: String, after: String?, limit: Int) throws(StoreError) -> [StoredThread]
    /// - Parameter reply: whether there was one.
    func deleteThread(_ name: String, ofGraph id: String, _ reply: @escaping StoreReply<Bool>)
}

extension ThreadStore {
    package func thread(_ name: String, ofGraph id: String) throws(StoreError) -> StoredThread? { nil }

    package func threads(ofGraph id: String, after: String?, limit: Int) throws(StoreError) -> [StoredThread] { [] }

    package func deleteThread(_ name: String, ofGraph id: String, _ reply: @escaping StoreReply<Bool>) {
        reply(.success(false))
    }
}

/// Whose turn it is in each thread: an execution keeps it from its start to its end, and those behind it wait apart from the queue.
struct ThreadTurns {
    struct Key: Hashable {
        let graphID: String
        let name: String
    }

    private var owners: [Key: ExecutionID] = [:]
    private var waiting: [Key: Deque<ExecutionService.Waiting>] = [:]
    private(set) var waitingCount = 0

    func owner(_ key: Key) -> ExecutionID? { owners[key] }

    /// One that has begun, or is about to.
    /// - Returns: false where another is at it.
    mutating func take(_ log: EventLog) -> Bool {
        guard let key = log.threadKey else { return true }
        guard owners[key] ?? log.id == log.id else { return false }
        owners[key] = log.id
        return true
    }

    mutating func setAside(_ one: ExecutionService.Waiting) {
        guard let key = one.log.threadKey else { return }
        waiting[key, default: []].append(one)
        waitingCount += 1
    }

    /// One has ended.
    /// - Returns: the next one of its thread.
    mutating func release(_ log: EventLog) -> ExecutionService.Waiting? {
        // One that was cancelled while it was in line has never been at it.
        guard let key = log.threadKey, owners[key] ?? log.id == log.id else { return nil }
        owners[key] = nil
        guard let next = waiting[key]?.popFirst() else { return nil }
        if waiting[key]?.isEmpty == true { waiting[key] = nil }
        waitingCount -= 1
        return next
    }

    mutating func remove(_ log: EventLog) -> ExecutionService.Waiting? {
        guard let key = log.threadKey, let index = waiting[key]?.firstIndex(where: { $0.log.id == log.id }) else {
            return nil
        }
        waitingCount -= 1
        let removed = waiting[key]?.remove(at: index)
        if waiting[key]?.isEmpty == true { waiting[key] = nil }
        return removed
    }
}

extension EventLog {
    var threadKey: ThreadTurns.Key? {
        origin?.thread.map { ThreadTurns.Key(graphID: graph.identity.id, name: $0) }
    }
}

extension ExecutionService {
    /// The execution that runs in a thread.
    package func execution(inThread name: String, ofGraph id: String) -> ExecutionID? {
        guarded.withLock { $0.threads.owner(.init(graphID: id, name: name)) }
    }
}

extension GraphRevision {
    /// The nodes of the graph itself that begin with what a thread has left.
    package var hostRanks: [Int] { graph.nodes.indices.filter { graph.nodes[$0].kind == Self.hostedKind } }
}
