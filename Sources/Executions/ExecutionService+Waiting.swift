// Executions of which all waits: they hold no place, and most of them no memory but for their log. The clock or somebody's
// answer takes them up again.

import DequeModule
import Synchronization

extension ExecutionService {
    /// One that has left memory while all of it waits.
    final class Parked: Sendable {
        let log: EventLog
        private let guarded = Mutex<(timer: (any ClockTimer)?, isOver: Bool)>((nil, false))

        init(_ log: EventLog) {
            self.log = log
        }

        /// Until it wakes by itself.
        func wait(by timer: any ClockTimer) {
            let isOver = guarded.withLock { guarded in
                guarded.timer = timer
                return guarded.isOver
            }
            if isOver { timer.cancel() }
        }

        /// It goes on, or ends.
        func cancelTimer() {
            let timer = guarded.withLock { guarded in
                guarded.isOver = true
                return guarded.timer.take()
            }
            timer?.cancel()
        }
    }

    /// Keeps one of which all waits, until it wakes by itself or by a call.
    func park(_ log: EventLog) {
        let parked = Parked(log)
        guarded.withLock { guarded in
            guarded.stages[log.id] = .parked(parked)
            guarded.parked += 1
        }
        arm(parked)
    }

    private func arm(_ parked: Parked) {
        guard let wakesAt = parked.log.waits?.wakesAtMicroseconds else { return }
        let summary = parked.log.summary
        // Under a clock that was set back, no wait is longer than all that the execution waits for.
        let began = summary.startedAtMicroseconds ?? summary.createdAtMicroseconds
        let left = max((wakesAt - max(environment.clock.wallMicroseconds, began) + 999) / 1000, 0)
        let id = parked.log.id
        parked.wait(
            by: environment.clock.schedule(afterMilliseconds: left) { [weak self, weak parked] in
                guard let self, let parked else { return }
                wake(id, parked)
            })
    }

    /// Its time has come: it goes on once there is a place, before all that is queued.
    private func wake(_ id: ExecutionID, _ parked: Parked) {
        let isWoken = guarded.withLock { guarded in
            guard case .parked(let current) = guarded.stages[id], current === parked, var waiting = guarded.take(id)
            else { return false }
            waiting.wokenAtMicroseconds = parked.log.waits?.wakesAtMicroseconds ?? 0
            guarded.wait(waiting)
            return true
        }
        if isWoken { fill() }
    }

    /// - Parameter reply: called on the pool, or on the thread of the caller.
    package func answer(_ id: ExecutionID, _ order: AnswerOrder, _ reply: @escaping AnswerReply) {
        let answering = ExecutionRun.Answering(order: order, reply: reply)
        enum Finding {
            case runs(ExecutionRun)
            case begins(Waiting)
            case refused(AnswerResult)
            /// It is answered later.
            case noted
        }
        let finding = guarded.withLock { guarded -> Finding in
            switch guarded.stages[id] {
            case nil where guarded.takingUp != nil:
                guarded.takingUp?.append { [self] in answer(id, order, reply) }
                return .noted
            case nil: return .refused(.unknown)
            case .running(let run): return .runs(run)
            case .beginning:
                guarded.add(.answer(answering), to: id)
                return .noted
            case .queued: return .refused(.notWaiting)
            case .held: return .refused(.held)
            case .left, .parked:
                guard guarded.pause == .none else { return .refused(.closed) }
                return .begins(guarded.begin(id, with: .answer(answering)))
            }
        }
        switch finding {
        case .noted: break
        case .refused(let result): reply(result)
        case .begins(let waiting): begin(waiting)
        case .runs(let run):
            if run.log.summary.status.isFinished { return reply(.notWaiting) }
            if !run.answer(order, reply) { answer(id, order, reply) }
        }
    }

    /// The logs of executions that ask somebody, in the order of their ids.
    /// - Parameter isMeant: by the id of the graph.
    package func asking(ofGraphs isMeant: (String) -> Bool = { _ in true }) -> [EventLog] {
        let logs = guarded.withLock { guarded in
            guarded.stages.values.compactMap { stage -> EventLog? in
                if case .held = stage { nil } else { stage.log }
            }
        }
        return logs.filter { isMeant($0.graph.identity.id) && $0.waits?.questions.isEmpty == false }.sorted {
            $0.id < $1.id
        }
    }
}

extension ExecutionService: RunKeeper {
    func givesPlace(to run: ExecutionRun) -> Bool {
        guarded.withLock { guarded in
            let mayStart = guarded.pause == .none || guarded.pause == .held && run.log.graph.onlyComputes
            guard mayStart, guarded.running < guarded.limits.runningMax, guarded.waking.isEmpty else {
                guarded.waking.append(run)
                return false
            }
            guarded.running += 1
            guarded.resting -= 1
            return true
        }
    }

    func hasPlaceBack(from run: ExecutionRun) {
        guarded.withLock { guarded in
            guarded.running -= 1
            guarded.resting += 1
        }
        fill()
    }

    func mayLetGo(of run: ExecutionRun) {
        let log = run.log
        let hasLeft = guarded.withLock { guarded in
            guard guarded.pause == .none, case .running(let current) = guarded.stages[log.id], current === run,
                run.leave()
            else { return nil as Parked? }
            let parked = Parked(log)
            guarded.stages[log.id] = .parked(parked)
            guarded.resting -= 1
            guarded.parked += 1
            return parked
        }
        guard let hasLeft else { return }
        log.dropWindow()
        arm(hasLeft)
        environment.pool.submit { [weak self] in
            run.cancelTimers()
            // What waits for memory may have it.
            self?.fill()
        }
    }

    func hasEnded(_ run: ExecutionRun, withPlace hasPlace: Bool) {
        guarded.withLock { guarded in
            if hasPlace {
                guarded.running -= 1
            } else {
                guarded.resting -= 1
                guarded.waking.removeAll { $0 === run }
            }
        }
        fill()
    }
}
