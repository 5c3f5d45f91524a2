import Graphs
import JSON
import Testing

@testable import Executions

/// Runs a tree with everything that may happen next happening in an order drawn from a seed, and dies now and then.
private struct TreeSchedule {
    private let scenario: TreeScenario
    private let crashes: Bool
    private var tree: ExecutionTree
    private var random: SeededGenerator
    private var now: UInt64 = 1_000_000
    private var pending: [ExecutionTree.Input] = []
    private var starts = 0
    private(set) var records: [EventRecord] = []
    private(set) var status: ExecutionStatus?
    private(set) var violations: [String] = []

    init(_ scenario: TreeScenario, seed: UInt64, crashes: Bool = false) {
        self.scenario = scenario
        self.crashes = crashes
        tree = ExecutionTree(revision: scenario.revision)
        random = SeededGenerator(seed: mix(scenario.seed, seed))
    }

    mutating func run(cancelAfter: Int? = nil) {
        starts = 1
        step(.inScope(0, .begin(initialState: ["list": []])))
        var steps = 0
        while status == nil {
            if steps == cancelAfter { step(.inScope(0, .cancel)) }
            if crashes, random.oneIn(9) { crash() }
            guard !pending.isEmpty else { break }
            step(pending.remove(at: Int.random(in: pending.indices, using: &random)))
            steps += 1
        }
    }

    private mutating func step(_ input: ExecutionTree.Input) {
        now += 1000
        tree.step(input, at: now)
        perform()
        goOn()
    }

    private mutating func goOn() {
        while true {
            if let (scope, start) = tree.nextStart(at: now) {
                perform()
                begin(start, in: scope)
            } else if tree.canAdvance {
                tree.advance(at: now)
                perform()
            } else {
                return
            }
        }
    }

    private mutating func begin(_ start: RunMachine.Start, in scope: Int32) {
        guard let revision = tree.revision(scope) else { return violations.append("a node of no scope starts") }
        let ref = NodeRef(scope: scope, rank: start.rank)
        if let body = revision.bodies[start.rank] as? ListBody {
            tree.hold(ref, attempt: start.attempt, body.emptyPlan(), start.state, at: now)
            return perform()
        }
        let path = tree.path(scope) + revision.graph.nodes[start.rank].id
        let outcome = scenario.outcome(path: path, state: start.state.text)
        pending.append(.inScope(scope, .nodeEnded(rank: start.rank, attempt: start.attempt, outcome)))
    }

    private mutating func perform() {
        var all = tree.effects
        tree.effectsWereTaken()
        all += tree.root.effects.map { .inScope(0, $0) }
        while !tree.root.effects.isEmpty { tree.root.effectsWereTaken() }
        for case .inScope(let scope, let effect) in all {
            switch effect {
            case .emit(let body, _):
                records.append(EventRecord(timestampMicroseconds: Int64(now / 1000), scope: scope, body: body))
            case .interrupt(let rank):
                // What holds scopes ends with the last of them.
                if tree.revision(scope)?.bodies[rank] is ListBody { continue }
                guard let attempt = tree.attempt(NodeRef(scope: scope, rank: rank)) else { continue }
                pending.append(
                    .inScope(scope, .nodeEnded(rank: rank, attempt: attempt, .failure(NodeFailure("cancelled")))))
            case .finish(let status): self.status = status
            default: violations.append("unexpected \(effect)")
            }
        }
    }

    /// What was stored, some records short of what has happened, is all that the next daemon knows.
    private mutating func crash() {
        records.removeLast(min(Int.random(in: 0...4, using: &random), records.count - 1))
        pending = []
        status = nil
        tree = ExecutionTree(revision: scenario.revision)
        starts = 1 + records.count { $0.scope == 0 && $0.body.isStart }
        do {
            for record in records {
                let elapsed = record.timestampMicroseconds - records[0].timestampMicroseconds
                try tree.restore(record, elapsedMicroseconds: elapsed, graphs: nil)
            }
        } catch {
            violations.append("it cannot be taken up: \(error.message)")
        }
        tree.resume(Resumption(attempt: starts, elapsedMicroseconds: Int64(now / 1000)), at: now)
        perform()
        goOn()
    }
}

