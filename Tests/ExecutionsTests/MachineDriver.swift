import Executions
import Graphs
import JSON

/// Drives a machine by hand: node ids in, one line of words for each effect out.
struct MachineDriver {
    private(set) var machine: RunMachine
    let graph: Graph
    /// Milliseconds.
    var now: UInt64 = 0
    private(set) var lines: [String] = []
    private(set) var bodies: [EventRecord.Body] = []
    /// The same with times, `now` behind `wallMicroseconds`.
    private(set) var records: [EventRecord] = []
    static let wallMicroseconds: Int64 = 1_750_000_000_000_000
    /// Input states by node, as text, of the latest attempt.
    private(set) var inputs: [String: String] = [:]
    private var attempts: [String: Int] = [:]
    private var shown = 0
    /// Whether conditions are judged in the very step that asks for it; else a test does it.
    var judgesAtOnce = true
    private(set) var orders: [JudgeOrder] = []

    init(_ revision: GraphRevision, limits: ExecutionLimits = ExecutionLimits()) {
        graph = revision.graph
        machine = RunMachine(revision: revision, limits: limits)
    }

    /// A driver of a document whose execution has begun.
    init(_ document: String, initialState: JSONObject = [:], limits: ExecutionLimits = ExecutionLimits()) throws {
        self.init(try revision(document), limits: limits)
        step(.begin(initialState: initialState))
    }

    /// The lines since it was asked last.
    mutating func news() -> [String] {
        defer { shown = lines.count }
        return Array(lines[shown...])
    }

    mutating func succeed(_ id: String, _ update: JSONObject = [:]) {
        step(.nodeEnded(rank: rank(id), attempt: attempts[id] ?? 0, .success(update: update)))
    }

    mutating func fail(_ id: String, _ message: String = "failed") {
        step(.nodeEnded(rank: rank(id), attempt: attempts[id] ?? 0, .failure(NodeFailure(message))))
    }

    mutating func fail(_ id: String, askingForMilliseconds asked: Int64) {
        var failure = NodeFailure("busy")
        failure.retryAfterMilliseconds = asked
        step(.nodeEnded(rank: rank(id), attempt: attempts[id] ?? 0, .failure(failure)))
    }

    mutating func timeOut(_ id: String) {
        step(.nodeTimedOut(rank: rank(id), attempt: attempts[id] ?? 0))
    }

    mutating func retry(_ id: String) {
        step(.retryDue(rank: rank(id)))
    }

    /// Parks a node that began.
    mutating func park(_ id: String) {
        step(.nodeParked(rank: rank(id), attempt: attempts[id] ?? 0))
    }

    mutating func ask(_ id: String) {
        step(.nodeAsked(rank: rank(id), attempt: attempts[id] ?? 0, data: "?"))
    }

    @discardableResult
    mutating func answer(_ id: String, approved: Bool = true, voter: String? = nil, data: JSONText? = nil)
        -> AnswerVerdict
    {
        let answer = Answer(approved: approved, data: data, voter: voter)
        let verdict = machine.take(answer, rank: rank(id), at: now * 1_000_000)
        goOn()
        return verdict
    }

    mutating func passDeadline(_ id: String) {
        step(.deadlinePassed(rank: rank(id), attempt: attempts[id] ?? 0, atMicroseconds: 0))
    }

    mutating func output(_ id: String, _ data: JSONText, channel: String = "log") {
        step(.nodeOutput(rank: rank(id), attempt: attempts[id] ?? 0, channel: channel, data: data))
    }

    mutating func restore(_ body: EventRecord.Body, elapsedMicroseconds: Int64) {
        machine.restore(body, elapsedMicroseconds: elapsedMicroseconds)
    }

    mutating func step(_ input: RunMachine.Input) {
        machine.step(input, at: now * 1_000_000)
        goOn()
    }

    private mutating func goOn() {
        perform()
        while judgesAtOnce, let order = orders.popLast() {
            machine.step(.judged(rank: order.rank, order.verdicts(machine.revision)), at: now * 1_000_000)
            perform()
        }
        while let start = machine.nextStart(at: now * 1_000_000) {
            perform()
            attempts[graph.nodes[start.rank].id] = start.attempt
            inputs[graph.nodes[start.rank].id] = start.state.text.description
            // A delay waits from the start on.
            if graph.nodes[start.rank].parks, !graph.nodes[start.rank].asks {
                machine.step(.nodeParked(rank: start.rank, attempt: start.attempt), at: now * 1_000_000)
                perform()
            }
        }
    }

