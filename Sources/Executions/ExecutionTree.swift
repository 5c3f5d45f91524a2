// An execution is a tree of machines: the one of its own graph, and one for each graph that runs within a node at the moment.
// As pure as the machines are: inputs in, effects out. The log stays one sequence; what a scope has ended with is kept by the
// plan of the enclosing node, and the scope is forgotten, so that memory goes by what is open.

import DequeModule
import Graphs
import JSON

package struct ExecutionTree {
    package enum Input: Sendable {
        case inScope(Int32, RunMachine.Input)
        /// What came of `Effect.work`.
        case learned(NodeRef, attempt: Int, Result<any Sendable, NodeFailure>)
        /// What came of `Effect.conclude`.
        case concluded(scope: Int32, Result<JSONText, NodeFailure>)
        /// The call of a node has ended where the next daemon goes on with it. Nothing for the tree.
        case left(NodeRef)
        /// What the worker of a node says of the graph that it hosts.
        indirect case hosted(NodeRef, attempt: Int, HostedNews)

        /// An attempt of a node has ended.
        var nodeEnd: (ref: NodeRef, attempt: Int, outcome: NodeOutcome)? {
            guard case .inScope(let scope, .nodeEnded(let rank, let attempt, let outcome)) = self else { return nil }
            return (NodeRef(scope: scope, rank: rank), attempt, outcome)
        }
        /// The execution begins.
        var isBegin: Bool { if case .inScope(0, .begin) = self { true } else { false } }
        /// The node whose call goes on under the next daemon.
        var leaver: NodeRef? { if case .left(let ref) = self { ref } else { nil } }
        /// The node whose plan learns of something.
        var learner: NodeRef? { if case .learned(let ref, _, _) = self { ref } else { nil } }
    }

    package enum Effect: Sendable {
        case inScope(Int32, RunMachine.Effect)
        case work(NodeRef, attempt: Int, PlanWork)
        case conclude(scope: Int32, @Sendable () async -> Result<JSONText, NodeFailure>)
        /// The scope's own time has begun: `executionTimedOut` is due in it after so long.
        case armTimeout(scope: Int32, afterMilliseconds: Int64)
        /// The worker of the node has let go of it, until somebody answers.
        case rest(NodeRef)
        /// The thread of the execution goes on with this.
        case keepThread(ThreadCheckpoint)
        /// Whoever reads the events needs the graph that they are about.
        case pin(GraphRevision)
        /// Nothing is wanted of it any more.
        case forget(scope: Int32)
    }

    /// A graph that runs within a node.
    struct Scope {
        var machine: RunMachine
        let parent: NodeRef
        let index: Int?
        /// It runs a graph of its own, whose limits hold.
        let isOwnGraph: Bool
        /// 1 for one right within the execution.
        let depth: Int
        /// Opened by an earlier daemon, so long after the first start; it rests until the node around it runs again.
        var restsSinceMicroseconds: Int64?
        var failure: (rank: Int, failure: NodeFailure)?
        var durationMicroseconds: Int64 = 0
        /// Its place is among `turns`.
        var isInLine = false
        /// All its nodes have ended, and what is kept of it is being found out.
        var isConcluding = false
    }

    /// A node that holds scopes, from its first attempt to its end. An object, so that a plan, which may keep megabytes, is
    /// never copied to be changed.
    final class Holding {
        var plan: any ScopePlan
        /// In the order of opening.
        var open: [Int32] = []
        var attempt = 0
        /// An attempt of it runs.
        var isActive = false
        var isWorking = false
        /// How the attempt ends once nothing is open.
        var outcome: NodeOutcome?
        var isInLine = false
        /// What scopes begin with.
        var input = JSONObject()
        /// Of scopes that are opened again: by index, the attempts of their nodes so far.
        var attempts: [Int: [Int32]] = [:]

        init(plan: any ScopePlan) {
            self.plan = plan
        }
    }

    /// Graphs within graphs: more is a mistake that makes its own copies.
    package static let depthMax = 8

    package internal(set) var root: RunMachine
    /// How it was taken up, if it was.
    var resumption: Resumption?
    var scopes: [Int32: Scope] = [:]
    var holdings: [NodeRef: Holding] = [:]
    var lastScope: Int32 = 0
    /// Nodes whose workers run graphs by themselves.
    var hosted: [NodeRef: HostedRuns] = [:]
    /// By scope of such a graph that is open: the node.
    var hosts: [Int32: NodeRef] = [:]
    /// What hosted graphs come to is left to the thread of the execution.
    var keepsThread = false
    private let limits: ExecutionLimits
    private let seed: UInt64?
    let memory: ExecutionMemory?
    /// Places that nodes of scopes take.
    private var innerRunning = 0
    /// Scopes that may have a node to start, each once.
    private var turns = Deque<Int32>()
    private var isRootInLine = false
    /// Nodes whose plan has a next step, each once.
    var plans = Deque<NodeRef>()
    /// What is to be done of all scopes, in this order, as long as not all is `isFlat`.
    package internal(set) var effects: [Effect] = []

    package init(
        revision: GraphRevision, limits: ExecutionLimits = ExecutionLimits(), seed: UInt64? = nil,
        memory: ExecutionMemory? = nil
    ) {
        root = RunMachine(revision: revision, limits: limits, seed: seed, memory: memory)
        self.limits = limits
        self.seed = seed
        self.memory = memory
    }

    /// No node holds a scope, as in most executions at all times: there is only the root, and its effects lie in it.
    package var isFlat: Bool { holdings.isEmpty }

    /// Takes in what has happened.
    /// - Parameter now: nanoseconds of the clock that never steps.
    package mutating func step(_ input: consuming Input, at now: UInt64) {
        guard !hosted.isEmpty, let end = input.nodeEnd else { return take(input, at: now) }
        endHosted(end.ref, end.attempt, end.outcome, at: now)
    }

    mutating func take(_ input: consuming Input, at now: UInt64) {
        switch consume input {
        case .inScope(0, let input):
            root.step(input, at: now)
            if !isFlat { settle(0, at: now) }
        case .inScope(let scope, let input):
            modify(scope) { $0.step(input, at: now) }
            settle(scope, at: now)
        case .learned(let ref, let attempt, let news): learn(ref, attempt, news, at: now)
        case .concluded(let scope, let result):
            guard scopes[scope]?.isConcluding == true else { return }
            scopes[scope]?.isConcluding = false
            close(scope, result, at: now)
        case .left: break
        case .hosted(let ref, let attempt, let news): take(news, of: ref, attempt: attempt, at: now)
        }
    }

    // MARK: Nodes that start

    private var running: Int { root.runningCount + innerRunning }

    /// Whether `nextStart` may give a node.
    var canStart: Bool {
        isFlat ? root.canStart : running < root.graph.document.limits.maxParallelNodes && !turns.isEmpty
    }

    /// The next node to run, scopes in turn, if one is ready and there is room; nil otherwise. `emit` of its `node_start` is
    /// among the effects then.
    package mutating func nextStart(at now: UInt64) -> (scope: Int32, start: RunMachine.Start)? {
        if isFlat {
            guard let start = root.nextStart(at: now) else { return nil }
            takeOverSteps(start, at: now)
            return (0, start)
        }
        guard running < root.graph.document.limits.maxParallelNodes else { return nil }
        while let scope = turns.popFirst() {
            setInLine(scope, false)
            guard let start = modify(scope, { $0.nextStart(at: now) }) ?? nil else { continue }
            settle(scope, at: now)
            if scope == 0 { takeOverSteps(start, at: now) }
            return (scope, start)
        }
        return nil
    }

    // MARK: Plans

    /// Whether `advance` does something.
    package var canAdvance: Bool { !plans.isEmpty }

    /// Takes one step of one plan, plans in turn.
    package mutating func advance(at now: UInt64) {
        guard let ref = plans.popFirst() else { return }
        guard let holding = holdings[ref] else { return }
        holding.isInLine = false
        guard holding.isActive, holding.outcome == nil, !holding.isWorking else { return }
        switch holding.plan.next(openCount: holding.open.count) {
        case .open(let draft):
            lineUp(ref)
            open(draft, in: ref, at: now)
        case .takeOver(let item): takeOver(item, in: ref, holding.attempt)
        case .work(let work):
            holding.isWorking = true
            effects.append(.work(ref, attempt: holding.attempt, work))
        case .done(let update): end(ref, .success(update: update), at: now)
        case .failed(let failure): end(ref, .failure(failure), at: now)
        case .wait: break
        }
    }

    mutating func lineUp(_ ref: NodeRef) {
        guard let holding = holdings[ref], !holding.isInLine else { return }
        holding.isInLine = true
        plans.append(ref)
    }

    private mutating func learn(
        _ ref: NodeRef, _ attempt: Int, _ news: Result<any Sendable, NodeFailure>, at now: UInt64
    ) {
        guard let holding = holdings[ref], holding.isActive, holding.attempt == attempt, holding.isWorking else {
            return
        }
        holding.isWorking = false
        holding.plan.learned(news)
        lineUp(ref)
    }

    // MARK: Machines

    /// Nil once the scope is forgotten.
    func machine(_ scope: Int32) -> RunMachine? { scope == 0 ? root : scopes[scope]?.machine }

    package func revision(_ scope: Int32) -> GraphRevision? {
        scope == 0 ? root.revision : scopes[scope]?.machine.revision
    }

    /// The attempt of a node that runs, or ran last.
    func attempt(_ ref: NodeRef) -> Int? {
        ref.scope == 0
            ? root.attempt(ofRank: Int(ref.rank)) : scopes[ref.scope]?.machine.attempt(ofRank: Int(ref.rank))
    }

    @discardableResult
    mutating func modify<Result>(_ scope: Int32, _ change: (inout RunMachine) -> Result) -> Result? {
        guard scope != 0 else { return change(&root) }
        guard let before = scopes[scope]?.machine.runningCount else { return nil }
        let result = change(&scopes[scope]!.machine)
        innerRunning += scopes[scope]!.machine.runningCount - before
        return result
    }

    func makeMachine(_ revision: GraphRevision, scope: Int32) -> RunMachine {
        // Each scope has a jitter of its own.
        var machine = RunMachine(
            revision: revision, limits: limits, seed: seed.map { $0 &+ UInt64(scope) &* 0x9E37_79B9_7F4A_7C15 },
            memory: memory)
        machine.keepChanges()
        return machine
    }

    private mutating func setInLine(_ scope: Int32, _ isInLine: Bool) {
        if scope == 0 { isRootInLine = isInLine } else { scopes[scope]?.isInLine = isInLine }
    }

    /// A scope that has a node to start waits for its turn.
    mutating func takeTurn(_ scope: Int32) {
        let isInLine = scope == 0 ? isRootInLine : scopes[scope]?.isInLine ?? true
        let hasReady = scope == 0 ? root.canStart : scopes[scope]?.machine.canStart ?? false
        guard hasReady, !isInLine else { return }
        setInLine(scope, true)
        turns.append(scope)
    }

    /// Once there is nothing but the root, its effects are taken from it again.
    mutating func flattenIfDone() {
        guard isFlat else { return }
        turns.removeAll()
        plans.removeAll()
        isRootInLine = false
    }

    package mutating func effectsWereTaken() {
        effects.removeAll(keepingCapacity: effects.capacity <= Self.keptEffectsMax)
    }

    /// Effects that there is room for between two steps.
    private static let keptEffectsMax = 64

    mutating func takeEffect(at index: Int) -> Effect {
        var effect = Effect.forget(scope: 0)
        swap(&effects[index], &effect)
        return effect
    }
}
