// How scopes open and close, and how the node around them ends.

import Graphs
import JSON

extension ExecutionTree {
    /// A node that runs holds scopes from now on, by this plan.
    /// - Parameter state: its input.
    package mutating func hold(_ ref: NodeRef, attempt: Int, _ plan: any ScopePlan, _ state: State, at now: UInt64) {
        let rank = Int(ref.rank)
        guard machine(ref.scope)?.isRunning(rank, attempt) == true else { return }
        var plan = plan
        if let earlier = holdings[ref] { plan.takeOver(earlier.plan) }
        let holding = holdings[ref] ?? Holding(plan: plan)
        if ref.scope == 0, let items = root.takeover.items.removeValue(forKey: rank) { plan.takeOver(items) }
        holding.plan = plan
        holding.attempt = attempt
        holding.isActive = true
        holding.isWorking = false
        holding.outcome = nil
        holding.input = state.object
        holdings[ref] = holding
        modify(ref.scope) { $0.leavePlace(rank) }
        takeTurn(0)
        takeTurn(ref.scope)
        for scope in holding.open { goOn(scope, at: now) }
        lineUp(ref)
    }

    mutating func open(_ draft: ScopeDraft, in ref: NodeRef, at now: UInt64) {
        guard let holding = holdings[ref] else { return }
        let depth = depth(ref.scope) + 1
        guard depth <= Self.depthMax else {
            let word = "graphs run within graphs at most \(Self.depthMax) deep"
            return end(ref, .failure(NodeFailure(word)), at: now)
        }
        let initial = draft.state.laid(over: Self.base(draft.topology, draft.revision)) { holding.input }
        if let refusal = draft.revision.graph.refusal(ofInitial: initial) {
            return end(ref, .failure(NodeFailure(refusal)), at: now)
        }
        lastScope += 1
        let scope = lastScope
        var machine = makeMachine(draft.revision, scope: scope)
        if let index = draft.index, let attempts = holdings[ref]?.attempts.removeValue(forKey: index) {
            machine.countOn(attempts)
        }
        holdings[ref]?.open.append(scope)
        scopes[scope] = Scope(
            machine: machine, parent: ref, index: draft.index, isOwnGraph: draft.topology != .nested, depth: depth)
        let opening = ScopeOpening(
            scope: scope, rank: Int(ref.rank), attempt: holding.attempt, index: draft.index, total: draft.total,
            topology: draft.topology, state: draft.state)
        if draft.topology != .nested { effects.append(.pin(draft.revision)) }
        effects.append(.inScope(ref.scope, .emit(.scopeOpened(opening))))
        if draft.topology != .nested {
            let limit = Int64(draft.revision.graph.document.limits.timeoutMilliseconds)
            effects.append(.armTimeout(scope: scope, afterMilliseconds: limit))
        }
        modify(scope) { $0.step(.begin(initialState: initial), at: now) }
        settle(scope, at: now)
    }

    /// Takes an item of another execution for one of this one.
    mutating func takeOver(_ item: TakenOverItem, in ref: NodeRef, _ attempt: Int) {
        lastScope += 1
        let closing = ScopeClosing(
            scope: lastScope, rank: Int(ref.rank), attempt: attempt, index: item.index, status: .cached,
            durationMicroseconds: 0, value: item.value, failure: nil)
        effects.append(.inScope(ref.scope, .emit(.scopeClosed(closing))))
        holdings[ref]?.plan.closed(closing)
        lineUp(ref)
    }

    /// The initial state of a graph of its own; one that stands within another has none.
    static func base(_ topology: ScopeTopology, _ revision: GraphRevision) -> JSONObject {
        topology == .nested ? [:] : revision.graph.document.initialState
    }

    /// The way to a scope as text: ids and indices, with a slash behind each.
    func path(_ scope: Int32) -> String {
        guard scope != 0, let inner = scopes[scope], let revision = revision(inner.parent.scope) else { return "" }
        let id = revision.graph.nodes[Int(inner.parent.rank)].id
        return path(inner.parent.scope) + id + "/" + (inner.index.map { "\($0)/" } ?? "")
    }

    func depth(_ scope: Int32) -> Int { scopes[scope]?.depth ?? 0 }

    /// Takes over what a machine has decided: what concerns scopes is done here, all else is the driver's.
    mutating func settle(_ scope: Int32, at now: UInt64) {
        let taken = modify(scope) { machine in
            let effects = machine.effects
            machine.effectsWereTaken()
            return effects
        }
        var status: ExecutionStatus?
        var interrupted: [NodeRef] = []
        for effect in taken ?? [] {
            switch effect {
            case .emit(.nodeComplete(let completion), _) where !completion.willRetry:
                noteEnd(completion, in: scope)
                effects.append(.inScope(scope, effect))
            case .emit(.nodeComplete(let completion), _):
                holdings[NodeRef(scope: scope, rank: completion.rank)]?.plan.attemptEnded()
                effects.append(.inScope(scope, effect))
            case .emit(.start, _) where scope != 0: break
            case .emit(.complete(_, let duration, _), _) where scope != 0:
                scopes[scope]?.durationMicroseconds = duration
            case .emit(.error(let message, let details, let duration), _) where scope != 0:
                scopes[scope]?.durationMicroseconds = duration
                scopes[scope]?.failure = (-1, NodeFailure(message, details: details))
            case .finish(let ended) where scope != 0: status = ended
            case .interrupt(let rank) where holdings[NodeRef(scope: scope, rank: rank)]?.isActive == true:
                effects.append(.inScope(scope, effect))
                interrupted.append(NodeRef(scope: scope, rank: rank))
            default: effects.append(.inScope(scope, effect))
            }
        }
        takeTurn(scope)
        // What the machine has decided so far comes before what follows from it.
        for ref in interrupted { end(ref, .failure(NodeFailure("cancelled")), at: now) }
        if let status { scopeEnded(scope, status, at: now) }
    }

