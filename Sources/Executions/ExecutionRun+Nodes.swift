// How a run begins its nodes.

import DequeModule
import Graphs
import JSON
import Synchronization

extension ExecutionRun {
    /// What is judged in a slice that other things have used up.
    private static let judgeNanosecondsMin: UInt64 = 250_000

    /// - Parameter start: is let go of before the node's end is taken in: a state that nobody else holds grows in place.
    func run(_ start: consuming RunMachine.Start, in scope: Int32, at now: UInt64, _ batch: inout EventBatch) {
        let (rank, attempt) = (start.rank, start.attempt)
        guard let revision = confined.tree.revision(scope) else { return }
        if let update = revision.constants[rank] {
            _ = consume start
            let ended = RunMachine.Input.nodeEnded(rank: rank, attempt: attempt, .success(update: update))
            return step(.inScope(scope, ended), at: now, &batch)
        }
        let ref = NodeRef(scope: scope, rank: rank)
        switch begin(start, ref, revision) {
        case .finished(let outcome):
            // What it put out lies in the inbox, and comes before its end.
            for output in inbox.withLock({ takeOutputs(&$0) }) { step(output, &batch) }
            step(.inScope(scope, news(of: outcome, ref, attempt)), &batch)
        case .waiting(let work):
            wait(for: work, ref, attempt)
        case .parked(let wait):
            step(.inScope(scope, .nodeParked(rank: rank, attempt: attempt)), &batch)
            park(wait, ref, attempt, elapsedMicroseconds: 0)
        case .composed(let plan, let state):
            hold(plan, state, ref, attempt, at: now, &batch)
        }
    }

    func begin(
        _ start: consuming RunMachine.Start, _ ref: NodeRef, _ revision: GraphRevision
    ) -> NodeStart {
        let node = revision.graph.nodes[start.rank]
        return revision.bodies[start.rank].start(
            NodeCall(
                executionID: log.id, graph: revision.identity, nodeID: node.id, path: confined.tree.path(ref.scope),
                attempt: start.attempt, state: start.state,
                output: NodeOutput(run: self, ref, attempt: start.attempt), trace: log.trace?.child(),
                isIdempotent: node.isIdempotent, hasFreshProcess: node.hasFreshProcess,
                idleTimeoutMilliseconds: node.idleTimeoutMilliseconds, room: room,
                stateBytesMax: limits.stateBytesMax, kept: confined.tree.kept(for: ref),
                opening: CheckpointOpening(environment.seal), thread: log.origin?.thread,
                config: log.origin?.config ?? [:],
                drain: revision.bodies[start.rank].hosts ? drain() : nil, tokens: tokens))
    }

    private func drain() -> DrainSignal {
        let drain = confined.drain ?? DrainSignal()
        confined.drain = drain
        return drain
    }

    private var room: ProgramRoom { ProgramRoom(environment.places, graphID: log.graph.identity.id) }

    func node(_ ref: NodeRef) -> GraphNode? {
        confined.tree.revision(ref.scope)?.graph.nodes[Int(ref.rank)]
    }

    func wait(for work: @escaping @Sendable () async -> NodeOutcome, _ ref: NodeRef, _ attempt: Int) {
        let task = Task(executorPreference: environment.pool) { [self] in
            let outcome = await work()
            if case .left = outcome {
                post(.left(ref))
                return
            }
            post(news(of: outcome, ref, attempt), in: ref.scope)
        }
        confined.tasks[ref] = RunningNode(task: task)
        let startsLater = confined.tree.revision(ref.scope)?.bodies[Int(ref.rank)].startsLater == true
        guard !startsLater, let limit = node(ref)?.timeoutMilliseconds else { return }
        armTimeout(ref, attempt, afterMilliseconds: Int64(limit))
    }

    func armTimeout(_ ref: NodeRef, _ attempt: Int, afterMilliseconds limit: Int64) {
        confined.tasks[ref]?.timer = dueTimer(afterMilliseconds: limit) { [self] in
            post(.nodeTimedOut(rank: Int(ref.rank), attempt: attempt), in: ref.scope)
        }
    }

    func interrupt(_ ref: NodeRef) {
        guard let node = confined.tasks[ref] else { return }
        guard node.task == nil, !node.holdsScopes else { return node.cancel() }
        node.cancel()
        guard let attempt = confined.tree.attempt(ref) else { return }
        post(.nodeEnded(rank: Int(ref.rank), attempt: attempt, .failure(NodeFailure("cancelled"))), in: ref.scope)
    }

    /// Judges conditions until none are left or the time has come; those of each node in turn, so that none waits for those
    /// of another to end.
    func judge(until end: UInt64, _ batch: inout EventBatch) {
        while var judgement = confined.judgements.popFirst() {
            let now = environment.clock.monotonicNanoseconds
            let slice = max(end > now ? end - now : 0, Self.judgeNanosecondsMin)
            guard let revision = confined.tree.revision(judgement.ref.scope) else { continue }
            switch judgement.step(revision, room, sliceNanoseconds: slice, environment.clock) {
            case .finished(let verdicts):
                step(.inScope(judgement.ref.scope, .judged(rank: Int(judgement.ref.rank), verdicts)), &batch)
            case .yielded: return confined.judgements.append(judgement)
            case .waiting:
                confined.waitingJudgements.append(judgement)
                judgement.whenPossible { [weak self] in self?.wake() }
            }
        }
    }

    /// What waited for room may have got it.
    func judgeAgain() {
        confined.judgements.append(contentsOf: confined.waitingJudgements)
        confined.waitingJudgements.removeAll()
    }
}
