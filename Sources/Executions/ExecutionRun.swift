// Drives the machine of one execution. Whatever happens to the execution is put into its inbox; the first to put something
// there gives the run to the pool, where one thread at a time takes the inbox and steps the machine until nothing is left.
// A node that does not wait runs right there; one that waits gets a task of its own, and comes back through the inbox.

import DequeModule
import Glibc
import Graphs
import JSON
import Synchronization

package final class ExecutionRun: Sendable {
    /// A run gives its thread back after this long, so that a long chain of quick nodes holds up nobody.
    private static let sliceNanoseconds: UInt64 = 2_000_000
    /// Events become visible at the latest after this long, also while quick nodes go on.
    private static let flushNanoseconds: UInt64 = 1_000_000
    /// Or once so much has gathered.
    private static let flushBytes = 64 << 10

    /// Between two looks at clocks that are to belong together.
    private static let looksNanosecondsMax: UInt64 = 50_000
    private static let looksMax = 3

    /// How often a run looks whether there is memory for its events again.
    private static let memoryLookMilliseconds: Int64 = 100

    package let log: EventLog
    let environment: RunEnvironment
    /// The service's, at the time when the run was made.
    let limits: ExecutionLimits
    let ended: @Sendable () -> Void

    struct Inbox {
        /// What nodes put out, apart from all else: it must be taken before the end of an attempt that ran inline.
        var outputs: [RunMachine.Input] = []
        /// By rank: the size of what lies in `outputs`.
        var outputBytes: [Int: Int] = [:]
        var inputs: [RunMachine.Input] = []
        var afterStep: [@Sendable () -> Void] = []
        var isScheduled = false
        var pause = Pause.none
        /// Paused, and nothing of it runs any more.
        var isQuiet = false
        var isWaitingForMemory = false
        var droppingRanks: Set<Int> = []

        var isEmpty: Bool { outputs.isEmpty && inputs.isEmpty }

        /// Whether the caller must give the run to the pool.
        mutating func schedule() -> Bool {
            defer { isScheduled = true }
            isQuiet = false
            return !isScheduled
        }

        /// While the history cannot be written and memory is full, one word takes the place of all output of an attempt.
        /// - Returns: whether the caller must give the run to the pool.
        mutating func drop(_ rank: Int, _ attempt: Int) -> Bool {
            guard droppingRanks.insert(rank).inserted else { return false }
            let word: JSONText =
                "output is dropped: the history cannot be written, and memory is full of what waits for it"
            outputs.append(.nodeOutput(rank: rank, attempt: attempt, channel: "log", data: word))
            return schedule()
        }

        mutating func takeOutputs() -> [RunMachine.Input] {
            guard !outputs.isEmpty else { return [] }
            defer {
                outputs = []
                outputBytes = [:]
            }
            return outputs
        }
    }
    let inbox = Mutex(Inbox())

    /// How the daemon's stop reaches a run.
    enum Pause {
        case none
        /// What runs goes on to its end, nothing else starts: what a node would wait for may take longer than the daemon has.
        /// Where all nodes only compute, none waits for anything but its next attempt. Such an execution goes on as before, and has most
        /// likely ended before its client could be told where to look for the end; one that is not done when the drain's
        /// time is over, be it a chain of ten thousand nodes, is interrupted as others are.
        case held
        /// What runs is interrupted, and says nothing any more: it will run again when the execution is taken up.
        case interrupted
    }

    // because only the one pool thread that `isScheduled` was handed to touches it, and the inbox's lock orders the hand-overs
    nonisolated(unsafe) var confined: Confined

    struct Confined: ~Copyable {
        var machine: RunMachine
        /// Renders the first events where they arise, as long as there is room for them.
        var early: EarlyRenderer?
        /// By rank.
        var tasks: [Int: RunningNode] = [:]
        /// By rank: of nodes that wait for their next attempt.
        var retryTimers: [Int: any ClockTimer] = [:]
        /// Conditions that are being judged, those of each node in turn.
        var judgements: Deque<Judgement> = []
        var beganAt: UInt64?
        /// By how much the wall clock's microseconds are ahead of the other's.
        var wallLeadMicroseconds: Int64 = 0
        /// How long the execution had run when its last daemon stopped.
        var ranMilliseconds: Int64 = 0
        var pause = Pause.none
        var executionTimer: (any ClockTimer)?
        var flushedAt: UInt64 = 0
        var isFinished = false
    }

    struct RunningNode {
        /// Nil for a node that is parked.
        var task: Task<Void, Never>?
        /// Of a node that is parked: its end.
        var wait: (any ClockTimer)?
        var timer: (any ClockTimer)?
    }

    /// - Parameter ended: called once, on the pool, when the terminal event was appended.
    package init(
        log: EventLog, environment: RunEnvironment, limits: ExecutionLimits = ExecutionLimits(),
        ended: @escaping @Sendable () -> Void = {}
    ) {
        self.log = log
        self.environment = environment
        self.limits = limits
        self.ended = ended
        confined = Confined(machine: RunMachine(revision: log.graph, limits: limits, seed: log.id.low))
    }

    /// - Parameter takeover: what is taken over from another execution.
    package func begin(initialState: JSONObject, takeover: Takeover = Takeover()) {
        post(.begin(initialState: initialState, takeover: takeover))
    }

    /// For an execution that was still queued: it starts and ends at once.
    package func beginCancelled(initialState: JSONObject, afterStep: @escaping @Sendable () -> Void) {
        post(.begin(initialState: initialState, isCancelled: true), afterStep: afterStep)
    }

    /// Cancels it for good: whatever becomes of the daemon, it ends as cancelled.
    /// - Parameter afterStep: called on the pool with true once the execution is stopping, with false when it had ended before.
    package func cancel(afterStep: @escaping @Sendable (_ wasInTime: Bool) -> Void) {
        post(.cancel) { [self] in
            let status = log.summary.status
            if !status.isFinished, log.note({ $0.isCancelRequested = true }) { environment.store.logHasGrown(log) }
            afterStep(!status.isFinished || status == .cancelled)
        }
    }

    func post(_ input: RunMachine.Input, afterStep: (@Sendable () -> Void)? = nil) {
        let mustSchedule = inbox.withLock { inbox in
            inbox.inputs.append(input)
            if let afterStep { inbox.afterStep.append(afterStep) }
            return inbox.schedule()
        }
        if mustSchedule { environment.pool.step { self.process(&$0) } }
    }

    func postBegan(rank: Int, attempt: Int) {
        post(.nodeBegan(rank: rank, attempt: attempt))
    }

    /// Beyond the limit of an attempt's output nothing is kept, even if the run gets to look at it only much later: the
    /// machine, when it sees what came before, drops the rest all the same.
    func postOutput(rank: Int, attempt: Int, channel: String, data: JSONText) {
        let bytes = RunMachine.outputBytes(channel: channel, data: data)
        let isExhausted = environment.memory.isExhausted
        let mustSchedule = inbox.withLock { inbox in
            let before = inbox.outputBytes[rank, default: 0]
            guard before <= limits.outputBytesMax else { return false }
            guard !isExhausted else { return inbox.drop(rank, attempt) }
            inbox.droppingRanks.remove(rank)
            inbox.outputBytes[rank] = before + bytes
            inbox.outputs.append(.nodeOutput(rank: rank, attempt: attempt, channel: channel, data: data))
            return inbox.schedule()
        }
        if mustSchedule { environment.pool.step { self.process(&$0) } }
    }
}

