import Executions
import JSON
import Server

/// What an earlier daemon has left unfinished, read from the store.
struct LeftExecutions {
    let store: any ExecutionStore
    let catalog: GraphCatalog

    /// Oldest first.
    /// - Parameter report: told of executions that cannot be taken up, and why.
    func read(_ report: (ExecutionID, String) -> Void) throws(StoreError) -> [LeftExecution] {
        var left: [LeftExecution] = []
        for status in [ExecutionStatus.running, .queued] {
            for summary in try store.executions(ExecutionQuery(status: status, limit: .max)).reversed() {
                guard let (graph, failure) = try catalog.runnable(summary.graphRevision, of: summary.graphID) else {
                    report(summary.id, "revision \(summary.graphRevision) of graph \(summary.graphID) is missing")
                    continue
                }
                left.append(
                    status == .running
                        ? LeftExecution(
                            summary: summary, graph: graph, failure: failure, takeover: takeover(summary, graph))
                        : try queued(summary, graph, failure))
            }
        }
        return left.sorted { $0.summary.id < $1.summary.id }
    }

    /// What a rerun that had begun was to take over; most have done so in their first moment. Nothing, if the earlier
    /// execution cannot be read any more.
    private func takeover(_ summary: ExecutionSummary, _ graph: GraphRevision) -> Takeover {
        guard let origin = summary.origin, let source = origin.rerunOf, let start = origin.rerunFrom else {
            return Takeover()
        }
        guard let results = try? ExecutionResults(of: source, in: store, catalog),
            let own = try? ExecutionResults(of: summary.id, in: store, catalog)
        else { return Takeover() }
        // The edits of the state are what its own differs by.
        let edits = JSONObject(own.initialState.filter { results.initialState[$0.0] != $0.1 })
        return RerunPlan(results, on: graph.graph, from: RerunStart(text: start), edits: edits).takeover
    }

    private func queued(
        _ summary: ExecutionSummary, _ graph: GraphRevision, _ failure: String?
    ) throws(StoreError) -> LeftExecution {
        let state = try store.queuedState(of: summary.id) ?? [:]
        guard failure == nil, let origin = summary.origin, let source = origin.rerunOf else {
            return LeftExecution(summary: summary, graph: graph, failure: failure, initialState: state)
        }
        do {
            guard let results = try ExecutionResults(of: source, in: store, catalog) else {
                throw StoreError("execution \(source), which it was to take results over from, is not there any more")
            }
            let plan = RerunPlan(
                results, on: graph.graph, from: origin.rerunFrom.map(RerunStart.init(text:)), edits: state)
            return LeftExecution(
                summary: summary, graph: graph, initialState: plan.initialState, takeover: plan.takeover)
        } catch {
            return LeftExecution(summary: summary, graph: graph, failure: "\(error)")
        }
    }
}
