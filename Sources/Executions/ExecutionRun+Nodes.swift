// How a run begins its nodes.

import DequeModule
import Graphs
import JSON
import Synchronization

extension ExecutionRun {
    /// What is judged in a slice that other things have used up.
    private static let judgeNanosecondsMin: UInt64 = 250_000

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
            for output in inbox.withLock({ takeOutputs(&$0) }) { step(output, &batch) }
            step(.nodeEnded(rank: rank, attempt: attempt, outcome), &batch)
        case .waiting(let work):
            wait(for: work, rank, attempt)
        case .parked(let wait):
            park(wait, rank, attempt, elapsedMicroseconds: 0)
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

    /// The node ends once its time has come; nothing but a timer is held until then.
    private func park(_ wait: NodeWait, _ rank: Int, _ attempt: Int, elapsedMicroseconds: Int64) {
        func left(of milliseconds: Int64) -> Int64 { max((milliseconds * 1000 - elapsedMicroseconds + 999) / 1000, 0) }
        let timer = environment.clock.schedule(afterMilliseconds: left(of: wait.milliseconds)) { [self] in
            post(.nodeEnded(rank: rank, attempt: attempt, .success(update: [:])))
        }
        confined.tasks[rank] = RunningNode(wait: timer)
        guard let limit = log.graph.graph.nodes[rank].timeoutMilliseconds, Int64(limit) < wait.milliseconds else {
            return
        }
        armTimeout(rank, attempt, afterMilliseconds: left(of: Int64(limit)))
    }

    /// A node that waited when its daemon was stopped waits on, without a word.
    func parkAgain(_ start: RunMachine.Start, elapsedMicroseconds: Int64) {
        let (rank, attempt) = (start.rank, start.attempt)
        switch begin(start) {
        case .parked(let wait): park(wait, rank, attempt, elapsedMicroseconds: elapsedMicroseconds)
        case .finished(let outcome): post(.nodeEnded(rank: rank, attempt: attempt, outcome))
        case .waiting(let work): self.wait(for: work, rank, attempt)
        }
    }

    func interrupt(_ rank: Int) {
        guard let node = confined.tasks[rank] else { return }
        guard node.task == nil else { return node.cancel() }
        node.cancel()
        let attempt = confined.machine.attempt(ofRank: rank)
        post(.nodeEnded(rank: rank, attempt: attempt, .failure(NodeFailure("cancelled"))))
    }

    func scheduleRetry(_ rank: Int, afterMilliseconds delay: Int64) {
        confined.retryTimers[rank] = environment.clock.schedule(afterMilliseconds: delay) { [self] in
            post(.retryDue(rank: rank))
        }
    }

    /// Judges conditions until none are left or the time has come; those of each node in turn, so that none waits for those
    /// of another to end.
    func judge(until end: UInt64, _ batch: inout EventBatch) {
        // What is interrupted will be judged by the next daemon, once its node has run again.
        if confined.pause == .interrupted { confined.judgements.removeAll() }
        while var judgement = confined.judgements.popFirst() {
            let now = environment.clock.monotonicNanoseconds
            let slice = max(end > now ? end - now : 0, Self.judgeNanosecondsMin)
            if let verdicts = judgement.step(log.graph, sliceNanoseconds: slice, environment.clock) {
                step(.judged(rank: judgement.rank, verdicts), &batch)
            } else {
                confined.judgements.append(judgement)
                return
            }
        }
    }
}

extension ExecutionRun.RunningNode {
    func cancel() {
        task?.cancel()
        wait?.cancel()
    }

    func cancelTimers() {
        wait?.cancel()
        timer?.cancel()
    }
}