extension ExecutionRun {
    func process(_ batch: inout EventBatch) {
        let began = lookAtClocks()
        confined.flushedAt = began
        while true {
            let afterStep = takeInbox(&batch)
            let isIdle = goOn(since: began, &batch)
            armExecutionTimer()
            flush(&batch)
            // Whoever stops the run may stop the store next.
            if confined.pause != .none { environment.grownLogs.tell() }
            for action in afterStep { action() }
            let isDone =
                isIdle
                && inbox.withLock { inbox in
                    guard inbox.isEmpty else { return false }
                    inbox.isScheduled = false
                    inbox.isQuiet = inbox.pause != .none && confined.tasks.isEmpty && confined.judgements.isEmpty
                    return true
                }
            // The store is told after the jobs that wait, unless this one goes on.
            if isDone { return }
            environment.grownLogs.tell()
            // Neither a long chain nor a stream of inputs keeps the thread.
            guard environment.clock.monotonicNanoseconds - began <= Self.sliceNanoseconds else {
                return environment.pool.step { self.process(&$0) }
            }
        }
    }

    /// Within a slice the wall clock is taken to go as the other does: one look at a clock for each step, not two.
    /// - Returns: nanoseconds of the clock that never steps.
    @discardableResult func lookAtClocks() -> UInt64 {
        var now = environment.clock.monotonicNanoseconds
        // A thread that is preempted between two looks would be off by that for the whole slice, so it looks again.
        for _ in 0..<Self.looksMax {
            let before = now
            let wall = environment.clock.wallMicroseconds
            now = environment.clock.monotonicNanoseconds
            confined.wallLeadMicroseconds = wall - Int64(now / 1000)
            if now - before <= Self.looksNanosecondsMax { break }
        }
        return now
    }

