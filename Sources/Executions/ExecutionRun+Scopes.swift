// How a run does what its tree asks for beyond the machines: work of plans, times of scopes, and their share of memory.

import Graphs
import JSON

extension ExecutionRun {
    /// What scopes hold outside of the tree.
    struct ScopeResources {
        /// By scope.
        var timers: [Int32: any ClockTimer] = [:]
        /// By scope: what is kept of it is being found out.
        var tasks: [Int32: Task<Void, Never>] = [:]
        /// In the account.
        var countedBytes = 0

        mutating func cancelAll() {
            for timer in timers.values { timer.cancel() }
            for task in tasks.values { task.cancel() }
            (timers, tasks) = ([:], [:])
        }

        mutating func forget(_ scope: Int32) {
            if !timers.isEmpty { timers.removeValue(forKey: scope)?.cancel() }
            if !tasks.isEmpty { tasks.removeValue(forKey: scope)?.cancel() }
        }
    }

    func hold(
        _ plan: any ScopePlan, _ state: State, _ ref: NodeRef, _ attempt: Int, at now: UInt64,
        _ batch: inout EventBatch
    ) {
        confined.tasks[ref] = RunningNode(holdsScopes: true)
        if let limit = confined.tree.revision(ref.scope)?.graph.nodes[Int(ref.rank)].timeoutMilliseconds {
            armTimeout(ref, attempt, afterMilliseconds: Int64(limit))
        }
        confined.tree.hold(ref, attempt: attempt, plan, state, at: now)
        perform(at: now, &batch)
    }

    func perform(_ effect: consuming ExecutionTree.Effect, at timestamp: Int64, _ batch: inout EventBatch) {
        switch consume effect {
        case .inScope(let scope, let effect): perform(effect, in: scope, at: timestamp, &batch)
        case .work(let ref, let attempt, let work):
            confined.tasks[ref]?.task = Task(executorPreference: environment.pool) { [self] in
                let news = await work()
                post(.learned(ref, attempt: attempt, news))
            }
        case .conclude(let scope, let work):
            confined.scopes.tasks[scope] = Task(executorPreference: environment.pool) { [self] in
                let result = await work()
                post(.concluded(scope: scope, result))
            }
        case .armTimeout(let scope, let limit):
            confined.scopes.timers[scope] = environment.clock.schedule(afterMilliseconds: limit) { [self] in
                post(.executionTimedOut, in: scope)
            }
        case .rest(let ref):
            confined.tasks[ref]?.cancelTimers()
            confined.tasks[ref] = RunningNode(rests: true)
        case .keepThread(var checkpoint):
            checkpoint.atMicroseconds = timestamp
            if log.note(checkpoint) { environment.store.logHasGrown(log) }
        case .pin(let revision): log.pinned.pin(revision)
        case .forget(let scope): confined.scopes.forget(scope)
        }
    }

    /// Brings the account up to date with what is open.
    func countScopes() {
        let open = confined.tree.scopes.count + confined.tree.hosts.count
        let bytes = open * Self.scopeBytes + confined.tree.hosted.values.reduce(0) { $0 + $1.keptBytes }
        guard bytes != confined.scopes.countedBytes else { return }
        environment.memory.change(.states, by: bytes - confined.scopes.countedBytes)
        confined.scopes.countedBytes = bytes
    }

    /// A machine with its flow of states, of a graph of a few nodes.
    private static let scopeBytes = 2 << 10
}
