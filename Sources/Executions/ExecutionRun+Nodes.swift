// How a run begins its nodes.

import Graphs
import JSON
import Synchronization

extension ExecutionRun {
    /// - Parameter start: is let go of before the node's end is taken in: a state that nobody else holds grows in place.
    func run(_ start: consuming RunMachine.Start, at now: UInt64, _ batch: inout EventBatch) {
        let (rank, attempt) = (start.rank, start.attempt)
        if let update = log.graph.constants[rank] {
            _ = consume start
            return step(.nodeEnded(rank: rank, attempt: attempt, .success(update: update)), at: now, &batch)
        }
        switch begin(start) {
        case .finished(let outcome):
            // What it put out lies in the inbox, and comes before its end.
            for output in inbox.withLock({ $0.takeOutputs() }) { step(output, &batch) }
            step(.nodeEnded(rank: rank, attempt: attempt, outcome), &batch)
        case .waiting(let work):
            wait(for: work, rank, attempt)
        case .parked(let wait):
            self.wait(
                for: { [clock = environment.clock] in
                    await clock.sleep(milliseconds: wait.milliseconds)
                        ? .success(update: [:]) : .failure(NodeFailure("cancelled"))
                }, rank, attempt)
        }
    }

    private func begin(_ start: consuming RunMachine.Start) -> NodeStart {
        let revision = log.graph
        let node = revision.graph.nodes[start.rank]
        return revision.bodies[start.rank].start(
            NodeCall(
                executionID: log.id, graph: revision.identity, nodeID: node.id, attempt: start.attempt,
                state: start.state, output: NodeOutput(run: self, rank: start.rank, attempt: start.attempt),
                trace: log.trace?.child(), isIdempotent: node.isIdempotent,
                hasFreshProcess: node.hasFreshProcess, idleTimeoutMilliseconds: node.idleTimeoutMilliseconds))
    }

    private func wait(for work: @escaping @Sendable () async -> NodeOutcome, _ rank: Int, _ attempt: Int) {
        let task = Task(executorPreference: environment.pool) { [self] in
            let outcome = await work()
            post(.nodeEnded(rank: rank, attempt: attempt, outcome))
        }
        confined.tasks[rank] = RunningNode(task: task)
        guard !log.graph.bodies[rank].startsLater, let limit = log.graph.graph.nodes[rank].timeoutMilliseconds else {
            return
        }
        armTimeout(rank, attempt, afterMilliseconds: Int64(limit))
    }

    func armTimeout(_ rank: Int, _ attempt: Int, afterMilliseconds limit: Int64) {
        confined.tasks[rank]?.timer = environment.clock.schedule(afterMilliseconds: limit) { [self] in
            post(.nodeTimedOut(rank: rank, attempt: attempt))
        }
    }
}