    /// - Returns: what is to be called once the events of this are in the log.
    private func takeInbox(_ batch: inout EventBatch) -> [@Sendable () -> Void] {
        let (outputs, inputs, afterStep, pause) = inbox.withLock { inbox in
            defer {
                inbox.inputs = []
                inbox.afterStep = []
            }
            return (inbox.takeOutputs(), inbox.inputs, inbox.afterStep, inbox.pause)
        }
        if pause != confined.pause { take(pause) }
        guard pause != .interrupted else {
            for input in inputs { takeInterrupted(input, &batch) }
            return afterStep
        }
        for output in outputs { step(output, &batch) }
        for input in inputs { step(input, &batch) }
        return afterStep
    }

    func step(_ input: consuming RunMachine.Input, _ batch: inout EventBatch) {
        step(input, at: environment.clock.monotonicNanoseconds, &batch)
    }

    func step(_ input: consuming RunMachine.Input, at now: UInt64, _ batch: inout EventBatch) {
        switch input {
        case .begin:
            confined.beganAt = now
            if let detail = log.earlyDetail { confined.early = EarlyRenderer(log, detail) }
        case .resume: confined.beganAt = now
        default: break
        }
        confined.machine.step(input, at: now)
        perform(at: now, &batch)
        flushIfDue(at: now, &batch)
    }

    /// Judges what is to be judged, and starts what is ready.
    /// - Returns: false when the slice was over before nothing was left to do.
    private func goOn(since began: UInt64, _ batch: inout EventBatch) -> Bool {
        while true {
            var now = environment.clock.monotonicNanoseconds
            let isJudging = !confined.judgements.isEmpty
            if isJudging {
                judge(until: began + Self.sliceNanoseconds, &batch)
                now = environment.clock.monotonicNanoseconds
            }
            // Conditions that take long leave room for the nodes beside them.
            let hasStarted = startNext(at: now, &batch)
            guard hasStarted || isJudging else { return true }
            if now - began > Self.sliceNanoseconds { return false }
        }
    }

    /// - Returns: false where nothing is ready, or may start.
    private func startNext(at now: UInt64, _ batch: inout EventBatch) -> Bool {
        guard confined.pause == .none || confined.pause == .held && log.graph.onlyComputes, hasMemory(),
            let start = confined.machine.nextStart(at: now)
        else { return false }
        perform(at: now, &batch)
        run(start, at: now, &batch)
        return true
    }

