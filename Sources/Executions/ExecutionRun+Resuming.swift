// How a run goes from one daemon to the next: held and interrupted by the stop of one, taken up by the other.

import Synchronization

extension ExecutionRun {
    /// Gives each record of the execution, in order; blocks.
    package typealias Story = @Sendable (_ body: (EventRecord) -> Void) throws -> Void

    /// Takes up an execution that an earlier daemon has left.
    /// - Parameter failure: why it cannot go on, if it cannot: it ends as failed then.
    /// - Parameter takeover: what it was to take over from another execution.
    package func resume(_ story: @escaping Story, takeover: Takeover = Takeover(), failure: String? = nil) {
        // Whoever posts meanwhile leaves it to this job.
        let mustSchedule = inbox.withLock { $0.schedule() }
        precondition(mustSchedule, "a run is taken up before anything else happens to it")
        environment.pool.step { [self] batch in
            lookAtClocks()
            var resumption = Resumption(
                attempt: 1, elapsedMicroseconds: 0, failure: failure, takeover: takeover)
            var (first, last): (Int64?, Int64) = (nil, 0)
            do {
                try story { record in
                    // Of one that cannot go on, nothing but its beginning is looked at.
                    guard failure == nil || record.body.isStart else { return }
                    if case .start(let attempt, _) = record.body { resumption.attempt = attempt + 1 }
                    // The clock may have stepped back.
                    last = max(last, record.timestampMicroseconds)
                    first = first ?? last
                    confined.machine.restore(record.body, elapsedMicroseconds: last - (first ?? last))
                }
            } catch {
                resumption.failure = "the execution cannot be taken up again: \(error)"
            }
            if let first {
                resumption.elapsedMicroseconds = max(environment.clock.wallMicroseconds, last) - first
                confined.ranMilliseconds = resumption.elapsedMicroseconds / 1000
            }
            resumption.isCancelled = log.summary.isCancelRequested
            step(.resume(resumption), &batch)
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
            for (rank, node) in confined.tasks {
                node.cancel()
                // Nobody tells the end of what holds no task.
                if node.task == nil { confined.tasks.removeValue(forKey: rank)?.cancelTimers() }
            }
        }
        confined.pause = pause
    }

    /// An interrupted run that has not begun begins all the same, without any node, so that the next daemon finds it; else
    /// only the ends of its nodes are noted.
    func takeInterrupted(_ input: RunMachine.Input, _ batch: inout EventBatch) {
        switch input {
        case .begin: step(input, &batch)
        case .nodeEnded(let rank, _, _): confined.tasks.removeValue(forKey: rank)?.cancelTimers()
        default: break
        }
    }
}
