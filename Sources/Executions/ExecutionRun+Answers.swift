// How answers reach the nodes of a run that wait for them.

import Graphs
import JSON
import Synchronization

/// An answer on its way to the node that asks.
package struct AnswerOrder: Sendable {
    /// Of the node, with the ids and indices around it as they stand in the events.
    package let path: JSONText
    package let nodeID: String
    /// The `seq` of the event that asks; nil: whatever is asked now.
    package let question: Int?
    package let answer: Answer

    package init(path: JSONText = .emptyArray, nodeID: String, question: Int? = nil, answer: Answer) {
        self.path = path
        self.nodeID = nodeID
        self.question = question
        self.answer = answer
    }
}

package enum AnswerResult: Sendable {
    /// The answer and all before it are visible once the log has stored this change.
    case taken(EventLog, change: Int)
    /// The node waits for nobody's answer, or no longer.
    case notWaiting
    /// Another question is open, the one with this `seq`.
    case asksAnother(Int)
    /// Who gives it has given one before.
    case counted
    /// Who has started the execution may not answer.
    case isStarter
    /// It is held: it takes nothing until it goes on.
    case held
    /// The daemon is stopping.
    case closed
    /// Not among the unfinished executions.
    case unknown
}

package typealias AnswerReply = @Sendable (AnswerResult) -> Void

extension ExecutionRun {
    struct Answering {
        let order: AnswerOrder
        let reply: AnswerReply
    }

    /// - Parameter reply: called on the pool.
    /// - Returns: false if the run has left memory, and another takes its place.
    func answer(_ order: AnswerOrder, _ reply: @escaping AnswerReply) -> Bool {
        let mustSchedule = inbox.withLock { inbox -> Bool? in
            guard !inbox.hasLeft else { return nil }
            inbox.answers.append(Answering(order: order, reply: reply))
            return inbox.schedule()
        }
        if mustSchedule == true { environment.pool.step { self.process(&$0) } }
        return mustSchedule != nil
    }

    /// - Returns: the reply, to be given once the events of this are in the log.
    func take(_ answering: Answering, _ batch: inout EventBatch) -> @Sendable () -> Void {
        let outcome = take(answering.order, &batch)
        return { [log] in
            switch outcome {
            case .taken: answering.reply(.taken(log, change: log.change))
            case .refused(let result): answering.reply(result)
            case nil: answering.reply(.closed)
            }
        }
    }
}

extension ExecutionRun {
    /// - Returns: nil when it was interrupted: the next daemon takes answers again.
    private func take(_ order: AnswerOrder, _ batch: inout EventBatch) -> AnswerOutcome? {
        guard confined.pause != .interrupted else { return nil }
        let open = confined.questions?.open.values.first(where: { $0.nodeID == order.nodeID && $0.path == order.path })
        guard let question = open else { return .refused(.notWaiting) }
        guard order.question ?? question.seq == question.seq else { return .refused(.asksAnother(question.seq)) }
        let now = environment.clock.monotonicNanoseconds
        var answer = order.answer
        answer.atMicroseconds = timestamp(at: now)
        let rules = confined.tree.revision(question.ref.scope)?.bodies[Int(question.ref.rank)].approval
        if rules?.excludesStarter == true,
            answer.by == nil || answer.by == starter
        {
            return .refused(.isStarter)
        }
        let verdict = confined.tree.take(answer, question.ref, at: now)
        perform(at: now, &batch)
        switch verdict {
        case .taken: return .taken
        case .notWaiting: return .refused(.notWaiting)
        case .counted: return .refused(.counted)
        }
    }
}

extension ExecutionRun {
    /// Who started the execution, however the token was shown; nil where nobody knows.
    var starter: String? {
        let session = "session "
        guard let name = log.summary.startedBy, name != "anyone" else { return nil }
        return name.hasPrefix(session) ? String(name.dropFirst(session.count)) : name
    }
}

/// What has become of an answer, before its events are in the log.
private enum AnswerOutcome: Sendable {
    case taken
    case refused(AnswerResult)
}
