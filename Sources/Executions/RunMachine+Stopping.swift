// How an execution comes to its end: by itself, or told to stop.

import Graphs
import JSON

extension RunMachine {
    /// Nothing starts any more; what runs is interrupted, and its ends are awaited. The first reason counts.
    mutating func halt(_ reason: Stop, at now: UInt64) {
        guard stop == nil else { return }
        stop = reason
        ready.removeAll()
        for rank in nodes.indices {
            switch nodes[rank].phase {
            case .running: effects.append(.interrupt(rank: rank))
            case .parked: endParked(rank, at: now)
            case .retrying, .ready: if nodes[rank].willRetry { endWait(rank) }
            case .judged: cancelJudged(rank, at: now)
            case .waiting, .ended: break
            }
        }
    }

    /// Its attempt was over, but whoever watches knows it as running.
    private mutating func cancelJudged(_ rank: Int, at now: UInt64) {
        guard let judged = judged.removeValue(forKey: rank) else { return }
        if judged.holdsPlace { runningCount -= 1 }
        effects.append(.dismissJudgement(rank: rank))
        guard judged.ending.attempt > 0 else {
            // What never started says nothing.
            nodes[rank].phase = .waiting
            return
        }
        var ending = NodeEnding(rank: rank, attempt: judged.ending.attempt, status: .cancelled)
        ending.durationMicroseconds = judged.ending.durationMicroseconds
        ending.queueMicroseconds = judged.ending.queueMicroseconds
        ending.lateQueueMicroseconds = judged.ending.lateQueueMicroseconds
        endCancelled(ending, judgeMicroseconds: microseconds(from: judged.since, to: now))
    }

    /// Nothing of it is to be awaited: it ends at once.
    private mutating func endParked(_ rank: Int, at now: UInt64) {
        var ending = timedEnding(rank, at: now)
        ending.status = .cancelled
        questions[rank] = nil
        endCancelled(ending)
    }

    /// Ends a node that waits for its next attempt.
    mutating func endWait(_ rank: Int) {
        endCancelled(NodeEnding(rank: rank, attempt: Int(nodes[rank].attempt), status: .cancelled))
    }

    /// Ends a node that nothing comes after.
    mutating func endCancelled(_ ending: NodeEnding, judgeMicroseconds: Int64 = 0) {
        let state = flow.finish(rank: ending.rank, update: [:])
        nodes[ending.rank].phase = .ended
        nodes[ending.rank].status = .cancelled
        openCount -= 1
        effects.append(.emit(.nodeComplete(ending.completion(judgeMicroseconds: judgeMicroseconds)), state))
    }

    /// Adds the terminal event once nothing runs and nothing can start any more.
    mutating func finishIfDone(at now: UInt64) {
        guard !isFinished, beganAt != nil, runningCount + placelessCount == 0 else { return }
        if stop != nil || openCount == 0 { finish(at: now) }
    }

    private mutating func finish(at now: UInt64) {
        isFinished = true
        let duration = earlierMicroseconds + microseconds(from: beganAt ?? now, to: now)
        let status: ExecutionStatus
        switch stop {
        case .cancelled: status = .cancelled
        case .failed(let message): return fail(message, duration)
        case .nodeError, nil:
            if let refusal = final?.refusal(bytesMax: limits.stateBytesMax) { return fail(refusal, duration) }
            status = failedRanks.isEmpty ? .success : .error
        }
        effects.append(.emit(.complete(status, durationMicroseconds: duration, failedRanks: failedRanks.sorted())))
        effects.append(.finish(status))
    }

    private mutating func fail(_ message: String, _ durationMicroseconds: Int64) {
        let message = message.cut(toBytes: NodeFailure.messageBytesMax)
        effects.append(.emit(.error(message: message, details: [:], durationMicroseconds: durationMicroseconds)))
        effects.append(.finish(.failed))
    }
}

// MARK: States that are too large

extension RunMachine {
    /// How many times a state's bound all updates together may hold before the execution is told to stop. What is overwritten
    /// later counts until then, so the bound itself is asked for at the end only.
    private static let unfinishedStatesMax = 4

    /// The end of a node whose input state passes the bound.
    mutating func oversize(_ rank: Int) -> NodeEnding? {
        let state = flow.input(ofRank: rank)
        guard let refusal = state.refusal(bytesMax: limits.stateBytesMax) else { return nil }
        var ending = NodeEnding(rank: rank, attempt: 0, status: .error)
        ending.failure = NodeFailure("the node cannot start: its input state \(refusal)")
        ending.isOversize = true
        return ending
    }

    mutating func haltIfOversize(at now: UInt64) {
        guard stop == nil, let final, final.surelyPasses(limits.stateBytesMax * Self.unfinishedStatesMax) else {
            return
        }
        halt(
            .failed(
                "the final state would grow to more than \(Self.unfinishedStatesMax) times "
                    + "executions.state_bytes_max (\(limits.stateBytesMax))"), at: now)
    }
}
