import Executions
import Graphs
import JSON

/// What queued executions start with, as the history has it; of a rerun what it takes over is worked out again.
package struct StoredStarts: QueuedStarts {
    private let store: any ExecutionStore
    private let catalog: GraphCatalog

    package init(store: any ExecutionStore, catalog: GraphCatalog) {
        self.store = store
        self.catalog = catalog
    }

    package func start(of log: EventLog) throws -> QueuedStart {
        let state = try store.queuedState(of: log.id) ?? [:]
        guard let origin = log.summary.origin, let source = origin.rerunOf else {
            return QueuedStart(initialState: state)
        }
        let results: ExecutionResults?
        do {
            results = try ExecutionResults(
                of: source, for: origin.rerunFrom.map(RerunStart.init(text:)), in: store, catalog)
        } catch let error as StoreError {
            throw error
        } catch {
            throw LostStart("the results of execution \(source) cannot be read: \(error)")
        }
        guard let results else {
            throw LostStart("execution \(source), which it was to take results over from, is not there any more")
        }
        let plan = RerunPlan(
            results, on: log.graph.graph, from: origin.rerunFrom.map { RerunRecord(text: $0).start }, edits: state)
        return QueuedStart(initialState: plan.initialState, takeover: plan.takeover)
    }

    package func threads(of log: EventLog) throws -> [Int: HostedTakeover] {
        guard let name = log.summary.origin?.thread else { return [:] }
        let thread = try store.thread(name, ofGraph: log.graph.identity.id)
        var found: [Int: HostedTakeover] = [:]
        for checkpoint in thread?.checkpoints ?? [] {
            guard let rank = log.graph.graph.rank(ofNode: checkpoint.nodeID), log.graph.hostRanks.contains(rank) else {
                continue
            }
            found[rank] = .thread(checkpoint.content)
        }
        return found
    }

    package func takeover(of log: EventLog) -> Takeover {
        guard let origin = log.summary.origin, let source = origin.rerunOf, let start = origin.rerunFrom,
            let results = try? ExecutionResults(of: source, for: RerunStart(text: start), in: store, catalog),
            let own = try? ExecutionResults(of: log.id, in: store, catalog)
        else { return Takeover() }
        let record = RerunRecord(text: start)
        // What its own state differs by was edited, whether or not it is noted.
        let edits = JSONObject(
            own.initialState.filter { record.editedKeys.contains($0.0) || results.initialState[$0.0] != $0.1 })
        return RerunPlan(results, on: log.graph.graph, from: record.start, edits: edits).takeover
    }
}
