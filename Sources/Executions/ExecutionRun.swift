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

    package let log: EventLog
    let environment: RunEnvironment
    /// The service's, at the time when the run was made.
    let limits: ExecutionLimits
    let keeper: any RunKeeper
    let tokens: TokenAccount

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
        var tree: ExecutionTree
        /// Renders the first events where they arise, as long as there is room for them.
        var early: EarlyRenderer?
        var tasks: [NodeRef: RunningNode] = [:]
        /// Of nodes that wait for their next attempt, or by a deadline for an answer.
        var dueTimers: [NodeRef: DueTimer] = [:]
        var scopes = ScopeResources()
        /// Conditions that are being judged, those of each node in turn.
        var judgements: Deque<Judgement> = []
        /// Those for which there was no room.
        var waitingJudgements: [Judgement] = []
        var beganAt: UInt64?
        /// By how much the wall clock's microseconds are ahead of the other's.
        var wallLeadMicroseconds: Int64 = 0
        /// How long the execution has run under earlier daemons, and its delays have gone on between them.
        var ranMilliseconds: Int64 = 0
        var pause = Pause.none
        /// Of a run with calls that host graphs.
        var drain: DrainSignal?
        var executionTimer: DueTimer?
        /// The `seq` of the last event.
        var lastSeq: Int
        /// Of a graph whose nodes may ask people.
        var questions: QuestionTrace?
        /// One of the places of `max_running`.
        var hasPlace: Bool
        var asksForPlace = false
        var deaths: Deaths
        /// It may have a turn to start nodes while memory is full.
        var hasTurn = false
        var flushedAt: UInt64 = 0
        var isFinished = false
    }

    struct RunningNode {
        /// Nil for a node that is parked.
        var task: Task<Void, Never>?
        /// Of a node that is parked: its end.
        var wait: DueTimer?
        /// It ends once its scopes have closed; the task finds out something for it meanwhile.
        var holdsScopes = false
        /// Its worker has let go of it until somebody answers.
        var rests = false
        /// Of its `timeout_ms`.
        var timer: DueTimer?
    }

    /// - Parameter isTakenUp: a daemon may have died of it: before it starts a node, the history knows that it is about to.
    /// - Parameter hasPlace: false for one that asks for a place before it starts a node.
    init(
        log: EventLog, environment: RunEnvironment, limits: ExecutionLimits, isTakenUp: Bool, hasPlace: Bool,
        keeper: any RunKeeper
    ) {
        self.log = log
        self.environment = environment
        self.limits = limits
        self.keeper = keeper
        tokens = TokenAccount(tokensMax: log.graph.graph.document.limits.tokensMax)
        confined = Confined(
            tree: ExecutionTree(revision: log.graph, limits: limits, seed: log.id.low, memory: environment.memory),
            lastSeq: log.summary.lastSeq, questions: QuestionTrace(log.graph), hasPlace: hasPlace,
            deaths: Deaths(before: isTakenUp ? log.summary.deaths : 0, isMarkDue: isTakenUp))
        confined.tree.keepsThread = log.threadKey != nil
        environment.memory.change(.states, by: ownBytes)
    }

    deinit { environment.memory.change(.states, by: -ownBytes - confined.scopes.countedBytes) }

    /// - Parameter takeover: what is taken over from another execution.
    package func begin(initialState: JSONObject, takeover: Takeover = Takeover()) {
        if let charge = MemoryCharge.ifLarge(environment.memory, bytes: initialState.byteCount) {
            inbox.withLock { $0.reservation = charge }
        }
        post(.begin(initialState: initialState, takeover: takeover))
    }

    /// For an execution that was still queued: it starts and ends at once.
    package func beginCancelled(initialState: JSONObject, afterStep: @escaping @Sendable () -> Void) {
        post(.begin(initialState: initialState, isCancelled: true), afterStep: afterStep)
    }

    /// Cancels it for good: whatever becomes of the daemon, it ends as cancelled.
    /// - Parameter afterStep: called on the pool with true once the execution is stopping, with false when it had ended before.
    /// - Returns: false if the run has left memory, and another takes its place.
    func cancel(afterStep: @escaping @Sendable (_ wasInTime: Bool) -> Void) -> Bool {
        post(.cancel) { [self] in
            let status = log.summary.status
            if !status.isFinished, log.note({ $0.isCancelRequested = true }) { environment.store.logHasGrown(log) }
            afterStep(!status.isFinished || status == .cancelled)
        }
    }

    @discardableResult
    func post(_ input: RunMachine.Input, in scope: Int32 = 0, afterStep: (@Sendable () -> Void)? = nil) -> Bool {
        post(.inScope(scope, input), afterStep: afterStep)
    }

    /// - Returns: false if the run has left memory.
    @discardableResult
    func post(_ input: ExecutionTree.Input, afterStep: (@Sendable () -> Void)? = nil) -> Bool {
        let mustSchedule = inbox.withLock { inbox -> Bool? in
            guard !inbox.hasLeft else { return nil }
            inbox.inputs.append(input)
            if let afterStep { inbox.afterStep.append(afterStep) }
            return inbox.schedule()
        }
        if mustSchedule == true { environment.pool.step { self.process(&$0) } }
        return mustSchedule != nil
    }
}

