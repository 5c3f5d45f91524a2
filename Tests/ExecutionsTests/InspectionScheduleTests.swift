import Executions
import Graphs
import JSON
import Testing

/// Profiles and inspections of random runs. A failure names the seed, which alone makes the run again.
@Suite struct InspectionScheduleTests {
    private static let perBlock: UInt64 = 300

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `the critical path adds up to the wall time, and no slack is negative`(block: UInt64) throws {
        for seed in block * Self.perBlock..<(block + 1) * Self.perBlock {
            let scenario = try RandomScenario(seed: seed)
            for stop in [RandomSchedule.Stop.none, .cancel, .timeout] {
                var schedule = RandomSchedule(scenario, seed: seed, stop: stop)
                schedule.run()
                let problems = ProfileRules.violations(of: schedule.records, in: scenario.graph)
                guard problems.isEmpty else {
                    Issue.record("graph \(seed), \(stop): \(problems.joined(separator: "; "))")
                    return
                }
            }
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `all diffs in topological order turn the initial state into the final one`(block: UInt64) throws {
        for seed in block * Self.perBlock..<(block + 1) * Self.perBlock {
            let scenario = try RandomScenario(seed: seed, hasReducers: false)
            var schedule = RandomSchedule(scenario, seed: seed, stop: seed % 4 == 0 ? .cancel : .none)
            schedule.run()
            let problem = try differenceOfStates(schedule.records, scenario)
            #expect(problem == nil, "graph \(seed)")
            if problem != nil { return }
        }
    }

    private func differenceOfStates(_ records: [EventRecord], _ scenario: RandomScenario) throws -> String? {
        var patched = scenario.initialState.text
        var final = State(initial: scenario.initialState)
        for record in records {
            guard case .nodeComplete(let completion) = record.body, !completion.willRetry else { continue }
            final.apply(completion.update, rank: completion.rank)
        }
        for rank in scenario.graph.nodes.indices {
            var inspection = NodeInspection(graph: scenario.graph, rank: rank)
            for record in records { inspection.add(record) }
            guard let diff = inspection.diff, let input = inspection.input, let output = inspection.output else {
                continue
            }
            guard try JSONPatch.apply(diff, to: input.text).isEquivalent(to: output.text) else {
                return "the diff of \(rank) does not turn its input into its output"
            }
            patched = try JSONPatch.apply(diff, to: patched)
        }
        return patched.isEquivalent(to: final.text) ? nil : "\(patched) instead of \(final.text)"
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `a node's states are those that its events showed`(block: UInt64) throws {
        for seed in block * Self.perBlock..<(block + 1) * Self.perBlock {
            let scenario = try RandomScenario(seed: seed)
            var schedule = RandomSchedule(scenario, seed: seed)
            schedule.run()
            let shown = try StatesShown(schedule.records, scenario.revision)
            for rank in scenario.graph.nodes.indices {
                var inspection = NodeInspection(graph: scenario.graph, rank: rank)
                for record in schedule.records { inspection.add(record) }
                let hasStarted = shown.inputs[rank] != nil
                let isSame =
                    (!hasStarted || inspection.input?.text == shown.inputs[rank])
                    && inspection.output?.text == shown.outputs[rank]
                    && inspection.attempts.count == shown.starts[rank, default: 0]
                guard isSame else {
                    Issue.record("graph \(seed), rank \(rank)")
                    return
                }
            }
        }
    }
}

/// What an event stream shows of each node.
private struct StatesShown {
    var inputs: [Int: JSONText] = [:]
    var outputs: [Int: JSONText] = [:]
    var starts: [Int: Int] = [:]

    init(_ records: [EventRecord], _ revision: GraphRevision) throws {
        var renderer = EventRenderer(executionID: ExecutionID(rowID: 1, low: 0), revision: revision, detail: .full)
        for record in records {
            var writer = ByteWriter()
            renderer.render(record, to: &writer)
            let event = try JSONText(parsing: writer.bytes)
            switch record.body {
            case .nodeStart(let rank, _):
                inputs[rank] = event["input_state"]
                starts[rank, default: 0] += 1
            case .nodeComplete(let completion) where !completion.willRetry:
                outputs[completion.rank] = event["output_state"]
            default: break
            }
        }
    }
}

/// What holds of the profile of any execution, after each of its records.
private enum ProfileRules {
    static func violations(of records: [EventRecord], in graph: Graph) -> [String] {
        var builder = ProfileBuilder(graph: graph)
        for (index, record) in records.enumerated() {
            builder.add(record)
            let isLast = index == records.count - 1
            let now = record.timestampMicroseconds + Int64(index % 3) * 1000
            let profile = builder.profile(nowMicroseconds: now)
            var problems = violations(of: profile, in: graph)
            if profile.isFinal != isLast { problems.append("isFinal is \(profile.isFinal)") }
            if isLast { problems += differences(profile, records) }
            if !problems.isEmpty { return problems.map { "after \(index + 1) of \(records.count): \($0)" } }
        }
        return []
    }

    private static func violations(of profile: Profile, in graph: Graph) -> [String] {
        var problems: [String] = []
        var cursor: Int64 = 0
        for part in profile.criticalPath {
            if part.start != cursor || part.duration <= 0 { problems.append("a hole in the path at \(cursor)") }
            cursor = part.start + part.duration
            if let rank = part.rank, !profile.nodes[rank].isCritical { problems.append("\(rank) is on it with slack") }
        }
        if cursor != profile.wall { problems.append("the path ends at \(cursor) of \(profile.wall)") }
        for (rank, node) in profile.nodes.enumerated() {
            if let slack = node.slack, slack < 0 { problems.append("slack \(slack)") }
            var cursor = node.readyAt ?? 0
            for segment in node.segments {
                if segment.start != cursor || segment.duration < 0 { problems.append("a hole in \(rank) at \(cursor)") }
                cursor = segment.end
            }
            if cursor > profile.wall { problems.append("\(rank) goes on until \(cursor)") }
        }
        if let bottleneck = profile.bottleneck, !(0...1).contains(bottleneck.share) { problems.append("share") }
        return problems
    }

    /// The times against those that the records carry; both were cut to whole microseconds.
    private static func differences(_ profile: Profile, _ records: [EventRecord]) -> [String] {
        var problems: [String] = []
        var (runs, queues, attempts): ([Int: Int64], [Int: Int64], [Int: Int64]) = ([:], [:], [:])
        for record in records {
            switch record.body {
            case .nodeComplete(let completion) where completion.attempt > 0:
                runs[completion.rank, default: 0] +=
                    completion.durationMicroseconds + (completion.notes?.judgeMicroseconds ?? 0)
                queues[completion.rank, default: 0] += completion.queueMicroseconds
                attempts[completion.rank, default: 0] += 1
            case .complete(_, let duration, _), .error(_, _, let duration):
                if profile.wall != duration { problems.append("wall \(profile.wall) instead of \(duration)") }
            default: break
            }
        }
        for (rank, count) in attempts {
            let node = profile.nodes[rank]
            if abs(node.total(.run) - runs[rank, default: 0]) > 2 * count { problems.append("run of \(rank)") }
            // The last wait of one that was stopped has no record of its own.
            guard node.progress != .interrupted else { continue }
            let (told, found) = (queues[rank, default: 0], node.total(.queue))
            if abs(found - told) > 2 * count { problems.append("queue of \(rank): \(found) instead of \(told)") }
        }
        return problems
    }
}
