import Executions
import Synchronization

/// Where graphs that nodes run are found.
package protocol GraphRevisions: Sendable {
    /// Never blocks.
    func current(_ id: String) -> GraphRevision?
    /// One for running, or why it cannot run any more; nil where there is none. Blocks.
    func runnable(_ number: Int, of id: String) throws(StoreError) -> (GraphRevision, failure: String?)?
    /// One for reading what it once ran. Blocks.
    func revision(_ number: Int, of id: String) throws(StoreError) -> GraphRevision?
}

extension GraphCatalog: GraphRevisions {}

/// The catalog, as nodes see it that run other graphs. It is there before the catalog is, since kinds of nodes come first.
package final class GraphDirectory: InnerGraphs {
    private let lane: BlockingLane
    private let catalog = Mutex<(any GraphRevisions)?>(nil)

    /// - Parameter lane: where the store is read.
    package init(on lane: BlockingLane) {
        self.lane = lane
    }

    package func use(_ catalog: any GraphRevisions) {
        self.catalog.withLock { $0 = catalog }
    }

    package func current(_ id: String) -> GraphRevision? {
        catalog.withLock { $0 }?.current(id)
    }

    package func runnable(_ number: Int, of id: String) -> Result<GraphRevision, NodeFailure> {
        let missing = NodeFailure("graph \(id) has no revision \(number)")
        do {
            guard let (revision, failure) = try catalog.withLock({ $0 })?.runnable(number, of: id) else {
                return .failure(missing)
            }
            if let failure { return .failure(NodeFailure(failure)) }
            return .success(revision)
        } catch {
            return .failure(NodeFailure("graph \(id) cannot be read: \(error)"))
        }
    }

    package func find(_ number: Int, of id: String) async -> Result<GraphRevision, NodeFailure> {
        await withCheckedContinuation { continuation in
            let isAccepted = lane.offer { [self] in continuation.resume(returning: runnable(number, of: id)) }
            if !isAccepted {
                continuation.resume(returning: .failure(NodeFailure("too much waits for the history")))
            }
        }
    }

    package func readable(_ number: Int, of id: String) throws(StoreError) -> GraphRevision? {
        try catalog.withLock { $0 }?.revision(number, of: id)
    }
}
