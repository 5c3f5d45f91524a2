// A tree that goes on where an earlier daemon left it. First all that has happened is restored, without effects; then the root
// is resumed, and each scope once its enclosing node has begun again.

import Graphs
import JSON

extension ExecutionTree {
    /// Takes in the next record of what has happened; in order, before `resume`.
    /// - Parameter elapsedMicroseconds: from the first start to that record.
    /// - Parameter graphs: where pinned revisions are found. It may block.
    package mutating func restore(
        _ record: EventRecord, elapsedMicroseconds: Int64, graphs: (any InnerGraphs)?
    ) throws(NodeFailure) {
        let scope = record.scope
        switch record.body {
        case .scopeOpened(let opening) where opening.topology.isHosted:
            restoreHosted(opening, in: scope, elapsedMicroseconds)
        case .scopeClosed(let closing) where hosts[closing.scope] != nil:
            restoreHosted(closing, elapsedMicroseconds)
        case .scopeOpened(let opening):
            try restore(opening, in: scope, elapsedMicroseconds, graphs)
        case .scopeClosed(let closing):
            lastScope = max(lastScope, closing.scope)
            if let ended = scopes.removeValue(forKey: closing.scope) { return forget(ended, closing) }
            let ref = NodeRef(scope: scope, rank: closing.rank)
            if holdings[ref] == nil {
                holdings[ref] = Holding(plan: try body(around: closing.rank, in: scope).emptyPlan())
            }
            holdings[ref]?.plan.closed(closing)
        case .start(let attempt, _) where scopes.count > 0:
            // What ran in scopes was interrupted too.
            for scope in scopes.keys {
                scopes[scope]?.machine.restore(.start(attempt: attempt, initialState: [:]), elapsedMicroseconds: 0)
            }
            root.restore(record.body, elapsedMicroseconds: elapsedMicroseconds)
            interruptHosted()
        case .start:
            restore(record.body, in: scope, elapsedMicroseconds)
            interruptHosted()
        case _ where hosts[scope] != nil: restoreHosted(record.body, in: scope, elapsedMicroseconds)
        case .nodeComplete(let completion) where !completion.willRetry:
            hosted.removeValue(forKey: NodeRef(scope: scope, rank: completion.rank))
            holdings.removeValue(forKey: NodeRef(scope: scope, rank: completion.rank))
            if let revision = revision(scope), scope != 0, completion.firstStatus == .error {
                let id = revision.graph.nodes[completion.rank].id
                let failure = NodeFailure("\(id): \(completion.error ?? "failed")", details: completion.details)
                if completion.rank < scopes[scope]?.failure?.rank ?? .max {
                    scopes[scope]?.failure = (completion.rank, failure)
                }
            }
            restore(record.body, in: scope, elapsedMicroseconds)
        case .nodeComplete(let completion):
            holdings[NodeRef(scope: scope, rank: completion.rank)]?.plan.attemptEnded()
            restore(record.body, in: scope, elapsedMicroseconds)
        default: restore(record.body, in: scope, elapsedMicroseconds)
        }
    }

    /// The longest time for which a delay goes on, whether a daemon runs or not.
    /// - Parameter elapsed: microseconds from the first start.
    func delayLeftMicroseconds(at elapsed: Int64) -> Int64 {
        scopes.values.reduce(root.delayLeftMicroseconds(at: elapsed)) { longest, scope in
            max(longest, scope.machine.delayLeftMicroseconds(at: elapsed - (scope.restsSinceMicroseconds ?? 0)))
        }
    }

    private mutating func restore(_ body: EventRecord.Body, in scope: Int32, _ elapsed: Int64) {
        guard scope != 0 else { return root.restore(body, elapsedMicroseconds: elapsed) }
        let opened = scopes[scope]?.restsSinceMicroseconds ?? 0
        scopes[scope]?.machine.restore(body, elapsedMicroseconds: elapsed - opened)
    }

    private mutating func restore(
        _ opening: ScopeOpening, in scope: Int32, _ elapsed: Int64, _ graphs: (any InnerGraphs)?
    ) throws(NodeFailure) {
        let ref = NodeRef(scope: scope, rank: opening.rank)
        let body = try body(around: opening.rank, in: scope)
        guard let outer = revision(scope) else { return }
        let revision: GraphRevision
        switch opening.topology {
        case .nested:
            guard let nested = outer.nested[opening.rank] else { throw NodeFailure("a graph within a node is missing") }
            revision = nested
        case .revision(let id, let number):
            guard let graphs else { throw NodeFailure("revision \(number) of graph \(id) is missing") }
            revision = try graphs.runnable(number, of: id).get()
        case .hosted: return
        }
        lastScope = max(lastScope, opening.scope)
        if holdings[ref] == nil { holdings[ref] = Holding(plan: body.emptyPlan()) }
        let input = modify(scope) { $0.input(ofRank: opening.rank) }
        let initial = opening.state.laid(over: Self.base(opening.topology, revision)) { input?.object ?? [:] }
        var machine = makeMachine(revision, scope: opening.scope)
        if let index = opening.index, let attempts = holdings[ref]?.attempts.removeValue(forKey: index) {
            machine.countOn(attempts)
        }
        machine.restore(.start(attempt: 1, initialState: initial), elapsedMicroseconds: 0)
        holdings[ref]?.open.append(opening.scope)
        scopes[opening.scope] = Scope(
            machine: machine, parent: ref, index: opening.index, isOwnGraph: opening.topology != .nested,
            depth: depth(scope) + 1, restsSinceMicroseconds: elapsed)
        holdings[ref]?.plan.opened(opening, revision)
    }

    private func body(around rank: Int, in scope: Int32) throws(NodeFailure) -> any ScopeBody {
        guard let outer = revision(scope), outer.bodies.indices.contains(rank),
            let body = outer.bodies[rank] as? any ScopeBody
        else { throw NodeFailure("a scope lies in no node that could hold one") }
        return body
    }

    /// Goes on with what was restored.
    package mutating func resume(_ resumption: Resumption, at now: UInt64) {
        self.resumption = resumption
        interruptHosted()
        for host in restingHosts { effects.append(.rest(host)) }
        root.takeover = resumption.takeover
        for host in hosted.keys { layThreadUnder(host) }
        step(.inScope(0, .resume(resumption)), at: now)
    }

    /// The node around an open scope has begun again.
    mutating func goOn(_ scope: Int32, at now: UInt64) {
        guard let resumption, let since = scopes[scope]?.restsSinceMicroseconds else { return }
        scopes[scope]?.restsSinceMicroseconds = nil
        let elapsed = max(resumption.elapsedMicroseconds - since, 0)
        if scopes[scope]?.isOwnGraph == true, let limits = revision(scope)?.graph.document.limits {
            let left = max(Int64(limits.timeoutMilliseconds) - elapsed / 1000, 0)
            effects.append(.armTimeout(scope: scope, afterMilliseconds: left))
        }
        modify(scope) { machine in
            machine.step(
                .resume(Resumption(attempt: resumption.attempt, elapsedMicroseconds: elapsed)), at: now)
        }
        settle(scope, at: now)
    }
}