extension ExecutionRun {
    func process(_ batch: inout EventBatch) {
        let began = lookAtClocks()
        confined.flushedAt = began
        while true {
            let afterStep = takeInbox(&batch)
            confined.deaths.isComputing = true
            let isIdle = goOn(since: began, &batch)
            confined.deaths.isComputing = !isIdle
            leaveTurnIfIdle()
            armExecutionTimer()
            flush(&batch, isIdle: isIdle)
            // Whoever stops the run may stop the store next.
            if confined.pause != .none { environment.grownLogs.tell() }
            for action in afterStep { action() }
            let isResting = isIdle && rest()
            let isDone =
                isIdle
                && inbox.withLock { inbox in
                    guard inbox.isEmpty else { return false }
                    inbox.isScheduled = false
                    inbox.mayLeave = isResting
                    inbox.isQuiet = inbox.pause != .none && holdsNothing
                    return true
                }
            // The store is told after the jobs that wait, unless this one goes on.
            if isDone { return isResting ? leaveOnceStored() : () }
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
        var (outputs, inputs, answers, afterStep, pause, reservation, news) = inbox.withLock { inbox in
            defer {
                inbox.inputs = []
                inbox.answers = []
                inbox.mayLeave = false
                inbox.afterStep = []
                inbox.reservation = nil
                inbox.isWoken = false
                inbox.news = Deaths.News()
            }
            return (
                takeOutputs(&inbox), inbox.inputs, inbox.answers, inbox.afterStep, inbox.pause, inbox.reservation,
                inbox.news
            )
        }
        defer { withExtendedLifetime(reservation) {} }
        take(news)
        judgeAgain()
        if pause != confined.pause { take(pause) }
        guard pause != .interrupted else {
            for input in inputs { takeInterrupted(input, &batch) }
            for answering in answers { afterStep.append(take(answering, &batch)) }
            return afterStep
        }
        for output in outputs { step(output, &batch) }
        for input in inputs { step(input, &batch) }
        for answering in answers { afterStep.append(take(answering, &batch)) }
        return afterStep
    }

    func step(_ input: consuming ExecutionTree.Input, _ batch: inout EventBatch) {
        step(input, at: environment.clock.monotonicNanoseconds, &batch)
    }

    func step(_ input: consuming ExecutionTree.Input, at now: UInt64, _ batch: inout EventBatch) {
        if input.isBegin {
            confined.beganAt = now
            if let detail = log.earlyDetail { confined.early = EarlyRenderer(log, detail) }
        } else if let ref = input.leaver {
            return leave(ref)
        } else if let ref = input.learner {
            confined.tasks[ref]?.task = nil
        }
        confined.tree.step(input, at: now)
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
            // Conditions that take long leave room for the nodes beside them, and what can run comes before more of it.
            let hasMoved = startNext(at: now, &batch) || advance(at: now, &batch)
            guard hasMoved || isJudging else { return true }
            if now - began > Self.sliceNanoseconds { return false }
        }
    }

    /// - Returns: false where nothing is ready, or may start.
    private func startNext(at now: UInt64, _ batch: inout EventBatch) -> Bool {
        guard confined.tree.canStart, mayStart(&batch), let (scope, start) = confined.tree.nextStart(at: now) else {
            return false
        }
        perform(at: now, &batch)
        run(start, in: scope, at: now, &batch)
        return true
    }

    /// Takes the next step of a node that holds scopes.
    private func advance(at now: UInt64, _ batch: inout EventBatch) -> Bool {
        guard confined.tree.canAdvance, mayStart(&batch) else { return false }
        confined.tree.advance(at: now)
        perform(at: now, &batch)
        flushIfDue(at: now, &batch)
        return true
    }

    private func mayStart(_ batch: inout EventBatch) -> Bool {
        guard confined.pause == .none || confined.pause == .held && log.graph.onlyComputes else { return false }
        return hasPlace() && isMarked(&batch) && hasMemory() && hasTurn()
    }

