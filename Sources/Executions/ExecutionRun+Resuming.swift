// How a run goes from one daemon to the next: held and interrupted by the stop of one, taken up by the other.

import Synchronization

extension ExecutionRun {
    /// Gives each record of the execution, in order; blocks.
    package typealias Story = @Sendable (_ body: (EventRecord) throws -> Void) throws -> Void

    /// What the records of an execution have told.
    struct Restored: Sendable {
        var resumption: Resumption
        var firstAtMicroseconds: Int64?
        var lastAtMicroseconds: Int64 = 0
        /// What counts for `limits.timeout_ms`: all but the time in which no daemon ran.
        var ranMicroseconds: Int64 = 0
        var count = 0
    }

    /// Takes in what an execution has done under earlier daemons; blocks. Nobody else may know of the run yet.
    /// - Parameter isWaking: nothing has interrupted it: it left memory while all of it waited.
    /// - Parameter failure: why it cannot go on, if it cannot: it ends as failed then.
    /// - Parameter takeover: what it was to take over from another execution.
    func restore(
        _ story: Story, takeover: Takeover = Takeover(), isWaking: Bool = false, failure: String? = nil
    ) -> Restored {
        var restored = Restored(
            resumption: Resumption(
                attempt: 1, elapsedMicroseconds: 0, isWaking: isWaking, failure: failure, takeover: takeover))
        do {
            try story { record in
                // Of one that cannot go on, nothing but its beginning is looked at.
                guard failure == nil || record.body.isStart else { return }
                if case .start(let attempt, _) = record.body { restored.resumption.attempt = attempt + 1 }
                // The clock may have stepped back.
                let last = max(restored.lastAtMicroseconds, record.timestampMicroseconds)
                let first = restored.firstAtMicroseconds ?? last
                restored.ranMicroseconds += passed(from: restored, until: last, hadDaemon: !record.body.isStart)
                (restored.firstAtMicroseconds, restored.lastAtMicroseconds) = (first, last)
                restored.count += 1
                if confined.questions != nil { follow(record, seq: restored.count, elapsed: restored.ranMicroseconds) }
                tokens.restore(record.body, confined.tree.revision(record.scope)?.graph)
                try confined.tree.restore(
                    record, elapsedMicroseconds: last - first, graphs: environment.innerGraphs)
            }
        } catch {
            let reason = (error as? NodeFailure)?.message ?? "\(error)"
            restored.resumption.failure = "the execution cannot be taken up again: \(reason)"
        }
        // Whoever posts from now on leaves it to the job that `resume` makes.
        _ = inbox.withLock { $0.schedule() }
        return restored
    }

    /// How much of the time since the last record counts for `limits.timeout_ms`. While no daemon ran, nothing but delays went on.
    private func passed(from restored: Restored, until now: Int64, hadDaemon: Bool) -> Int64 {
        guard let first = restored.firstAtMicroseconds else { return 0 }
        let passed = max(now - restored.lastAtMicroseconds, 0)
        if hadDaemon { return passed }
        return min(passed, confined.tree.delayLeftMicroseconds(at: restored.lastAtMicroseconds - first))
    }

    /// Goes on with what was restored.
    /// - Parameter notBeforeMicroseconds: so late it is at least, whatever the clock says.
    func resume(_ restored: Restored, notBeforeMicroseconds: Int64 = 0) {
        environment.pool.step { [self] batch in
            lookAtClocks()
            var resumption = restored.resumption
            if let first = restored.firstAtMicroseconds {
                let last = restored.lastAtMicroseconds
                let now = max(environment.clock.wallMicroseconds, last, notBeforeMicroseconds)
                resumption.elapsedMicroseconds = now - first
                // What has left memory waits on, but not for people.
                let waitedOn = resumption.isWaking && confined.questions?.isIdle != true
                confined.ranMilliseconds =
                    (restored.ranMicroseconds + passed(from: restored, until: now, hadDaemon: waitedOn)) / 1000
            }
            resumption.isCancelled = log.summary.isCancelRequested
            let now = environment.clock.monotonicNanoseconds
            confined.beganAt = now
            confined.tree.resume(resumption, at: now)
            perform(at: now, &batch)
            process(&batch)
        }
    }

    /// Nothing starts any more that does not only compute; what runs goes on to its end.
    package func hold() { pause(.held) }

    /// What runs is interrupted, without a word in the events.
    package func interrupt() { pause(.interrupted) }

    /// Held or interrupted, and nothing of it runs.
    package var isQuiet: Bool { inbox.withLock { $0.isQuiet } }

    private func pause(_ pause: Pause) {
        let mustSchedule = inbox.withLock { inbox in
            // There is no way back.
            if inbox.pause != .interrupted { inbox.pause = pause }
            return inbox.schedule()
        }
        if mustSchedule { environment.pool.step { self.process(&$0) } }
    }

    func take(_ pause: Pause) {
        if pause == .interrupted, confined.pause != .interrupted {
            // The next daemon judges it, once the node has run again.
            confined.judgements.removeAll()
            for (ref, node) in confined.tasks {
                node.cancel()
                // Nobody tells the end of what holds no task.
                if node.task == nil || node.holdsScopes { confined.tasks.removeValue(forKey: ref)?.cancelTimers() }
            }
            confined.scopes.cancelAll()
        }
        if pause == .held { confined.drain?.tell() }
        confined.pause = pause
    }

    /// An interrupted run that has not begun begins all the same, without any node, so that the next daemon finds it; else
    /// only the ends of its nodes are noted.
    func takeInterrupted(_ input: ExecutionTree.Input, _ batch: inout EventBatch) {
        switch input {
        case .inScope(0, .begin): step(input, &batch)
        case .inScope(let scope, .nodeEnded(let rank, _, _)), .inScope(let scope, .nodeAsked(let rank, _, _)):
            confined.tasks.removeValue(forKey: NodeRef(scope: scope, rank: rank))?.cancelTimers()
        case .left(let ref): leave(ref)
        default: break
        }
    }
}