    /// While the history cannot be written and memory is full of what waits for it, nothing starts: the run looks again later.
    private func hasMemory() -> Bool {
        guard environment.memory.isExhausted else { return true }
        let mustWait = inbox.withLock { inbox in
            defer { inbox.isWaitingForMemory = true }
            return !inbox.isWaitingForMemory && !confined.isFinished
        }
        if mustWait {
            _ = environment.clock.schedule(afterMilliseconds: Self.memoryLookMilliseconds) { [self] in lookAgain() }
        }
        return false
    }

    private func lookAgain() {
        let mustSchedule = inbox.withLock { inbox in
            inbox.isWaitingForMemory = false
            return inbox.schedule()
        }
        if mustSchedule { environment.pool.step { self.process(&$0) } }
    }

    private func perform(at now: UInt64, _ batch: inout EventBatch) {
        guard !confined.machine.effects.isEmpty else { return }
        // Of one step, all happens at one time.
        let timestamp = confined.wallLeadMicroseconds + Int64(now / 1000)
        for index in confined.machine.effects.indices {
            switch confined.machine.takeEffect(at: index) {
            case .emit(let body, let state):
                forgetTimers(body)
                batch.append(body, state, at: timestamp, &confined.early)
            case .interrupt(let rank): interrupt(rank)
            case .park(let start, let elapsed): parkAgain(start, elapsedMicroseconds: elapsed)
            case .judge(let order):
                confined.judgements.append(Judgement(order, budgetNanoseconds: limits.judgeNanosecondsMax))
            case .dismissJudgement(let rank): confined.judgements.removeAll { $0.rank == rank }
            case .armTimeout(let rank, let attempt, let limit):
                armTimeout(rank, attempt, afterMilliseconds: limit)
            case .scheduleRetry(let rank, let delay):
                scheduleRetry(rank, afterMilliseconds: delay)
            case .finish:
                confined.executionTimer?.cancel()
                for timer in confined.retryTimers.values { timer.cancel() }
                confined.retryTimers = [:]
                confined.isFinished = true
            }
        }
        confined.machine.effectsWereTaken()
    }

    private func forgetTimers(_ body: EventRecord.Body) {
        if confined.tasks.isEmpty, confined.retryTimers.isEmpty { return }
        switch body {
        case .nodeComplete(let completion):
            confined.tasks.removeValue(forKey: completion.rank)?.cancelTimers()
            confined.retryTimers.removeValue(forKey: completion.rank)?.cancel()
        case .nodeStart(let rank, let attempt) where attempt > 1: confined.retryTimers[rank] = nil
        default: break
        }
    }

    /// Only an execution that outlives its first slice needs the timer, so that short ones never pay for it.
    private func armExecutionTimer() {
        guard !confined.isFinished, confined.executionTimer == nil, let beganAt = confined.beganAt else { return }
        let limit = Int64(log.graph.graph.document.limits.timeoutMilliseconds)
        let elapsed =
            confined.ranMilliseconds + Int64((environment.clock.monotonicNanoseconds - beganAt) / 1_000_000)
        confined.executionTimer = environment.clock.schedule(afterMilliseconds: max(limit - elapsed, 0)) { [self] in
            post(.executionTimedOut)
        }
    }

    private func flushIfDue(at now: UInt64, _ batch: inout EventBatch) {
        guard now - confined.flushedAt > Self.flushNanoseconds || batch.bytes > Self.flushBytes else { return }
        flush(&batch)
        environment.grownLogs.tell()
    }

    private func flush(_ batch: inout EventBatch) {
        confined.flushedAt = environment.clock.monotonicNanoseconds
        guard !batch.isEmpty else { return }
        let mustTell = batch.moveAll(to: log, observer: environment.observer, &confined.early)
        if mustTell {
            environment.grownLogs.add(log)
            // What is stored need not stay in memory.
            if environment.memory.isTight { environment.grownLogs.tell() }
        }
        if confined.isFinished { ended() }
    }
}