@Suite struct ExecutionTreeTests {
    @Test(arguments: 0..<40 as Range<UInt64>) func `all schedules of a tree come to the same`(seed: UInt64) throws {
        let scenario = try TreeScenario(seed: seed)
        var expected: [String: String]?
        for schedule in 0..<4 as Range<UInt64> {
            var run = TreeSchedule(scenario, seed: schedule, crashes: schedule > 2)
            run.run()
            #expect(run.violations.isEmpty, "seed \(seed), schedule \(schedule)")
            #expect(violations(of: run.records).isEmpty, "seed \(seed), schedule \(schedule)")
            #expect(run.status != nil, "seed \(seed), schedule \(schedule)")
            let results = results(run.records)
            if let expected { #expect(results == expected, "seed \(seed), schedule \(schedule)") }
            expected = results
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>) func `a cancelled tree closes all that was open`(seed: UInt64) throws {
        var run = TreeSchedule(try TreeScenario(seed: seed), seed: 1)
        run.run(cancelAfter: Int(seed % 9))
        #expect(run.violations.isEmpty)
        var open: Set<Int32> = []
        for record in run.records {
            if case .scopeOpened(let opening) = record.body { open.insert(opening.scope) }
            if case .scopeClosed(let closing) = record.body { open.remove(closing.scope) }
        }
        #expect(open.isEmpty, "seed \(seed)")
        #expect(violations(of: run.records).isEmpty, "seed \(seed)")
    }

    @Test func `the places of a tree are those of its graph`() throws {
        for seed in 0..<24 as Range<UInt64> {
            let scenario = try TreeScenario(seed: seed)
            var run = TreeSchedule(scenario, seed: 7)
            run.run()
            var (running, most) = (0, 0)
            var revisions: [Int32: GraphRevision] = [0: scenario.revision]
            for record in run.records {
                guard let revision = revisions[record.scope] else { continue }
                switch record.body {
                // A node that holds scopes takes no place.
                case .nodeStart(let rank, _): if !(revision.bodies[rank] is ListBody) { running += 1 }
                case .nodeComplete(let completion) where completion.attempt > 0:
                    if !(revision.bodies[completion.rank] is ListBody) { running -= 1 }
                case .scopeOpened(let opening): revisions[opening.scope] = revision.nested[opening.rank]
                default: break
                }
                most = max(most, running)
            }
            #expect(most <= scenario.revision.graph.document.limits.maxParallelNodes, "seed \(seed)")
        }
    }

    /// By place: what each node of a scope, and each scope, has come to.
    private func results(_ records: [EventRecord]) -> [String: String] {
        var paths: [Int32: String] = [0: ""]
        var results: [String: String] = [:]
        for record in records {
            let path = paths[record.scope] ?? "?"
            switch record.body {
            case .scopeOpened(let opening): paths[opening.scope] = path + "/\(opening.rank).\(opening.index ?? -1)"
            case .scopeClosed(let closing):
                results[path + "/\(closing.rank).\(closing.index ?? -1)"] =
                    "\(closing.status) \(closing.value.map { "\($0)" } ?? closing.failure?.message ?? "")"
            case .nodeComplete(let completion):
                results[path + "/\(completion.rank)"] = "\(completion.status) \(completion.update)"
            case .complete(let status, _, let failed): results[""] = "\(status) \(failed)"
            case .start, .nodeStart, .nodeOutput, .signalled, .error: break
            }
        }
        return results
    }

    /// A scope's events lie between its opening and its closing, and what closed in success stays closed.
    private func violations(of records: [EventRecord]) -> [String] {
        var open: Set<Int32> = [0]
        var done: Set<String> = []
        var violations: [String] = []
        for (place, record) in records.enumerated() {
            if !open.contains(record.scope) { violations.append("event \(place + 1) lies in scope \(record.scope)") }
            switch record.body {
            case .scopeOpened(let opening):
                let name = "\(record.scope)/\(opening.rank)/\(opening.index ?? -1)"
                if done.contains(name) { violations.append("\(name) is opened again") }
                if !open.insert(opening.scope).inserted { violations.append("\(opening.scope) is open") }
            case .scopeClosed(let closing):
                if open.remove(closing.scope) == nil { violations.append("\(closing.scope) closes twice") }
                if closing.status == .success {
                    done.insert("\(record.scope)/\(closing.rank)/\(closing.index ?? -1)")
                }
            default: break
            }
        }
        return violations
    }
}
