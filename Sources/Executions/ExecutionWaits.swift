import Graphs
import JSON

/// What an execution waits for, as far as it must be known without reading its events. By reference: most wait for nothing.
package final class ExecutionWaits: Sendable, Equatable {
    /// Nothing of it runs and nothing could start: it wakes at a time, or when somebody answers.
    package let isAll: Bool
    /// When the first of its waits is over, in microseconds since 1970 UTC; nil for one that waits for people alone.
    package let wakesAtMicroseconds: Int64?
    /// In the order in which they were asked.
    package let questions: [AskedQuestion]

    package init(isAll: Bool, wakesAtMicroseconds: Int64? = nil, questions: [AskedQuestion] = []) {
        self.isAll = isAll
        self.wakesAtMicroseconds = wakesAtMicroseconds
        self.questions = questions
    }

    package static func == (left: ExecutionWaits, right: ExecutionWaits) -> Bool {
        left.isAll == right.isAll && left.wakesAtMicroseconds == right.wakesAtMicroseconds
            && left.questions == right.questions
    }
}

/// A question that nobody has decided yet.
package struct AskedQuestion: Sendable, Equatable {
    /// The node that asks.
    package let ref: NodeRef
    package let nodeID: String
    /// Where it lies: a list of the ids of enclosing nodes, each with its index where it has one.
    package let path: JSONText
    /// The `seq` of the event that asks.
    package let seq: Int
    /// The time of that event.
    package let atMicroseconds: Int64
    /// Approvals so far.
    package var given: Int

    /// How many must approve.
    package let required: Int

    package init(
        _ ref: NodeRef, nodeID: String, path: JSONText = .emptyArray, seq: Int, atMicroseconds: Int64, given: Int = 0,
        required: Int = 1
    ) {
        self.ref = ref
        self.nodeID = nodeID
        self.path = path
        self.required = required
        self.seq = seq
        self.atMicroseconds = atMicroseconds
        self.given = given
    }
}

/// Follows the records of an execution that may ask people: what is open, and how long it waited for nothing else.
struct QuestionTrace {
    /// Where a record belongs.
    struct Place {
        let scope: Int32
        let revision: GraphRevision
        /// Of a question.
        let path: JSONText
    }

    private(set) var open: [NodeRef: AskedQuestion] = [:]
    /// Nodes that run, or wait for a time.
    private var busy: Set<NodeRef> = []
    /// Those of them that no restart interrupts.
    private var parked: Set<NodeRef> = []
    /// Of hosted graphs: tasks that are answered, and go on once those beside them are.
    private var answered: Set<NodeRef> = []
    /// Since when it waits for people alone: microseconds since the first start.
    private var idleSince: Int64?
    private var idleMicroseconds: Int64 = 0

    /// Nil for a graph that never asks.
    init?(_ revision: GraphRevision) {
        guard revision.mayAsk else { return nil }
    }

    var isIdle: Bool { idleSince != nil }

    /// How long it has waited for people alone.
    func idle(untilElapsed elapsed: Int64) -> Int64 {
        idleMicroseconds + (idleSince.map { max(elapsed - $0, 0) } ?? 0)
    }

    /// Takes in the next record.
    /// - Parameter elapsed: microseconds since the first start.
    mutating func take(
        _ body: EventRecord.Body, _ place: Place, seq: Int, atMicroseconds time: Int64, elapsed: Int64
    ) {
        switch body {
        case .start: busy.formIntersection(parked)
        case .nodeStart(let rank, _): begin(NodeRef(scope: place.scope, rank: rank), place.revision)
        case .nodeOutput(let rank, _, _, _) where body.asks(place.revision):
            let ref = NodeRef(scope: place.scope, rank: rank)
            busy.remove(ref)
            open[ref] = AskedQuestion(
                ref, nodeID: place.revision.graph.nodes[rank].id, path: place.path, seq: seq, atMicroseconds: time,
                required: place.revision.bodies[rank].approval?.required ?? 1)
        case .signalled(let rank, _, let answer):
            if answer.approved { open[NodeRef(scope: place.scope, rank: rank)]?.given += 1 }
        case .nodeComplete(let completion):
            let ref = NodeRef(scope: place.scope, rank: completion.rank)
            open[ref] = nil
            if completion.willRetry { busy.insert(ref) } else { busy.remove(ref) }
            if completion.willRetry { parked.insert(ref) } else { parked.remove(ref) }
        case .scopeClosed(let closing): forget(closing.scope)
        case .nodeOutput, .complete, .error, .scopeOpened: break
        }
        note(elapsed)
    }

    /// The same of a graph that a worker hosts, or of a scope that has closed by now.
    /// - Parameter question: of a record that asks.
    /// - Parameter waitsOn: of an answer: others of the same graph are still to come.
    mutating func take(
        hosted body: EventRecord.Body, in scope: Int32, _ question: AskedQuestion?, waitsOn: Bool, elapsed: Int64
    ) {
        switch body {
        case .nodeStart(let rank, _): busy.insert(NodeRef(scope: scope, rank: rank))
        case .signalled(let rank, _, _):
            open[NodeRef(scope: scope, rank: rank)] = nil
            answered.insert(NodeRef(scope: scope, rank: rank))
            guard !waitsOn else { break }
            busy.formUnion(answered)
            answered = []
        case .nodeComplete(let completion):
            let ref = NodeRef(scope: scope, rank: completion.rank)
            open[ref] = nil
            busy.remove(ref)
            answered.remove(ref)
        // What runs a graph is as busy as that is.
        case .scopeOpened(let opening): busy.remove(NodeRef(scope: scope, rank: opening.rank))
        case .scopeClosed(let closing):
            forget(closing.scope)
            busy.insert(NodeRef(scope: scope, rank: closing.rank))
        case .start, .nodeOutput, .complete, .error: break
        }
        if let question {
            open[question.ref] = question
            busy.remove(question.ref)
        }
        note(elapsed)
    }

    private mutating func begin(_ ref: NodeRef, _ revision: GraphRevision) {
        let rank = Int(ref.rank)
        // What holds scopes is as busy as they are.
        guard !(revision.bodies[rank] is any ScopeBody), !revision.bodies[rank].hosts else { return }
        busy.insert(ref)
        if revision.graph.nodes[rank].parks { parked.insert(ref) } else { parked.remove(ref) }
    }

    private mutating func forget(_ scope: Int32) {
        open = open.filter { $0.key.scope != scope }
        busy = busy.filter { $0.scope != scope }
        parked = parked.filter { $0.scope != scope }
        answered = answered.filter { $0.scope != scope }
    }

    private mutating func note(_ elapsed: Int64) {
        let isIdle = busy.isEmpty && !open.isEmpty
        if isIdle, idleSince == nil { idleSince = elapsed }
        if !isIdle, let since = idleSince {
            idleMicroseconds += max(elapsed - since, 0)
            idleSince = nil
        }
    }
}

extension EventRecord.Body {
    /// Whether it is the event of a node that asks somebody.
    func asks(_ revision: GraphRevision) -> Bool {
        guard case .nodeOutput(let rank, _, ApprovalRules.questionChannel, _) = self else { return false }
        return revision.bodies[rank].approval != nil
    }
}
