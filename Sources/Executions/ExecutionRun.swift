// Drives the machine of one execution. Whatever happens to the execution is put into its inbox; the first to put something
// there gives the run to the pool, where one thread at a time takes the inbox and steps the machine until nothing is left.
// A node that does not wait runs right there; one that waits gets a task of its own, and comes back through the inbox.

import Glibc
import Graphs
import JSON
import Synchronization

package final class ExecutionRun: Sendable {
    /// A run gives its thread back after this long, so that a long chain of quick nodes holds up nobody.
    private static let sliceNanoseconds: UInt64 = 2_000_000
    /// Events become visible at the latest after this long, also while quick nodes go on.
    private static let flushNanoseconds: UInt64 = 1_000_000

    package let log: EventLog
    private let environment: RunEnvironment
    private let ended: @Sendable () -> Void

    private struct Inbox {
        var inputs: [RunMachine.Input] = []
        var afterStep: [@Sendable () -> Void] = []
        var isScheduled = false
    }
    private let inbox = Mutex(Inbox())

    // because only the one pool thread that `isScheduled` was handed to touches it, and the inbox's lock orders the hand-overs
    private nonisolated(unsafe) var confined: Confined

    private struct Confined: ~Copyable {
        var machine: RunMachine
        var batch = EventBatch()
        var tasks: [Int: RunningNode] = [:]
        var executionTimer: (any ClockTimer)?
        var flushedAt: UInt64 = 0
        var isFinished = false
    }

    private struct RunningNode {
        let task: Task<Void, Never>
        let timer: (any ClockTimer)?
    }

    /// - Parameter ended: called once, on the pool, when the terminal event was appended.
    package init(log: EventLog, environment: RunEnvironment, ended: @escaping @Sendable () -> Void = {}) {
        self.log = log
        self.environment = environment
        self.ended = ended
        confined = Confined(machine: RunMachine(revision: log.graph, limits: environment.limits))
    }

    package func begin(initialState: JSONObject) {
        post(.begin(attempt: 1, initialState: initialState))
    }

    /// For an execution that was still queued: it starts and ends at once.
    package func beginCancelled(initialState: JSONObject, afterStep: @escaping @Sendable () -> Void) {
        post(.begin(attempt: 1, initialState: initialState, isCancelled: true), afterStep: afterStep)
    }

    /// - Parameter afterStep: called on the pool with true once the execution is stopping, with false when it had ended before.
    package func cancel(afterStep: @escaping @Sendable (_ wasInTime: Bool) -> Void) {
        post(.cancel) { [self] in
            let summary = log.summary
            afterStep(!summary.status.isFinished || summary.status == .cancelled)
        }
    }

    func post(_ input: RunMachine.Input, afterStep: (@Sendable () -> Void)? = nil) {
        let mustSchedule = inbox.withLock { inbox in
            inbox.inputs.append(input)
            if let afterStep { inbox.afterStep.append(afterStep) }
            defer { inbox.isScheduled = true }
            return !inbox.isScheduled
        }
        if mustSchedule { environment.pool.submit { self.process() } }
    }
}

extension ExecutionRun {
    private func process() {
        let began = environment.clock.monotonicNanoseconds
        if confined.flushedAt == 0 { confined.flushedAt = began }
        while true {
            let (inputs, afterStep) = inbox.withLock { inbox in
                defer {
                    inbox.inputs.removeAll(keepingCapacity: true)
                    inbox.afterStep.removeAll()
                }
                return (inbox.inputs, inbox.afterStep)
            }
            for input in inputs { perform(confined.machine.step(input, at: environment.clock.monotonicNanoseconds)) }
            let isOutOfTime = !runReadyNodes(since: began)
            flush()
            for action in afterStep { action() }
            if isOutOfTime { return environment.pool.submit { self.process() } }
            let isDone = inbox.withLock { inbox in
                if inbox.inputs.isEmpty { inbox.isScheduled = false }
                return inbox.inputs.isEmpty
            }
            if isDone { return }
        }
    }

