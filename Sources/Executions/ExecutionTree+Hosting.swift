// Takes in what workers say of the graphs that they host, and makes the records of it. A worker may say anything: what does not
// fit what it said before fails the node.

import Graphs
import JSON

extension ExecutionTree {
    /// - Parameter ref: the node whose worker speaks.
    mutating func take(_ news: HostedNews, of ref: NodeRef, attempt: Int, at now: UInt64) {
        guard machine(ref.scope)?.isRunning(Int(ref.rank), attempt) == true else { return }
        let runs = hostedRuns(of: ref, attempt)
        guard runs.fault == nil else { return }
        do throws(NodeFailure) {
            switch news {
            case .step(let around, let index, let starts, let kept):
                try begin(starts, around, index, kept, runs, ref, at: now)
            case .output(let task, let channel, let data): try put(channel, data, task, runs)
            case .ended(let task, let end, let writes): try endTask(task, end, writes, runs, ref, at: now)
            case .asked(let task, let prompt, let schema): try ask(task, prompt, schema, runs)
            case .kept(let kept, let values):
                runs.keep(kept)
                runs.values = values
            case .fault(let failure): throw failure
            }
            guard runs.keptBytes <= HostedRuns.keptBytesMax else {
                throw .hosted("wants more than \(HostedRuns.keptBytesMax) bytes kept")
            }
        } catch {
            runs.fault = error
            effects.append(.inScope(ref.scope, .interrupt(rank: Int(ref.rank))))
        }
    }

    mutating func hostedRuns(of ref: NodeRef, _ attempt: Int) -> HostedRuns {
        if let runs = hosted[ref] {
            runs.attempt = attempt
            return runs
        }
        let input = modify(ref.scope) { $0.input(ofRank: Int(ref.rank)).object } ?? [:]
        let runs = HostedRuns(attempt: attempt, input: input)
        hosted[ref] = runs
        layThreadUnder(ref)
        return runs
    }

    // MARK: Steps

    private mutating func begin(
        _ starts: [HostedTaskStart], _ around: String?, _ index: Int, _ kept: HostedKept?, _ runs: HostedRuns,
        _ ref: NodeRef, at now: UInt64
    ) throws(NodeFailure) {
        // Nothing begins in what is being stopped.
        guard !isStopping(ref) else { return }
        let parent = try around.map { id throws(NodeFailure) in try open(id, runs) } ?? ref
        for scope in runs.scopes(in: parent) where runs.steps[scope]?.place.index != index {
            closeHosted(scope, runs, at: now)
        }
        let new = starts.filter { runs.refs[$0.id] == nil }
        guard let first = new.first else { return }
        guard runs.tasks.count + new.count <= HostedRuns.tasksMax else {
            throw .hosted("has more than \(HostedRuns.tasksMax) tasks at once")
        }
        if let kept { runs.keep(kept) }
        let scope = try step(
            at: .init(parent: parent, index: index), first.input, ref, runs, space: kept?.space ?? "", at: now)
        let counts = new.reduce(into: [String: Int]()) { $0[$1.name, default: 0] += 1 }
        declare(new, counts, in: scope, runs, kept)
        for start in new {
            let place = runs.steps[scope]?.counts[start.name, default: 0] ?? 0
            runs.steps[scope]?.counts[start.name] = place + 1
            guard let rank = runs.steps[scope]?.ranks[start.name] else { continue }
            let node = NodeRef(scope: scope, rank: rank)
            let isAlone = place == 0 && counts[start.name] == 1 && runs.places[.init(parent: node, index: 0)] == nil
            guard !isAlone else {
                beginTask(start, node, runs, at: now)
                continue
            }
            guard runs.steps[scope]?.ended.contains(.init(parent: node, index: place)) != true else {
                runs.refs[start.id] = node
                continue
            }
            let inner = try step(
                at: .init(parent: node, index: place), start.input, ref, runs, space: kept?.space ?? "",
                total: counts[start.name], at: now)
            declare([start], [start.name: 1], in: inner, runs)
            beginTask(start, NodeRef(scope: inner, rank: 0), runs, at: now)
        }
    }

