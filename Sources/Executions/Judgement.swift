import Graphs

/// The conditions of one node's outgoing edges while they are judged: one after the other, in slices, under one budget.
struct Judgement {
    private let order: JudgeOrder
    private let scope: Int32
    private let executionID: ExecutionID
    private let budgetNanoseconds: UInt64
    private var usedNanoseconds: UInt64 = 0
    /// The place in the order of the edge that is judged now.
    private var place = 0
    private var run: (any ConditionRun)?
    private var verdicts = EdgeVerdicts()

    /// The node whose edges are judged.
    var ref: NodeRef { NodeRef(scope: scope, rank: order.rank) }

    init(_ order: JudgeOrder, in scope: Int32, of executionID: ExecutionID, budgetNanoseconds: UInt64) {
        self.executionID = executionID
        self.order = order
        self.scope = scope
        self.budgetNanoseconds = budgetNanoseconds
    }

    enum Step {
        /// What came of all conditions.
        case finished(EdgeVerdicts)
        case yielded
        /// There is no room for the condition that is next.
        case waiting
    }

    /// Goes on for about the time given.
    mutating func step(
        _ revision: GraphRevision, _ room: ProgramRoom?, sliceNanoseconds: UInt64, _ clock: any Clock
    ) -> Step {
        let end = clock.monotonicNanoseconds + sliceNanoseconds
        while place < order.edges.count {
            let now = clock.monotonicNanoseconds
            let left = end > now ? end - now : 0
            // Something is done in every slice.
            guard left > 0 || run == nil && place == 0 else { return .yielded }
            if run == nil { run = begin(revision, room) }
            guard let run else { continue }
            switch run.step(sliceNanoseconds: max(left, 1)) {
            case .yielded: return .yielded
            case .waiting: return .waiting
            case .finished(let isTrue):
                if isTrue { verdicts.take(order.edges[place]) }
                endRun(run)
            case .failed(let failure):
                usedNanoseconds += run.cpuNanoseconds
                self.run = nil
                fail(isExhausted ? exhaustion : failure, revision)
            }
        }
        return .finished(verdicts)
    }

    /// Calls `action` once it may go on, after `step` said that it waits.
    func whenPossible(_ action: @escaping @Sendable () -> Void) {
        run?.whenPossible(action)
    }

    private var isExhausted: Bool { usedNanoseconds >= budgetNanoseconds }

    private var exhaustion: NodeFailure {
        NodeFailure(
            "the conditions behind one node used more than \(budgetNanoseconds / 1_000_000) ms of CPU time together")
    }

    /// - Returns: nil where there is no time left for it: it has failed then.
    private mutating func begin(_ revision: GraphRevision, _ room: ProgramRoom?) -> (any ConditionRun)? {
        guard !isExhausted, let condition = revision.conditions[order.edges[place]] else {
            fail(exhaustion, revision)
            return nil
        }
        let call = ConditionCall(
            executionID: executionID, graph: revision.identity, nodeID: revision.graph.nodes[order.rank].id)
        let scope = ConditionScope(
            state: order.state, nodes: condition.readsNodes ? order.nodes : [:], room: room, call: call)
        return condition.begin(scope, budgetNanoseconds: budgetNanoseconds - usedNanoseconds)
    }

    private mutating func endRun(_ run: any ConditionRun) {
        usedNanoseconds += run.cpuNanoseconds
        self.run = nil
        place += 1
    }

    private mutating func fail(_ failure: NodeFailure, _ revision: GraphRevision) {
        let edge = order.edges[place]
        verdicts.fail(edge, to: revision.graph.edges[edge].to, failure)
        place += 1
    }
}
