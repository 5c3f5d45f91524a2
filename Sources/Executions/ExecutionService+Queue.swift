// How what waits begins. An execution in the queue is its id, its graph and its place; what it starts with lies in the history
// and is read when it has a place, apart from the pool, since that blocks.

import DequeModule
import JSON
import Synchronization

extension ExecutionService {
    /// Executions that are read at once: what they bring is in no account yet, so that few may overshoot it together.
    static let beginningMax = 4
    /// How often it is looked whether memory has room again, or the history can be read, while executions wait for that.
    private static let lookMilliseconds: Int64 = 100

    /// Has those begin that wait, as long as there are places and memory.
    func fill() {
        while true {
            let isFull = environment.memory.isFull
            let (woken, next, mustLook) = guarded.withLock { guarded -> (ExecutionRun?, Waiting?, Bool) in
                if let woken = guarded.nextWaking() { return (woken, nil, false) }
                if let next = guarded.next(memoryIsFull: isFull) { return (nil, next, false) }
                guard guarded.waitsForRoom, !guarded.isLooking else { return (nil, nil, false) }
                guarded.isLooking = true
                return (nil, nil, true)
            }
            if mustLook { lookLater() }
            if let woken {
                if !woken.takePlace() { giveBackPlace() }
            } else if let next {
                begin(next)
            } else {
                return
            }
        }
    }

    /// Of a run that has ended meanwhile.
    private func giveBackPlace() {
        guarded.withLock { guarded in
            guarded.running -= 1
            guarded.resting += 1
        }
    }

    private func lookLater() {
        _ = environment.clock.schedule(afterMilliseconds: Self.lookMilliseconds) { [weak self] in
            guard let self else { return }
            guarded.withLock { ($0.isLooking, $0.rests) = (false, false) }
            fill()
        }
    }

    /// Goes on with an execution that has a place.
    func begin(_ waiting: Waiting) {
        let log = waiting.log
        if log.summary.attempt > 0 || waiting.failure != nil {
            return environment.readApart { self.takeUp(waiting) }
        }
        if log.threadKey == nil, let start = log.waitingStart { return begin(waiting, start.start) }
        environment.readApart {
            do {
                let starts = self.guarded.withLock { $0.starts }
                self.begin(waiting, try starts.wholeStart(of: log))
            } catch let error as LostStart {
                self.takeUp(Waiting(log: log, failure: error.description))
            } catch {
                // It is cancelled all the same, whatever it was to start with.
                let isCancelled = self.guarded.withLock { !$0.calls(of: log.id).isEmpty }
                if isCancelled { return self.begin(waiting, QueuedStart(initialState: [:])) }
                self.putBack(waiting, mustRest: true)
            }
        }
    }

    private func begin(_ waiting: Waiting, _ start: QueuedStart) {
        let hasPlace = guarded.withLock { $0.hasPlace(waiting.log.id) }
        let run = makeRun(waiting.log, isTakenUp: true, hasPlace: hasPlace)
        guard let calls = settle(run, waiting) else { return }
        if calls.isEmpty, !run.log.summary.isCancelRequested {
            run.begin(initialState: start.initialState, takeover: start.takeover)
        } else {
            run.beginCancelled(initialState: start.initialState) {
                for call in calls {
                    switch call {
                    case .cancel(let reply): reply(.cancelled(run.log, change: run.log.change))
                    case .answer(let answering): answering.reply(.notWaiting)
                    }
                }
            }
        }
        fill()
    }