    /// The scope at a place: one that is open, or a new one, which `declare` tells.
    mutating func step(
        at place: HostedRuns.Place, _ state: JSONObject, _ host: NodeRef, _ runs: HostedRuns, space: String,
        total: Int? = nil, at now: UInt64
    ) throws(NodeFailure) -> Int32 {
        if let known = runs.places[place] { return known }
        let around = runs.steps[place.parent.scope]
        let depth = (around?.depth ?? 0) + 1
        guard depth <= HostedNames.depthMax else { throw .hosted("runs graphs too deep within each other") }
        lastScope += 1
        runs.places[place] = lastScope
        let name = around.map { $0.names[Int(place.parent.rank)] } ?? ""
        runs.steps[lastScope] = HostedRuns.Step(
            place: place, depth: depth, path: "\(around?.path ?? "")\(name)/\(place.index)/", total: total,
            openedAt: now, space: space, state: state)
        hosts[lastScope] = host
        return lastScope
    }

    /// Tells of the tasks of a scope that are not known there; the first time, that opens it.
    private mutating func declare(
        _ starts: [HostedTaskStart], _ counts: [String: Int], in scope: Int32, _ runs: HostedRuns,
        _ kept: HostedKept? = nil
    ) {
        guard let step = runs.steps[scope] else { return }
        var tasks: [HostedTask] = []
        for start in starts where runs.steps[scope]?.ranks[start.name] == nil {
            let isGroup = counts[start.name, default: 1] > 1
            let task = HostedTask(name: start.name, input: isGroup || start.input == step.state ? nil : start.input)
            runs.steps[scope]?.add(task)
            tasks.append(task)
        }
        guard !tasks.isEmpty else { return }
        let opening = ScopeOpening(
            scope: scope, rank: Int(step.place.parent.rank), attempt: attemptAround(step, runs),
            index: step.place.index,
            total: step.total, topology: .hosted(tasks),
            state: .difference(of: step.state, from: runs.base(step.place.parent)),
            kept: kept ?? HostedKept(space: step.space, content: nil))
        effects.append(.inScope(step.place.parent.scope, .emit(.scopeOpened(opening))))
    }

    private func attemptAround(_ step: HostedRuns.Step, _ runs: HostedRuns) -> Int {
        let parent = step.place.parent
        guard runs.steps[parent.scope] != nil else { return runs.attempt }
        return runs.tasks[parent]?.attempt ?? 1
    }

    /// What its tasks do from now on is no doing of theirs.
    func isStopping(_ host: NodeRef) -> Bool {
        guard root.stop == nil, let machine = machine(host.scope), machine.stop == nil else { return true }
        return machine.nodes[Int(host.rank)].timedOut
    }

    // MARK: Tasks

    func open(_ id: String, _ runs: HostedRuns) throws(NodeFailure) -> NodeRef {
        guard let ref = runs.refs[id], runs.tasks[ref]?.isRunning == true, runs.tasks[ref]?.status == nil else {
            throw .hosted("speaks of a task that does not run")
        }
        return ref
    }

    private mutating func beginTask(_ start: HostedTaskStart, _ ref: NodeRef, _ runs: HostedRuns, at now: UInt64) {
        runs.refs[start.id] = ref
        // It ended under an earlier daemon.
        guard runs.tasks[ref]?.status == nil else {
            runs.tasks[ref]?.id = start.id
            return
        }
        guard runs.tasks[ref]?.isAsking != true else {
            // It waits on, across a restart.
            runs.tasks[ref]?.id = start.id
            runs.tasks[ref]?.isRunning = true
            return
        }
        let earlier = runs.tasks[ref]
        guard earlier?.isRunning != true else {
            // It goes on behind its answers, or those of tasks within it.
            runs.tasks[ref]?.id = start.id
            return
        }
        let attempt = (runs.tasks[ref]?.attempt ?? runs.attempts[key(ref, start.name, runs)] ?? 0) + 1
        runs.tasks[ref] = HostedRuns.Task(
            name: start.name, id: start.id, attempt: attempt, startedAt: now,
            answers: earlier?.answers ?? [], answersGiven: earlier?.answersGiven ?? 0)
        effects.append(.inScope(ref.scope, .emit(.nodeStart(rank: Int(ref.rank), attempt: attempt))))
    }

    private func key(_ ref: NodeRef, _ name: String, _ runs: HostedRuns) -> String {
        "\(runs.steps[ref.scope]?.path ?? "")\(name)"
    }