    /// The time of what happens at a time of the clock that never steps.
    func timestamp(at now: UInt64) -> Int64 { confined.wallLeadMicroseconds + Int64(now / 1000) }

    func perform(at now: UInt64, _ batch: inout EventBatch) {
        // Of one step, all happens at one time.
        let timestamp = timestamp(at: now)
        if !confined.tree.effects.isEmpty {
            for index in confined.tree.effects.indices {
                perform(confined.tree.takeEffect(at: index), at: timestamp, &batch)
            }
            confined.tree.effectsWereTaken()
            countScopes()
        }
        guard !confined.tree.root.effects.isEmpty else { return }
        for index in confined.tree.root.effects.indices {
            perform(confined.tree.root.takeEffect(at: index), in: 0, at: timestamp, &batch)
        }
        confined.tree.root.effectsWereTaken()
    }

    @inline(__always)
    func perform(
        _ effect: consuming RunMachine.Effect, in scope: Int32, at timestamp: Int64, _ batch: inout EventBatch
    ) {
        switch consume effect {
        case .emit(let body, let state):
            confined.deaths.take(body)
            forgetTimers(body, in: scope)
            if case .error = body { batch.noteFailed(confined.tree.root.failedRanks.sorted()) }
            confined.lastSeq += 1
            if confined.questions != nil { follow(body, in: scope, timestamp) }
            batch.append(body, state, in: scope, at: timestamp, &confined.early)
        case .interrupt(let rank): interrupt(NodeRef(scope: scope, rank: rank))
        case .park(let start, let elapsed): parkAgain(start, in: scope, elapsedMicroseconds: elapsed)
        case .awaitAnswer(let rank, let attempt, let limit):
            awaitAnswer(NodeRef(scope: scope, rank: rank), attempt, afterMilliseconds: limit)
        case .judge(let order):
            confined.judgements.append(
                Judgement(order, in: scope, of: log.id, budgetNanoseconds: limits.judgeNanosecondsMax))
        case .dismissJudgement(let rank):
            confined.judgements.removeAll { $0.ref == NodeRef(scope: scope, rank: rank) }
            confined.waitingJudgements.removeAll { $0.ref == NodeRef(scope: scope, rank: rank) }
        case .armTimeout(let rank, let attempt, let limit):
            armTimeout(NodeRef(scope: scope, rank: rank), attempt, afterMilliseconds: limit)
        case .disarmTimeout(let rank): confined.tasks[NodeRef(scope: scope, rank: rank)]?.timer?.cancel()
        case .scheduleRetry(let rank, let delay):
            scheduleRetry(NodeRef(scope: scope, rank: rank), afterMilliseconds: delay)
        case .finish: finish()
        }
    }

    private func finish() {
        confined.executionTimer?.cancel()
        confined.deaths.timer?.cancel()
        for timer in confined.dueTimers.values { timer.cancel() }
        confined.dueTimers = [:]
        confined.scopes.cancelAll()
        confined.isFinished = true
    }

    private func forgetTimers(_ body: EventRecord.Body, in scope: Int32) {
        if confined.tasks.isEmpty, confined.dueTimers.isEmpty { return }
        switch body {
        case .nodeComplete(let completion):
            let ref = NodeRef(scope: scope, rank: completion.rank)
            confined.tasks.removeValue(forKey: ref)?.cancelTimers()
            confined.dueTimers.removeValue(forKey: ref)?.cancel()
        case .nodeStart(let rank, let attempt) where attempt > 1:
            confined.dueTimers[NodeRef(scope: scope, rank: rank)] = nil
        default: break
        }
    }

    private func flushIfDue(at now: UInt64, _ batch: inout EventBatch) {
        guard now - confined.flushedAt > Self.flushNanoseconds || batch.bytes > Self.flushBytes else { return }
        flush(&batch)
        environment.grownLogs.tell()
    }

    /// - Parameter isIdle: nothing more is to be done now: all timers are set.
    func flush(_ batch: inout EventBatch, isIdle: Bool = false) {
        confined.flushedAt = environment.clock.monotonicNanoseconds
        guard !batch.isEmpty else { return }
        let mustTell = batch.moveAll(
            to: log, observer: environment.observer, &confined.early, deaths: deathsNow(), waits: waits(isIdle: isIdle))
        if mustTell {
            environment.grownLogs.add(log)
            // What is stored need not stay in memory.
            if environment.memory.isTight { environment.grownLogs.tell() }
        }
        if confined.isFinished { leavePlace() }
    }
}