    /// Goes on with one that had begun under an earlier daemon or has left memory, or can only fail. Blocks.
    private func takeUp(_ waiting: Waiting) {
        let (log, store) = (waiting.log, environment.store)
        let hasPlace = guarded.withLock { $0.hasPlace(log.id) }
        let run = makeRun(log, isTakenUp: !waiting.isWaking, hasPlace: hasPlace)
        let starts = guarded.withLock { $0.starts }
        let takeover: Takeover
        do {
            takeover = try starts.wholeTakeover(of: log)
        } catch {
            return putBack(waiting, mustRest: true)
        }
        let restored = run.restore(
            { body in try store.forEachRecord(of: log.id) { try body($0) } }, takeover: takeover,
            isWaking: waiting.isWaking, failure: waiting.failure)
        guard let calls = settle(run, waiting) else { return }
        run.resume(restored, notBeforeMicroseconds: waiting.wokenAtMicroseconds)
        for call in calls {
            switch call {
            case .cancel(let reply): cancel(run, reply)
            case .answer(let answering): answer(log.id, answering.order, answering.reply)
            }
        }
        fill()
    }

    /// The execution is ready to run.
    /// - Returns: what was asked of it meanwhile; nil when it is left to the next daemon, since this one stops.
    private func settle(_ run: ExecutionRun, _ waiting: Waiting) -> [BeginningCall]? {
        let (calls, answers) = guarded.withLock { guarded -> ([BeginningCall]?, [ExecutionRun.Answering]) in
            let calls = guarded.calls(of: run.log.id)
            guard guarded.pause == .none || calls.contains(where: \.isCancel) else {
                return (nil, calls.compactMap(\.answering))
            }
            guarded.beginning -= 1
            if !guarded.hasPlace(run.log.id) { guarded.resting += 1 }
            guarded.stages[run.log.id] = .running(run)
            return (calls, [])
        }
        if calls == nil { putBack(waiting, mustRest: false) }
        for answering in answers { answering.reply(.closed) }
        return calls
    }

    /// It waits again.
    private func putBack(_ waiting: Waiting, mustRest: Bool) {
        guarded.withLock { guarded in
            guarded.beginning -= 1
            if guarded.hasPlace(waiting.log.id) { guarded.running -= 1 }
            if mustRest { guarded.rests = true }
            guarded.wait(waiting)
        }
        fill()
    }

    /// - Parameter reply: called on the pool, or where the store's observer is.
    package func cancel(_ id: ExecutionID, _ reply: @escaping CancelReply) {
        enum Finding {
            case unknown, noted
            case begins(Waiting)
            case runs(ExecutionRun)
        }
        let finding = guarded.withLock { guarded -> Finding? in
            switch guarded.stages[id] {
            case nil where guarded.takingUp != nil:
                guarded.takingUp?.append { [self] in cancel(id, reply) }
                return nil
            case nil: return .unknown
            case .running(let run): return .runs(run)
            case .beginning:
                guarded.add(.cancel(reply), to: id)
                return .noted
            case .queued, .left, .held, .parked: return .begins(guarded.begin(id, with: .cancel(reply)))
            }
        }
        switch finding {
        case nil: return
        case .unknown: environment.pool.submit { reply(.unknown) }
        case .noted: noteCancel(of: id)
        case .begins(let waiting):
            noteCancel(of: id)
            begin(waiting)
        case .runs(let run): cancel(run, reply)
        }
    }

    /// Whatever becomes of the daemon, it ends as cancelled.
    private func noteCancel(of id: ExecutionID) {
        guard let log = log(of: id) else { return }
        if log.note({ $0.isCancelRequested = true }) { environment.store.logHasGrown(log) }
    }

    private func cancel(_ run: ExecutionRun, _ reply: @escaping CancelReply) {
        if run.log.summary.status.isFinished {
            return environment.pool.submit {
                let isCancelled = run.log.summary.status == .cancelled
                reply(isCancelled ? .cancelled(run.log, change: run.log.change) : .alreadyFinished(run.log))
            }
        }
        let isThere = run.cancel { wasInTime in
            reply(wasInTime ? .cancelled(run.log, change: run.log.change) : .alreadyFinished(run.log))
        }
        if !isThere { cancel(run.log.id, reply) }
    }
}

