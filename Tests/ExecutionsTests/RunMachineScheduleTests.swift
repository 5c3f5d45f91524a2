import Executions
import Graphs
import JSON
import Testing

/// 3,200 random graphs, each under several schedules, and run again from some node on. A failure names the seed, which alone
/// makes the graph again.
@Suite struct RunMachineScheduleTests {
    private static let perBlock: UInt64 = 400

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `every schedule ends as the contract says`(block: UInt64) throws {
        for seed in block * Self.perBlock..<(block + 1) * Self.perBlock {
            let scenario = try RandomScenario(seed: seed)
            let reference = ReferenceEvaluator(scenario, initial: scenario.initialState)
            var problems = stopped(scenario, seed % 2 == 0 ? .cancel : .timeout)
            for schedule in 0..<2 as Range<UInt64> {
                problems +=
                    scenario.mayStop ? stoppable(scenario, schedule) : complete(scenario, schedule, .none, reference)
            }
            if !scenario.mayStop {
                problems += complete(scenario, 7, .crashes, reference)
                problems += try again(scenario, reference, .none) + again(scenario, reference, .crashes)
            }
            guard problems.isEmpty else {
                Issue.record("graph \(seed): \(problems.joined(separator: "; "))")
                return
            }
        }
    }

    /// Runs it again from some node on, with other results wherever something is run or decided again.
    private func again(
        _ scenario: RandomScenario, _ first: ReferenceEvaluator, _ stop: RandomSchedule.Stop
    ) throws -> [String] {
        var random = SeededGenerator(seed: mix(scenario.seed, 17))
        let changed = try scenario.changed(by: 3)
        let graph = scenario.graph
        var schedule = RandomSchedule(scenario, seed: 5)
        schedule.run()
        var results = ExecutionResults(of: graph)
        for record in schedule.records { results.take(record) }
        let failed = Set(first.nodes.indices.filter { first.nodes[$0].status == .error })
        let goesByFailed = random.oneIn(4) && !failed.isEmpty
        let ranks = Set(
            (0..<Int.random(in: 1...2, using: &random)).map { _ in graph.nodes.indices.randomElement(using: &random)! })
        let from = goesByFailed ? failed : ranks
        let edits: JSONObject = random.oneIn(2) ? [:] : ["k0": 70, "list": ["edited"], "sum": 7]
        let plan = RerunPlan(
            results, on: changed.graph, from: goesByFailed ? .failed : .nodes(from.map { graph.nodes[$0].id }),
            edits: edits)
        let reference = ReferenceEvaluator(
            changed, initial: plan.initialState,
            rerun: .init(from: from, edits: Array(edits.keys), earlier: first.nodes))
        let affected = { (rank: Int) in plan.takeover.results[rank] == nil }
        return complete(changed, 11, stop, reference, plan).map { "again: \($0)" }
            + graph.nodes.indices.compactMap { rank in
                let mustRun = from.contains(rank)
                return mustRun && !affected(rank) ? "again: \(rank) is taken over" : nil
            }
    }

    /// Nobody stops it, and what crashes cut off is taken up again: it ends as the reference says.
    private func complete(
        _ scenario: RandomScenario, _ seed: UInt64, _ stop: RandomSchedule.Stop, _ reference: ReferenceEvaluator,
        _ plan: RerunPlan? = nil
    ) -> [String] {
        var schedule = RandomSchedule(
            scenario, seed: seed, stop: stop, takeover: plan?.takeover ?? Takeover())
        let initialState = plan?.initialState ?? scenario.initialState
        schedule.run(initialState: initialState)
        var problems = EventRules.violations(of: schedule.events, in: scenario.graph, mustEnd: true)
        problems += schedule.violations
        let isFailed = reference.nodes.contains { $0.status == .error }
        if schedule.finished != [isFailed ? .error : .success] { problems.append("finished as \(schedule.finished)") }
        var final = State(initial: initialState, reducers: scenario.graph.reducerOfKey)
        for case .nodeComplete(let completion) in schedule.events where !completion.willRetry {
            let interruptions = schedule.interruptions[completion.rank, default: 0]
            problems += differences(completion, interruptions, reference.node(completion.rank))
            final.apply(completion.update, rank: completion.rank)
        }
        for (rank, inputs) in schedule.inputs where inputs.contains(where: { $0 != reference.node(rank).input }) {
            problems.append("input of \(rank): \(inputs), not \(reference.node(rank).input)")
        }
        if final.text != reference.finalState {
            problems.append("final state \(final.text), not \(reference.finalState)")
        }
        return problems
    }

    private func differences(
        _ completion: NodeCompletion, _ interruptions: Int, _ expected: ReferenceEvaluator.Node
    ) -> [String] {
        var differences: [String] = []
        if completion.firstStatus != expected.status {
            differences.append("\(completion.rank) is \(completion.status)")
        }
        if completion.attempt - interruptions != expected.attempts {
            differences.append("\(completion.rank) took \(completion.attempt) attempts")
        }
        if completion.update != expected.update { differences.append("\(completion.rank) gave \(completion.update)") }
        if completion.taken != expected.taken {
            differences.append("\(completion.rank) took the edges \(completion.taken)")
        }
        return differences
    }

    private func stoppable(_ scenario: RandomScenario, _ seed: UInt64) -> [String] {
        var schedule = RandomSchedule(scenario, seed: seed)
        schedule.run()
        let graph = scenario.graph
        let failures = schedule.events.compactMap { event -> Int? in
            guard case .nodeComplete(let completion) = event, completion.status == .error, !completion.willRetry else {
                return nil
            }
            return completion.rank
        }
        let stopper = failures.first { graph.nodes[$0].onError == .stop }
        var problems =
            EventRules.violations(of: schedule.events, in: graph, mustEnd: stopper == nil) + schedule.violations
        if schedule.finished != [failures.isEmpty ? .success : .error] {
            problems.append("finished as \(schedule.finished)")
        }
        guard let stopper else { return problems }
        let end = schedule.events.firstIndex { event in
            if case .nodeComplete(let completion) = event {
                completion.rank == stopper && !completion.willRetry
            } else {
                false
            }
        }
        problems += behindStop(schedule.events[(end! + 1)...])
        return problems
    }

    private func stopped(_ scenario: RandomScenario, _ stop: RandomSchedule.Stop) -> [String] {
        var schedule = RandomSchedule(scenario, seed: 99, stop: stop)
        schedule.run()
        guard let count = schedule.eventsBeforeStop else {
            return EventRules.violations(of: schedule.events, in: scenario.graph, mustEnd: !scenario.mayStop)
        }
        var problems = EventRules.violations(of: schedule.events, in: scenario.graph, mustEnd: false)
        problems += behindStop(schedule.events[count...]) + schedule.violations
        let ended: ExecutionStatus = stop == .cancel ? .cancelled : .failed
        let isExpected = schedule.finished == [ended] || scenario.mayStop && schedule.finished == [.error]
        if !isExpected { problems.append("finished as \(schedule.finished)") }
        return problems
    }

    /// After a stop nothing starts, and what ends was running and is cancelled.
    private func behindStop(_ events: ArraySlice<EventRecord.Body>) -> [String] {
        events.compactMap { event in
            switch event {
            case .nodeStart(let rank, _): "\(rank) starts after the stop"
            case .nodeComplete(let completion) where completion.status != .cancelled:
                "\(completion.rank) ends as \(completion.status) after the stop"
            default: nil
            }
        }
    }
}

extension Graph {
    var reducerOfKey: [JSONKey: Reducer] {
        Dictionary(uniqueKeysWithValues: document.reducers.map { ($0.key, $0.value) })
    }
}
