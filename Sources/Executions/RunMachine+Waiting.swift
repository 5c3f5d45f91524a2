// Nodes that wait for a time or for people: they have begun, and hold no place until they go on.

import Graphs
import JSON

/// A question that is open, and what has been answered so far.
struct OpenQuestion {
    /// When it was asked; of an execution that is being taken up, known once that begins.
    var askedAt: UInt64 = 0
    /// The same from the first start on, of an execution that is being taken up.
    var askedElapsedMicroseconds: Int64?
    let required: Int
    private(set) var approvals = 0
    private var voters: Set<String> = []
    /// The answer that has decided it.
    private(set) var decision: Answer?

    init(askedAt: UInt64, required: Int) {
        self.askedAt = askedAt
        self.required = required
    }

    func hasCounted(_ answer: Answer) -> Bool { answer.voter.map(voters.contains) ?? false }

    mutating func take(_ answer: Answer) {
        if let voter = answer.voter { voters.insert(voter) }
        if answer.approved { approvals += 1 }
        if !answer.approved || approvals >= required { decision = answer }
    }
}

extension RunMachine.NodeRun {
    /// It has begun, and waits for a time or for somebody.
    var waits: Bool { phase == .parked || phase == .retrying || rests }
    /// Of one that is being taken up: its worker had let go of it until somebody answers.
    var rests: Bool { phase == .running && isPlaceless }
}

extension RunMachine {
    /// Whether all that is open waits for a time or for people: nothing runs, nothing could start.
    var onlyWaits: Bool {
        beganAt != nil && stop == nil && openCount > 0 && runningCount == 0 && ready.isEmpty && judged.isEmpty
    }

    mutating func park(_ rank: Int) {
        runningCount -= 1
        nodes[rank].phase = .parked
    }

    /// - Parameter data: of the event that asks.
    mutating func ask(_ rank: Int, _ data: JSONText, at now: UInt64) {
        guard let rules = revision.bodies[rank].approval else { preconditionFailure("only approvals ask") }
        guard stop == nil else {
            return endAttempt(rank, .failure(NodeFailure("cancelled")), at: now)
        }
        guard !nodes[rank].timedOut else {
            return endAttempt(rank, .success(update: [:]), at: now)
        }
        park(rank)
        questions[rank] = OpenQuestion(askedAt: now, required: rules.required)
        effects.append(
            .emit(
                .nodeOutput(
                    rank: rank, attempt: attempt(ofRank: rank), channel: ApprovalRules.questionChannel, data: data)))
        awaitAnswer(rank, at: now)
    }

    mutating func awaitAnswer(_ rank: Int, at now: UInt64) {
        guard let rules = revision.bodies[rank].approval, let question = questions[rank] else { return }
        let left = rules.deadlineMilliseconds.map { deadline in
            max((deadline * 1000 - microseconds(from: question.askedAt, to: now) + 999) / 1000, 0)
        }
        effects.append(.awaitAnswer(rank: rank, attempt: attempt(ofRank: rank), afterMilliseconds: left))
    }

    /// Takes in an answer, unless it does not count.
    package mutating func take(_ answer: Answer, rank: Int, at now: UInt64) -> AnswerVerdict {
        guard stop == nil, !isFinished, let question = questions[rank], nodes[rank].phase == .parked else {
            return .notWaiting
        }
        if question.hasCounted(answer) { return .counted }
        effects.append(.emit(.signalled(rank: rank, attempt: attempt(ofRank: rank), answer)))
        questions[rank]?.take(answer)
        if let decision = questions[rank]?.decision { decide(rank, decision, at: now) }
        finishIfDone(at: now)
        return .taken
    }

    mutating func decide(_ rank: Int, _ answer: Answer, at now: UInt64) {
        guard let rules = revision.bodies[rank].approval else { return }
        endAttempt(rank, .success(update: [rules.into: answer.value]), at: now)
    }

    mutating func passDeadline(_ rank: Int, atMicroseconds time: Int64, at now: UInt64) {
        guard let rules = revision.bodies[rank].approval else { return }
        switch rules.onDeadline {
        case .fail:
            let limit = rules.deadlineMilliseconds ?? 0
            let failure = NodeFailure("nobody has decided within deadline_ms (\(limit) ms)")
            endAttempt(rank, .failure(failure), at: now)
        case .reject: decide(rank, Answer(approved: false, atMicroseconds: time), at: now)
        case .approve: decide(rank, Answer(approved: true, atMicroseconds: time), at: now)
        }
    }

    /// A record of an output may be that of a question.
    mutating func restoreQuestion(_ rank: Int, _ channel: String, elapsedMicroseconds: Int64) {
        guard channel == ApprovalRules.questionChannel, nodes[rank].phase == .parked,
            let rules = revision.bodies[rank].approval
        else { return }
        questions[rank] = OpenQuestion(askedAt: 0, required: rules.required)
        questions[rank]?.askedElapsedMicroseconds = elapsedMicroseconds
    }
}