    private mutating func noteEnd(_ completion: NodeCompletion, in scope: Int32) {
        // Behind the end of a node there is nothing in it any more.
        holdings.removeValue(forKey: NodeRef(scope: scope, rank: completion.rank))
        flattenIfDone()
        guard scope != 0, completion.firstStatus == .error, let revision = revision(scope) else { return }
        guard completion.rank < scopes[scope]?.failure?.rank ?? .max else { return }
        let id = revision.graph.nodes[completion.rank].id
        scopes[scope]?.failure = (
            completion.rank, NodeFailure("\(id): \(completion.error ?? "failed")", details: completion.details)
        )
    }

    private mutating func scopeEnded(_ scope: Int32, _ status: ExecutionStatus, at now: UInt64) {
        guard status == .success, let parent = scopes[scope]?.parent, let holding = holdings[parent] else {
            return close(scope, status == .cancelled ? .cancelled : .error, nil, at: now)
        }
        let result = modify(scope) { $0.takeResult() }
        guard let result else { return }
        let end = ScopeEnd(index: scopes[scope]?.index, changes: result.changes, final: result.final)
        switch holding.plan.conclude(end) {
        case .value(let value): close(scope, .success(value), at: now)
        case .failed(let failure): close(scope, .failure(failure), at: now)
        case .work(let work):
            scopes[scope]?.isConcluding = true
            effects.append(.conclude(scope: scope, work))
        }
    }

    mutating func close(_ scope: Int32, _ result: Result<JSONText, NodeFailure>, at now: UInt64) {
        switch result {
        case .success(let value): close(scope, .success, value, at: now)
        case .failure(let failure):
            scopes[scope]?.failure = (-1, failure)
            close(scope, .error, nil, at: now)
        }
    }

    private mutating func close(_ scope: Int32, _ status: NodeStatus, _ value: JSONText?, at now: UInt64) {
        guard let ended = scopes.removeValue(forKey: scope) else { return }
        let ref = ended.parent
        let closing = ScopeClosing(
            scope: scope, rank: Int(ref.rank), attempt: holdings[ref]?.attempt ?? 0, index: ended.index,
            status: status, durationMicroseconds: ended.durationMicroseconds, value: value,
            failure: status == .error ? ended.failure?.failure : nil)
        effects.append(.inScope(ref.scope, .emit(.scopeClosed(closing))))
        effects.append(.forget(scope: scope))
        forget(ended, closing)
        if let outcome = holdings[ref]?.outcome { return endIfClosed(ref, outcome, at: now) }
        lineUp(ref)
    }

    /// A scope that has closed, now or under an earlier daemon.
    mutating func forget(_ ended: Scope, _ closing: ScopeClosing) {
        let ref = ended.parent
        holdings[ref]?.open.removeAll { $0 == closing.scope }
        if closing.status != .success, let index = closing.index,
            revision(ref.scope)?.graph.nodes[Int(ref.rank)].retry.maxAttempts ?? 1 > 1
        {
            holdings[ref]?.attempts[index] = ended.machine.attempts
        }
        holdings[ref]?.plan.closed(closing)
    }

    /// The attempt of a node that holds scopes ends: first what is open, then the attempt.
    mutating func end(_ ref: NodeRef, _ outcome: NodeOutcome, at now: UInt64) {
        guard holdings[ref]?.isActive == true, holdings[ref]?.outcome == nil else { return }
        holdings[ref]?.outcome = outcome
        for scope in holdings[ref]?.open ?? [] {
            guard scopes[scope]?.isConcluding == false else {
                close(scope, .cancelled, nil, at: now)
                continue
            }
            modify(scope) { $0.step(.cancel, at: now) }
            settle(scope, at: now)
        }
        if holdings[ref]?.isActive == true { endIfClosed(ref, outcome, at: now) }
    }

    private mutating func endIfClosed(_ ref: NodeRef, _ outcome: NodeOutcome, at now: UInt64) {
        guard holdings[ref]?.open.isEmpty == true, let attempt = holdings[ref]?.attempt else { return }
        holdings[ref]?.isActive = false
        holdings[ref]?.outcome = nil
        modify(ref.scope) { $0.step(.nodeEnded(rank: Int(ref.rank), attempt: attempt, outcome), at: now) }
        settle(ref.scope, at: now)
    }
}
