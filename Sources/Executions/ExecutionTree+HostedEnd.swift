// How a node whose worker hosts a graph ends, and how it waits for answers: the worker lets go of the graph, and another call goes
// on with it once all that was asked is answered.

import Graphs
import JSON

extension ExecutionTree {
    /// What the worker of the next call of a node needs to go on with the graph that it hosts.
    func kept(for ref: NodeRef) -> JSONText? {
        if !hosted.isEmpty, let kept = hosted[ref]?.takeKept() { return kept }
        guard ref.scope == 0, case .thread(let content) = root.takeover.hosted[Int(ref.rank)] else { return nil }
        return ["spaces": content["spaces"] ?? [:], "begins": true]
    }

    /// What its thread has kept is part of what the run of a node keeps.
    func layThreadUnder(_ ref: NodeRef) {
        guard ref.scope == 0, case .thread(let content) = root.takeover.hosted[Int(ref.rank)] else { return }
        hosted[ref]?.layUnder(content["spaces"]?.object ?? [:])
    }

    /// A call of a node has ended: with it, all that its worker hosted, unless it waits.
    mutating func endHosted(_ ref: NodeRef, _ attempt: Int, _ outcome: NodeOutcome, at now: UInt64) {
        var outcome = outcome
        if let runs = hosted[ref], machine(ref.scope)?.isRunning(Int(ref.rank), attempt) == true {
            if case .success = outcome, runs.fault == nil, runs.isAsking || runs.hasNewAnswers, !isStopping(ref) {
                return rest(ref, attempt, runs, at: now)
            }
            for scope in runs.scopes(in: ref) { closeHosted(scope, runs, at: now) }
            if let fault = runs.fault.take() { outcome = .failure(fault) }
        }
        take(.inScope(ref.scope, .nodeEnded(rank: Int(ref.rank), attempt: attempt, outcome)), at: now)
        guard machine(ref.scope)?.mayBeginAgain(Int(ref.rank)) != true else { return }
        let ended = hosted.removeValue(forKey: ref)
        guard keepsThread, ref.scope == 0, let checkpoint = ended?.checkpoint else { return }
        let id = root.graph.nodes[Int(ref.rank)].id
        effects.append(.keepThread(ThreadCheckpoint(nodeID: id, content: checkpoint)))
    }

    // MARK: Answers

    /// The node takes no place and no time until it goes on.
    private mutating func rest(_ ref: NodeRef, _ attempt: Int, _ runs: HostedRuns, at now: UInt64) {
        let rank = Int(ref.rank)
        modify(ref.scope) { machine in
            machine.leavePlace(rank)
            machine.step(.nodeStandsStill(rank: rank, attempt: attempt, isSetBack: false), at: now)
            machine.rest(rank, at: now)
        }
        if ref.scope != 0 || !isFlat {
            settle(ref.scope, at: now)
            takeTurn(0)
        }
        effects.append(.rest(ref))
        runs.isResting = true
        goOnIfAnswered(ref, runs, at: now)
    }

    private mutating func goOnIfAnswered(_ ref: NodeRef, _ runs: HostedRuns, at now: UInt64) {
        guard runs.isResting, !runs.isAsking else { return }
        let input = modify(ref.scope) { machine in
            machine.endRest(Int(ref.rank), at: now)
            return machine.input(ofRank: Int(ref.rank))
        }
        guard let state = input else { return }
        runs.isResting = false
        let start = RunMachine.Start(rank: Int(ref.rank), attempt: runs.attempt, state: state)
        effects.append(.inScope(ref.scope, .park(start, elapsedMicroseconds: 0)))
    }

    /// Takes in an answer to a task, unless it does not count.
    mutating func takeHosted(_ answer: Answer, _ ref: NodeRef, of host: NodeRef, at now: UInt64) -> AnswerVerdict {
        guard let runs = hosted[host], let task = runs.tasks[ref], task.isAsking, !isStopping(host) else {
            return .notWaiting
        }
        effects.append(.inScope(ref.scope, .emit(.signalled(rank: Int(ref.rank), attempt: task.attempt, answer))))
        runs.tasks[ref]?.isAsking = false
        runs.tasks[ref]?.answers.append(answer.interruptValue)
        goOnIfAnswered(host, runs, at: now)
        return .taken
    }

    mutating func ask(
        _ id: String, _ prompt: JSONText, _ schema: JSONText, _ runs: HostedRuns
    ) throws(NodeFailure) {
        let ref = try open(id, runs)
        // It may ask again what was asked before a restart, and answered since its call began.
        guard let task = runs.tasks[ref], !task.isAsking, task.answers.count <= task.answersGiven else { return }
        runs.tasks[ref]?.isAsking = true
        let data: JSONText = ["prompt": prompt, "schema": schema, "deadline": .null, "id": JSONText(id)]
        let output = EventRecord.Body.nodeOutput(
            rank: Int(ref.rank), attempt: task.attempt, channel: ApprovalRules.questionChannel, data: data)
        effects.append(.inScope(ref.scope, .emit(output)))
    }

    /// Whether other tasks of the same graph wait for answers.
    func hasQuestions(beside ref: NodeRef) -> Bool {
        guard let host = hosts[ref.scope], let runs = hosted[host] else { return false }
        return runs.tasks.contains { $0.key != ref && $0.value.isAsking }
    }

    /// The name of a task, and the way to it as events show it.
    func hostedPlace(_ ref: NodeRef) -> (name: String, path: [JSONText])? {
        guard let host = hosts[ref.scope], let runs = hosted[host], let step = runs.steps[ref.scope],
            step.names.indices.contains(Int(ref.rank)), let revision = revision(host.scope)
        else { return nil }
        let id = revision.graph.nodes[Int(host.rank)].id
        let around = hostedPlace(step.place.parent) ?? (id, pathElements(host.scope))
        let path = around.path + [JSONText(around.name), JSONText(step.place.index)]
        return (step.names[Int(ref.rank)], path)
    }
}

extension Answer {
    /// What `interrupt` gives to whoever asked.
    var interruptValue: JSONText {
        data ?? ["approved": JSONText(approved), "comment": comment.map { JSONText($0) } ?? .null]
    }
}
