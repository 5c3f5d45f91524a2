// How a run gives its place back while all of it waits, gets another one when it goes on, and leaves memory between.

import Synchronization

/// Who has the places of `max_running`, and keeps what has left memory.
protocol RunKeeper: AnyObject, Sendable {
    /// A run that waits wants to start a node.
    /// - Returns: whether there is a place for it; if not, it is given one later (`ExecutionRun.takePlace`).
    func givesPlace(to run: ExecutionRun) -> Bool
    /// All of a run waits: its place is free.
    func hasPlaceBack(from run: ExecutionRun)
    /// All of a run waits, and all of it is stored.
    func mayLetGo(of run: ExecutionRun)
    /// A run has ended.
    func hasEnded(_ run: ExecutionRun, withPlace: Bool)
}

extension ExecutionRun {
    /// What goes on sooner than this stays in memory: to read it again would cost more.
    static let leavesForMilliseconds: Int64 = 5_000

    /// Whether nodes may start; if there is no place, it asks for one.
    func hasPlace() -> Bool {
        if confined.hasPlace { return true }
        let isGiven = inbox.withLock { inbox in
            defer { inbox.isGivenPlace = false }
            return inbox.isGivenPlace
        }
        if isGiven {
            (confined.hasPlace, confined.asksForPlace) = (true, false)
            return true
        }
        guard !confined.asksForPlace else { return false }
        confined.hasPlace = keeper.givesPlace(to: self)
        confined.asksForPlace = !confined.hasPlace
        return confined.hasPlace
    }

    /// The place that it has asked for.
    /// - Returns: false if it does not want one any more.
    func takePlace() -> Bool {
        let isTaken = inbox.withLock { inbox in
            inbox.isGivenPlace = !inbox.isOver
            return inbox.isGivenPlace
        }
        if isTaken { wake() }
        return isTaken
    }

    /// Gives the place back if all of it waits.
    /// - Returns: whether it does.
    func rest() -> Bool {
        guard confined.tree.onlyWaits, confined.pause == .none, confined.judgements.isEmpty,
            confined.tasks.values.allSatisfy({ $0.task == nil })
        else { return false }
        let waits = waits(isIdle: true)
        // One that was taken up without a word has told nobody yet.
        if !log.waits.isSame(as: waits), log.note({ $0.waits = waits }) { environment.store.logHasGrown(log) }
        if confined.hasPlace {
            confined.hasPlace = false
            keeper.hasPlaceBack(from: self)
        }
        return true
    }

    /// What waits for long, or while memory is scarce, need not be in memory once it is stored.
    func leaveOnceStored() {
        guard let waits = log.waits, waits.isAll else { return }
        let now = environment.clock.wallMicroseconds
        let isSoon = waits.wakesAtMicroseconds.map { $0 - now < Self.leavesForMilliseconds * 1000 } ?? false
        guard !isSoon || environment.memory.isTight else { return }
        environment.grownLogs.tell()
        log.whenStored(log.change) { [self] in keeper.mayLetGo(of: self) }
    }

    /// From now on nothing reaches it.
    /// - Returns: false if something has come meanwhile.
    func leave() -> Bool {
        inbox.withLock { inbox in
            guard inbox.mayLeave, !inbox.isScheduled, inbox.isEmpty else { return false }
            inbox.hasLeft = true
            return true
        }
    }

    /// Of one that has left: nothing is due any more.
    func cancelTimers() {
        for node in confined.tasks.values { node.cancelTimers() }
        for timer in confined.dueTimers.values { timer.cancel() }
        confined.executionTimer?.cancel()
        confined.deaths.timer?.cancel()
        (confined.tasks, confined.dueTimers, confined.executionTimer) = ([:], [:], nil)
    }

    /// It has ended.
    func leavePlace() {
        let isGiven = inbox.withLock { inbox in
            defer { inbox.isGivenPlace = false }
            inbox.isOver = true
            return inbox.isGivenPlace
        }
        keeper.hasEnded(self, withPlace: confined.hasPlace || isGiven)
        confined.hasPlace = false
    }

    /// Whether it has a place, for the sum of all; of a run at rest.
    var holdsPlace: Bool { confined.hasPlace || inbox.withLock { $0.isGivenPlace } }

    /// What it waits for, as of all that has happened.
    /// - Parameter isIdle: nothing more is to be done now. Only then it is known when it wakes.
    func waits(isIdle: Bool) -> ExecutionWaits? {
        // What waits within scopes is not read again: they would be begun anew.
        let isAll =
            isIdle && confined.tree.isFlat && confined.tree.hosted.values.allSatisfy(\.isResting)
            && confined.tree.onlyWaits && confined.pause == .none
        let questions = confined.questions?.open.values.sorted { $0.seq < $1.seq } ?? []
        guard isAll || !questions.isEmpty else { return nil }
        return ExecutionWaits(
            isAll: isAll, wakesAtMicroseconds: isAll ? wakesAtMicroseconds : nil, questions: questions)
    }

    private var wakesAtMicroseconds: Int64? {
        let nodes = confined.tasks.values.flatMap { [$0.wait, $0.timer] }
        let timers = nodes + [confined.questions?.isIdle == true ? nil : confined.executionTimer]
        let due = (confined.dueTimers.values.map(\.dueAt) + timers.compactMap { $0?.dueAt }).min()
        return due.map { timestamp(at: $0) }
    }
}

extension ExecutionWaits? {
    /// Two looks at the same timers may differ by a moment.
    private static let toleranceMicroseconds: Int64 = 100_000

    fileprivate func isSame(as other: ExecutionWaits?) -> Bool {
        guard let self, let other else { return self == nil && other == nil }
        guard self.isAll == other.isAll, self.questions == other.questions else { return false }
        guard let first = self.wakesAtMicroseconds, let second = other.wakesAtMicroseconds else {
            return self.wakesAtMicroseconds == other.wakesAtMicroseconds
        }
        return abs(first - second) <= Self.toleranceMicroseconds
    }
}