    /// The completion of a node's latest attempt.
    func completion(_ id: String) -> NodeCompletion? {
        bodies.lazy.compactMap { body -> NodeCompletion? in
            guard case .nodeComplete(let completion) = body, completion.rank == rank(id) else { return nil }
            return completion
        }.last
    }

    func rank(_ id: String) -> Int {
        graph.rank(ofNode: id)!
    }

    private mutating func perform() {
        let effects = machine.effects
        machine.effectsWereTaken()
        for effect in effects {
            if case .emit(let body, _) = effect {
                bodies.append(body)
                records.append(
                    EventRecord(timestampMicroseconds: Self.wallMicroseconds + Int64(now) * 1000, body: body))
            }
            if case .judge(let order) = effect {
                orders.append(order)
                if judgesAtOnce { continue }
            }
            lines.append(line(effect))
        }
    }

    private func line(_ effect: RunMachine.Effect) -> String {
        switch effect {
        case .emit(let body, _): return line(body)
        case .interrupt(let rank): return "interrupt \(graph.nodes[rank].id)"
        case .disarmTimeout(let rank): return "no timeout \(graph.nodes[rank].id)"
        case .armTimeout(let rank, _, let limit): return "timeout \(graph.nodes[rank].id) in \(limit)"
        case .park(let start, let elapsed): return "park \(graph.nodes[start.rank].id) for \(elapsed / 1000)"
        case .awaitAnswer(let rank, _, let limit):
            return "await \(graph.nodes[rank].id)" + (limit.map { " for \($0)" } ?? "")
        case .judge(let order): return "judge \(graph.nodes[order.rank].id)"
        case .dismissJudgement(let rank): return "dismiss \(graph.nodes[rank].id)"
        case .scheduleRetry(let rank, let delay): return "retry \(graph.nodes[rank].id) in \(delay)"
        case .finish(let status): return "finish \(status)"
        }
    }

    private func line(_ body: EventRecord.Body) -> String {
        switch body {
        case .start: return "start"
        case .nodeStart(let rank, let attempt): return "+\(graph.nodes[rank].id) \(attempt)"
        case .nodeOutput(let rank, _, let channel, let data): return "\(graph.nodes[rank].id) \(channel) \(data)"
        case .signalled(let rank, _, let answer): return "\(graph.nodes[rank].id) \(answer.approved ? "yes" : "no")"
        case .nodeComplete(let completion): return line(completion)
        case .complete(let status, _, let failed):
            return (["complete \(status)"] + failed.map { graph.nodes[$0].id }).joined(separator: " ")
        case .error: return "error"
        case .scopeOpened(let opening): return "(\(graph.nodes[opening.rank].id)"
        case .scopeClosed(let closing): return ")\(graph.nodes[closing.rank].id) \(closing.status)"
        }
    }

    private func line(_ completion: NodeCompletion) -> String {
        var words = "-\(graph.nodes[completion.rank].id) \(completion.attempt) \(completion.status)"
        if completion.willRetry { words += " again" }
        if !completion.taken.isEmpty {
            words += " →" + completion.taken.map { graph.nodes[graph.edges[$0].to].id }.joined(separator: ",")
        }
        return words
    }
}

extension JudgeOrder {
    /// What comes of the conditions, each judged in one go.
    func verdicts(_ revision: GraphRevision) -> EdgeVerdicts {
        var verdicts = EdgeVerdicts()
        for edge in edges {
            let run = revision.conditions[edge]!.begin(
                ConditionScope(state: state, nodes: nodes), budgetNanoseconds: .max)
            switch run.step(sliceNanoseconds: .max) {
            case .finished(true): verdicts.take(edge)
            case .finished(false): break
            case .failed(let failure): verdicts.fail(edge, to: revision.graph.edges[edge].to, failure)
            case .yielded, .waiting: preconditionFailure("conditions of tests are judged in one go")
            }
        }
        return verdicts
    }
}
