import Synchronization

/// Who may start nodes while memory is full: the oldest executions that could, so that some always come to their end and give
/// back what they hold. All others wait with their next nodes until there is room, or they are the oldest.
final class NodeTurns: Sendable {
    /// Executions that have a turn at once: more than one, so that one that waits for a slow child does not stop the rest;
    /// and few, because what they make comes on top of a full account.
    static let turnsMax = 2
    /// How often those who wait look for room, while somebody does.
    private static let lookMilliseconds: Int64 = 100

    private struct Guarded {
        var admitted: Set<ExecutionID> = []
        var waiting: [ExecutionID: ExecutionRun] = [:]
        var isLooking = false

        /// - Returns: whose turn it is now.
        mutating func admitOldest() -> ExecutionRun? {
            guard admitted.count < NodeTurns.turnsMax, let oldest = waiting.min(by: { $0.key < $1.key }) else {
                return nil
            }
            waiting[oldest.key] = nil
            admitted.insert(oldest.key)
            return oldest.value
        }
    }

    private let memory: ExecutionMemory
    private let clock: any Clock
    private let guarded = Mutex(Guarded())

    init(memory: ExecutionMemory, clock: any Clock) {
        self.memory = memory
        self.clock = clock
    }

    /// Whether a run that has nodes to start may do so; if not, it is woken when that has changed.
    func admits(_ run: ExecutionRun) -> Bool {
        guard memory.isFull else { return true }
        let id = run.log.id
        let (isAdmitted, next, mustLook) = guarded.withLock { guarded -> (Bool, ExecutionRun?, Bool) in
            if guarded.admitted.contains(id) { return (true, nil, false) }
            guarded.waiting[id] = run
            let next = guarded.admitOldest()
            if next === run { return (true, nil, false) }
            defer { guarded.isLooking = true }
            return (false, next, !guarded.isLooking)
        }
        next?.wake()
        if mustLook { lookLater() }
        return isAdmitted
    }

    /// The run has ended, or only waits: it is another's turn.
    func leave(_ run: ExecutionRun) {
        let next = guarded.withLock { guarded -> ExecutionRun? in
            guarded.waiting[run.log.id] = nil
            return guarded.admitted.remove(run.log.id) == nil ? nil : guarded.admitOldest()
        }
        next?.wake()
    }

    private func lookLater() {
        _ = clock.schedule(afterMilliseconds: Self.lookMilliseconds) { [weak self] in self?.look() }
    }

    private func look() {
        let isFull = memory.isFull
        let (woken, mustLook) = guarded.withLock { guarded -> ([ExecutionRun], Bool) in
            var woken: [ExecutionRun] = []
            if isFull {
                while let next = guarded.admitOldest() { woken.append(next) }
            } else {
                woken = guarded.waiting.sorted { $0.key < $1.key }.map(\.value)
                guarded.waiting = [:]
                guarded.admitted = []
            }
            guarded.isLooking = !guarded.waiting.isEmpty
            return (woken, guarded.isLooking)
        }
        for run in woken { run.wake() }
        if mustLook { lookLater() }
    }
}
