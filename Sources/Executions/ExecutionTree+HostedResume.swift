// What an earlier daemon was told of hosted graphs. Tasks of steps that are open are known again by their places, since the next
// worker gives ids of its own.

import JSON

extension ExecutionTree {
    /// - Parameter scope: of the node or the task around it.
    mutating func restoreHosted(_ opening: ScopeOpening, in scope: Int32, _ elapsed: Int64) {
        guard case .hosted(let tasks) = opening.topology, let index = opening.index else { return }
        lastScope = max(lastScope, opening.scope)
        let parent = NodeRef(scope: scope, rank: opening.rank)
        let host = hosts[scope] ?? parent
        let runs = hosted[host] ?? hostedRuns(of: host, opening.attempt)
        if runs.steps[opening.scope] == nil {
            let around = runs.steps[scope]
            let name = around.flatMap { $0.names.indices.contains(opening.rank) ? $0.names[opening.rank] : nil } ?? ""
            runs.steps[opening.scope] = HostedRuns.Step(
                place: .init(parent: parent, index: index), depth: (around?.depth ?? 0) + 1,
                path: "\(around?.path ?? "")\(name)/\(index)/", total: opening.total, openedAt: 0,
                space: opening.kept?.space ?? "", state: opening.state.laid(over: [:]) { runs.base(parent) })
            runs.places[.init(parent: parent, index: index)] = opening.scope
            hosts[opening.scope] = host
        }
        for task in tasks { runs.steps[opening.scope]?.add(task) }
        if let kept = opening.kept { runs.keep(kept) }
        noteRest(host, runs, elapsed)
    }

    mutating func restoreHosted(_ closing: ScopeClosing, _ elapsed: Int64) {
        lastScope = max(lastScope, closing.scope)
        guard let host = hosts.removeValue(forKey: closing.scope), let runs = hosted[host],
            let step = runs.steps.removeValue(forKey: closing.scope)
        else { return }
        runs.places[step.place] = nil
        if step.isOfOneTask, closing.status == .success {
            runs.steps[step.place.parent.scope]?.ended.insert(step.place)
        }
        for rank in step.names.indices {
            let ref = NodeRef(scope: closing.scope, rank: rank)
            guard let task = runs.tasks[ref] else { continue }
            runs.attempts["\(step.path)\(task.name)"] = task.status == .success ? nil : task.attempt
            runs.forgetTask(ref)
        }
        noteRest(host, runs, elapsed)
    }

    /// - Parameter scope: of a hosted graph.
    mutating func restoreHosted(_ body: EventRecord.Body, in scope: Int32, _ elapsed: Int64) {
        guard let host = hosts[scope], let runs = hosted[host], let names = runs.steps[scope]?.names else { return }
        switch body {
        case .nodeStart(let rank, let attempt) where names.indices.contains(rank):
            runs.tasks[NodeRef(scope: scope, rank: rank)] = HostedRuns.Task(
                name: names[rank], attempt: attempt, startedAt: 0)
        case .nodeOutput(let rank, _, ApprovalRules.questionChannel, let data):
            runs.tasks[NodeRef(scope: scope, rank: rank)]?.isAsking = true
            runs.tasks[NodeRef(scope: scope, rank: rank)]?.id = data["id"]?.string
        case .signalled(let rank, _, let answer):
            let rested = runs.onlyAsks
            runs.tasks[NodeRef(scope: scope, rank: rank)]?.isAsking = false
            runs.tasks[NodeRef(scope: scope, rank: rank)]?.answers.append(answer.interruptValue)
            // With the last of them the next call began, and had all of them.
            if rested, !runs.isAsking {
                for (ref, task) in runs.tasks { runs.tasks[ref]?.answersGiven = task.answers.count }
            }
        case .nodeComplete(let completion):
            runs.tasks[NodeRef(scope: scope, rank: completion.rank)]?.status = completion.status
            if let writes = completion.notes?.hosted?.writes {
                runs.keep(writes, in: runs.steps[scope]?.space ?? "")
            }
            if completion.status == .error { runs.steps[scope]?.hasError = true }
        default: break
        }
        noteRest(host, runs, elapsed)
    }

    /// After a record about what the worker of a node hosts: what only waits for answers is interrupted by nothing.
    private mutating func noteRest(_ host: NodeRef, _ runs: HostedRuns, _ elapsed: Int64) {
        let rests = runs.onlyAsks
        guard rests != runs.isResting else { return }
        runs.isResting = rests
        modify(host.scope) { $0.restoreRest(Int(host.rank), rests, elapsedMicroseconds: elapsed) }
    }

    /// The nodes whose graphs wait for answers, and go on waiting.
    var restingHosts: [NodeRef] { hosted.filter(\.value.isResting).map(\.key) }

    /// The daemon has died: of what does not wait, no task of an earlier worker runs any more.
    func interruptHosted() {
        for runs in hosted.values {
            if !runs.isResting {
                for (ref, task) in runs.tasks where !task.isAsking { runs.tasks[ref]?.isRunning = false }
            }
            runs.refs.removeAll()
            for scope in runs.steps.keys { runs.steps[scope]?.counts.removeAll() }
        }
    }
}