    private mutating func put(
        _ channel: String, _ data: JSONText, _ id: String, _ runs: HostedRuns
    ) throws(NodeFailure) {
        guard channel != ApprovalRules.questionChannel else { throw .hosted("asks by way of an output") }
        let ref = try open(id, runs)
        let output = EventRecord.Body.nodeOutput(
            rank: Int(ref.rank), attempt: runs.tasks[ref]?.attempt ?? 1, channel: channel, data: data)
        effects.append(.inScope(ref.scope, .emit(output)))
    }

    private mutating func endTask(
        _ id: String, _ end: HostedEnd, _ writes: JSONText?, _ runs: HostedRuns, _ host: NodeRef,
        at now: UInt64
    ) throws(NodeFailure) {
        let ref = try open(id, runs)
        for scope in runs.scopes(in: ref) { closeHosted(scope, runs, at: now) }
        switch end {
        case .success(let update, let output):
            let writes = writes.map { HostedWrites(task: id, content: $0) }
            if let writes { runs.keep(writes, in: runs.steps[ref.scope]?.space ?? "") }
            let notes = HostedNotes(output: output, writes: writes)
            complete(ref, .success, runs, update: update, notes, at: now)
        case .failure where isStopping(host): complete(ref, .cancelled, runs, at: now)
        case .failure(let failure): complete(ref, .error, runs, failure, at: now)
        }
        if runs.steps[ref.scope]?.isOfOneTask == true { closeHosted(ref.scope, runs, at: now) }
    }

    private mutating func complete(
        _ ref: NodeRef, _ status: NodeStatus, _ runs: HostedRuns, _ failure: NodeFailure? = nil,
        update: JSONObject = [:],
        _ hosted: HostedNotes? = nil, at now: UInt64
    ) {
        guard let task = runs.tasks[ref] else { return }
        runs.tasks[ref]?.status = status
        if status == .error { runs.steps[ref.scope]?.hasError = true }
        var notes: CompletionNotes?
        if let hosted, hosted != HostedNotes(output: [:]) {
            notes = CompletionNotes()
            notes?.hosted = hosted
        }
        let completion = NodeCompletion(
            rank: Int(ref.rank), attempt: task.attempt, status: status,
            durationMicroseconds: Int64((now &- task.startedAt) / 1000), update: update, error: failure?.message,
            details: failure?.details ?? [:], notes: notes)
        effects.append(.inScope(ref.scope, .emit(.nodeComplete(completion))))
    }

    /// Closes a scope with all that is open in it.
    mutating func closeHosted(_ scope: Int32, _ runs: HostedRuns, at now: UInt64) {
        guard let step = runs.steps[scope] else { return }
        for rank in step.names.indices {
            let ref = NodeRef(scope: scope, rank: rank)
            for inner in runs.scopes(in: ref) { closeHosted(inner, runs, at: now) }
            guard let task = runs.tasks[ref] else { continue }
            if task.status == nil {
                runs.steps[scope]?.isCut = true
                if task.isRunning { complete(ref, .cancelled, runs, at: now) }
            }
            runs.attempts[key(ref, task.name, runs)] = task.status == .success ? nil : task.attempt
            runs.forgetTask(ref)
        }
        let status = runs.steps[scope]?.status ?? .success
        let closing = ScopeClosing(
            scope: scope, rank: Int(step.place.parent.rank), attempt: attemptAround(step, runs),
            index: step.place.index,
            status: status, durationMicroseconds: Int64((now &- step.openedAt) / 1000),
            value: status == .success ? .null : nil, failure: nil)
        effects.append(.inScope(step.place.parent.scope, .emit(.scopeClosed(closing))))
        forgetHosted(scope, runs, status)
    }

    private mutating func forgetHosted(_ scope: Int32, _ runs: HostedRuns, _ status: NodeStatus) {
        hosts[scope] = nil
        guard let step = runs.steps.removeValue(forKey: scope) else { return }
        runs.places[step.place] = nil
        // It is one task of the step around it.
        guard step.isOfOneTask else { return }
        let around = step.place.parent.scope
        switch status {
        case .success: runs.steps[around]?.ended.insert(step.place)
        case .error: runs.steps[around]?.hasError = true
        default: runs.steps[around]?.isCut = true
        }
    }
}

extension NodeFailure {
    static func hosted(_ reason: String) -> NodeFailure {
        NodeFailure("the worker keeps to no rule: it \(reason)")
    }
}