extension ExecutionService.Guarded {
    /// Makes one of those that wait one of the running, if there is a place for it, and memory unless nothing else runs.
    mutating func next(memoryIsFull: Bool) -> ExecutionService.Waiting? {
        guard pause == .none, !rests, running < limits.runningMax, beginning < ExecutionService.beginningMax,
            !memoryIsFull || running + resting == 0, let next = left.popFirst() ?? nextInQueue()
        else { return nil }
        running += 1
        beginning += 1
        stages[next.log.id] = .beginning(next.log, hasPlace: true, calls: [])
        return next
    }

    /// The first whose thread is free, if it has one; the others wait apart.
    private mutating func nextInQueue() -> ExecutionService.Waiting? {
        while let next = queue.popFirst() {
            if threads.take(next.log) { return next }
            threads.setAside(next)
        }
        return nil
    }

    /// Gives a place to one that has waited in memory, if there is one.
    mutating func nextWaking() -> ExecutionRun? {
        guard pause == .none, running < limits.runningMax, let next = waking.popFirst() else { return nil }
        running += 1
        resting -= 1
        return next
    }

    /// Some wait although there are places: what they wait for comes back without a word.
    var waitsForRoom: Bool {
        pause == .none && running < limits.runningMax && beginning < ExecutionService.beginningMax
            && left.count + queue.count > 0
    }

    func calls(of id: ExecutionID) -> [ExecutionService.BeginningCall] {
        guard case .beginning(_, _, let calls) = stages[id] else { return [] }
        return calls
    }

    func hasPlace(_ id: ExecutionID) -> Bool {
        if case .beginning(_, let hasPlace, _) = stages[id] { hasPlace } else { false }
    }

    /// Asks something more of one that begins.
    mutating func add(_ call: ExecutionService.BeginningCall, to id: ExecutionID) {
        guard case .beginning(let log, let hasPlace, let calls) = stages[id] else { return }
        stages[id] = .beginning(log, hasPlace: hasPlace, calls: calls + [call])
    }

    /// One that waits begins out of its turn, because something is asked of it; it takes a place only if it has to go on.
    mutating func begin(
        _ id: ExecutionID, with call: ExecutionService.BeginningCall
    ) -> ExecutionService.Waiting {
        guard let waiting = take(id) else { preconditionFailure("what waits lies where its stage says") }
        stages[id] = .beginning(waiting.log, hasPlace: false, calls: [call])
        beginning += 1
        return waiting
    }

    /// Puts one where it belongs as long as it has no place.
    mutating func wait(_ waiting: ExecutionService.Waiting) {
        guard waiting.log.summary.attempt > 0 || waiting.failure != nil else { return enqueue(waiting) }
        stages[waiting.log.id] = .left(waiting.log)
        left.insert(waiting, at: left.partition { $0.log.id > waiting.log.id })
    }

    /// Takes one out of where it waits.
    mutating func take(_ id: ExecutionID) -> ExecutionService.Waiting? {
        switch stages[id] {
        case .queued(let log): return queue.remove(id, graphID: log.graph.identity.id) ?? threads.remove(log)
        case .held(let waiting): return waiting
        case .parked(let parked):
            parked.cancelTimer()
            self.parked -= 1
            return ExecutionService.Waiting(log: parked.log, isWaking: true)
        case .left:
            let index = left.partition { $0.log.id >= id }
            return left.indices.contains(index) ? left.remove(at: index) : nil
        case .beginning, .running, nil: return nil
        }
    }
}

extension ExecutionService.BeginningCall {
    var isCancel: Bool { if case .cancel = self { true } else { false } }

    var answering: ExecutionRun.Answering? { if case .answer(let answering) = self { answering } else { nil } }
}

extension RandomAccessCollection where Index == Int {
    /// The first index whose element satisfies the predicate, which holds for all behind it too.
    fileprivate func partition(_ predicate: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