    /// Starts what is ready.
    /// - Returns: false when the slice was over before nothing was ready any more.
    private func runReadyNodes(since began: UInt64) -> Bool {
        var effects: [RunMachine.Effect] = []
        while true {
            let now = environment.clock.monotonicNanoseconds
            guard let start = confined.machine.nextStart(at: now, effects: &effects) else { break }
            perform(effects)
            effects.removeAll(keepingCapacity: true)
            run(start)
            if now - confined.flushedAt > Self.flushNanoseconds { flush() }
            if now - began > Self.sliceNanoseconds { return false }
        }
        armExecutionTimer()
        return true
    }

    private func run(_ start: RunMachine.Start) {
        let revision = log.graph
        let call = NodeCall(
            executionID: log.id, graph: revision.identity, nodeID: revision.graph.nodes[start.rank].id,
            attempt: start.attempt, state: start.state,
            output: NodeOutput(run: self, rank: start.rank, attempt: start.attempt))
        switch revision.bodies[start.rank].start(call) {
        case .finished(let outcome):
            let ended = RunMachine.Input.nodeEnded(rank: start.rank, attempt: start.attempt, outcome)
            takeOutputs()
            perform(confined.machine.step(ended, at: environment.clock.monotonicNanoseconds))
        case .waiting(let work):
            wait(for: work, start, timeoutMilliseconds: revision.graph.nodes[start.rank].timeoutMilliseconds)
        }
    }

    /// What a node put out while it ran inline lies in the inbox: it comes before the node's end.
    private func takeOutputs() {
        let outputs = inbox.withLock { inbox -> [RunMachine.Input] in
            guard !inbox.inputs.isEmpty else { return [] }
            defer { inbox.inputs.removeAll { if case .nodeOutput = $0 { true } else { false } } }
            return inbox.inputs.filter { if case .nodeOutput = $0 { true } else { false } }
        }
        for output in outputs { perform(confined.machine.step(output, at: environment.clock.monotonicNanoseconds)) }
    }

    private func wait(for work: @escaping @Sendable () async -> NodeOutcome, _ start: RunMachine.Start, timeoutMilliseconds: Int?) {
        let (rank, attempt) = (start.rank, start.attempt)
        let task = Task(executorPreference: environment.pool) { [self] in
            let outcome = await work()
            post(.nodeEnded(rank: rank, attempt: attempt, outcome))
        }
        let timer = timeoutMilliseconds.map { limit in
            environment.clock.schedule(afterMilliseconds: Int64(limit)) { [self] in
                post(.nodeTimedOut(rank: rank, attempt: attempt))
            }
        }
        confined.tasks[rank] = RunningNode(task: task, timer: timer)
    }

    private func perform(_ effects: [RunMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .emit(let body):
                if !confined.tasks.isEmpty, case .nodeComplete(let completion) = body {
                    confined.tasks.removeValue(forKey: completion.rank)?.timer?.cancel()
                }
                let timestamp = environment.clock.wallMicroseconds
                confined.batch.append(body, at: timestamp)
                environment.observer?.executionEmitted(body, atMicroseconds: timestamp, in: log)
            case .interrupt(let rank):
                confined.tasks[rank]?.task.cancel()
            case .scheduleRetry(let rank, let delay):
                let jittered = delay * Double.random(in: 0.5...1)
                _ = environment.clock.schedule(afterMilliseconds: Int64(jittered.rounded(.up))) { [self] in post(.retryDue(rank: rank)) }
            case .finish:
                confined.executionTimer?.cancel()
                confined.isFinished = true
            }
        }
    }

    /// Only an execution that outlives its first slice needs the timer, so that short ones never pay for it.
    private func armExecutionTimer() {
        guard !confined.isFinished, confined.executionTimer == nil else { return }
        let limit = log.graph.graph.document.limits.timeoutMilliseconds
        confined.executionTimer = environment.clock.schedule(afterMilliseconds: Int64(limit)) { [self] in post(.executionTimedOut) }
    }

    private func flush() {
        confined.flushedAt = environment.clock.monotonicNanoseconds
        guard !confined.batch.isEmpty else { return }
        let mustTell = confined.batch.moveAll(to: log)
        if mustTell { environment.store.logHasGrown(log) }
        if confined.isFinished { ended() }
    }
}
