// How a run lets its nodes wait: for a time, with nothing but a timer, or for an answer, with nothing at all.

import Graphs
import JSON
import Synchronization

extension ExecutionRun {
    /// What the machine is told of what has come of an attempt.
    func news(of outcome: consuming NodeOutcome, _ ref: NodeRef, _ attempt: Int) -> RunMachine.Input {
        let rank = Int(ref.rank)
        guard case .asks(let question) = outcome else {
            return .nodeEnded(rank: rank, attempt: attempt, outcome)
        }
        if question.excludesStarter, starter == nil {
            let word = "exclude_starter needs to know who has started the execution, which nobody does without tokens"
            return .nodeEnded(rank: rank, attempt: attempt, .failure(NodeFailure(word)))
        }
        let data = question.data(nowMicroseconds: environment.clock.wallMicroseconds)
        return .nodeAsked(rank: rank, attempt: attempt, data: data)
    }

    /// The node ends once its time has come; nothing but a timer is held until then.
    func park(_ wait: NodeWait, _ ref: NodeRef, _ attempt: Int, elapsedMicroseconds: Int64) {
        func left(of milliseconds: Int64) -> Int64 { max((milliseconds * 1000 - elapsedMicroseconds + 999) / 1000, 0) }
        let timer = dueTimer(afterMilliseconds: left(of: wait.milliseconds)) { [self] in
            post(.nodeEnded(rank: Int(ref.rank), attempt: attempt, .success(update: [:])), in: ref.scope)
        }
        confined.tasks[ref] = RunningNode(wait: timer)
        guard let limit = node(ref)?.timeoutMilliseconds, Int64(limit) < wait.milliseconds else { return }
        armTimeout(ref, attempt, afterMilliseconds: left(of: Int64(limit)))
    }

    /// A node that waited when its daemon was stopped waits on, without a word.
    func parkAgain(_ start: RunMachine.Start, in scope: Int32, elapsedMicroseconds: Int64) {
        let (ref, attempt) = (NodeRef(scope: scope, rank: start.rank), start.attempt)
        guard let revision = confined.tree.revision(scope) else { return }
        switch begin(start, ref, revision) {
        case .parked(let wait): park(wait, ref, attempt, elapsedMicroseconds: elapsedMicroseconds)
        case .finished(let outcome): post(news(of: outcome, ref, attempt), in: scope)
        case .waiting(let work): self.wait(for: work, ref, attempt)
        case .composed: preconditionFailure("what holds scopes does not park")
        }
    }

    /// What has asked is done until there is an answer.
    func awaitAnswer(_ ref: NodeRef, _ attempt: Int, afterMilliseconds limit: Int64?) {
        confined.tasks.removeValue(forKey: ref)?.cancelTimers()
        guard let limit else { return }
        confined.dueTimers[ref] = dueTimer(afterMilliseconds: limit) { [self] in
            let now = environment.clock.wallMicroseconds
            post(.deadlinePassed(rank: Int(ref.rank), attempt: attempt, atMicroseconds: now), in: ref.scope)
        }
    }

    func scheduleRetry(_ ref: NodeRef, afterMilliseconds delay: Int64) {
        confined.dueTimers[ref] = dueTimer(afterMilliseconds: delay) { [self] in
            post(.retryDue(rank: Int(ref.rank)), in: ref.scope)
        }
    }

    /// What is due already is done at once: a run that has a timer left may leave memory before that tells it.
    func dueTimer(afterMilliseconds delay: Int64, _ action: @escaping @Sendable () -> Void) -> DueTimer {
        let due = environment.clock.monotonicNanoseconds &+ UInt64(max(delay, 0)) &* 1_000_000
        guard delay > 0 else {
            action()
            return DueTimer(dueAt: due, timer: nil)
        }
        return DueTimer(dueAt: due, timer: environment.clock.schedule(afterMilliseconds: delay, action))
    }
}

// MARK: The time of the execution

extension ExecutionRun {
    /// Only an execution that outlives its first slice needs the timer, so that short ones never pay for it.
    func armExecutionTimer() {
        guard !confined.isFinished, confined.beganAt != nil else { return }
        guard confined.questions?.isIdle != true else {
            // Waiting for people does not count.
            confined.executionTimer?.cancel()
            confined.executionTimer = nil
            return
        }
        guard confined.executionTimer == nil else { return }
        armDeathsTimer()
        let limit = Int64(log.graph.graph.document.limits.timeoutMilliseconds)
        let elapsed = elapsedMicroseconds
        let counted = (elapsed - (confined.questions?.idle(untilElapsed: elapsed) ?? 0)) / 1000
        confined.executionTimer = dueTimer(afterMilliseconds: max(limit - counted, 0)) { [self] in
            post(.executionTimedOut)
        }
    }

    /// Since the first start.
    private var elapsedMicroseconds: Int64 {
        let now = environment.clock.monotonicNanoseconds
        return confined.ranMilliseconds * 1000 + (confined.beganAt.map { Int64((now &- $0) / 1000) } ?? 0)
    }

    /// Takes note of an event that is made, for a graph that may ask people.
    func follow(_ body: EventRecord.Body, in scope: Int32, _ timestamp: Int64) {
        follow(
            EventRecord(timestampMicroseconds: timestamp, scope: scope, body: body), seq: confined.lastSeq,
            elapsed: elapsedMicroseconds)
    }

    /// The same of one that was made before.
    func follow(_ record: EventRecord, seq: Int, elapsed: Int64) {
        let scope = record.scope
        guard let revision = confined.tree.revision(scope) else {
            return followHosted(record, seq: seq, elapsed: elapsed)
        }
        let path = record.body.asks(revision) ? JSONText(array: confined.tree.pathElements(scope)) : .emptyArray
        let place = QuestionTrace.Place(scope: scope, revision: revision, path: path)
        confined.questions?.take(
            record.body, place, seq: seq, atMicroseconds: record.timestampMicroseconds, elapsed: elapsed)
    }
}

extension ExecutionRun {
    private func followHosted(_ record: EventRecord, seq: Int, elapsed: Int64) {
        var question: AskedQuestion?
        if case .nodeOutput(let rank, _, ApprovalRules.questionChannel, _) = record.body {
            let ref = NodeRef(scope: record.scope, rank: rank)
            question = confined.tree.hostedPlace(ref).map { place in
                AskedQuestion(
                    ref, nodeID: place.name, path: JSONText(array: place.path), seq: seq,
                    atMicroseconds: record.timestampMicroseconds)
            }
        }
        var waitsOn = false
        if case .signalled(let rank, _, _) = record.body {
            waitsOn = confined.tree.hasQuestions(beside: NodeRef(scope: record.scope, rank: rank))
        }
        confined.questions?.take(
            hosted: record.body, in: record.scope, question, waitsOn: waitsOn, elapsed: elapsed)
    }
}

/// A timer that tells when it is due, in nanoseconds of the clock that never steps.
struct DueTimer {
    let dueAt: UInt64
    /// Nil once it is due.
    let timer: (any ClockTimer)?

    func cancel() { timer?.cancel() }
}

extension ExecutionRun.RunningNode {
    func cancel() {
        task?.cancel()
        wait?.cancel()
    }

    func cancelTimers() {
        wait?.cancel()
        timer?.cancel()
    }
}
