import Executions
import Graphs
import JSON
import Synchronization
import Testing

@testable import Executions

/// Conditions that take long: in slices, under a budget, and not for ever.
@Suite struct JudgingTests {
    private static let fan = """
        nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]
        edges: [{from: a, to: b, when: 'true'}, {from: a, to: c, when: broken}]
        """

    /// A condition that takes its CPU time, one slice after the other.
    private final class SlowCondition: EdgeCondition, ConditionRun {
        private let slices: Int
        private let nanosecondsEach: UInt64
        private let taken = Mutex(0)
        /// Turned on by a millisecond in each slice.
        private let clock: ManualClock?

        init(slices: Int, nanosecondsEach: UInt64, clock: ManualClock? = nil) {
            self.slices = slices
            self.nanosecondsEach = nanosecondsEach
            self.clock = clock
        }

        let readsNodes = false
        var cpuNanoseconds: UInt64 { UInt64(taken.withLock { $0 }) * nanosecondsEach }

        func begin(_ scope: ConditionScope, budgetNanoseconds: UInt64) -> any ConditionRun {
            SlowCondition(slices: slices, nanosecondsEach: nanosecondsEach, clock: clock)
        }

        func step(sliceNanoseconds: UInt64) -> ConditionStep {
            clock?.advance(milliseconds: 1)
            let count = taken.withLock { taken in
                taken += 1
                return taken
            }
            return count < slices ? .yielded : .finished(true)
        }
    }

    @Test func `a node's end is told once its edges are judged, and nothing behind it starts before`() throws {
        var run = MachineDriver(try revision(Self.fan))
        run.judgesAtOnce = false
        run.step(.begin(initialState: [:]))
        run.succeed("a", ["x": 1])
        #expect(run.news() == ["start", "+a 1", "judge a"])
        let order = try #require(run.orders.last)
        #expect(order.state.text == ["x": 1])
        run.step(.judged(rank: order.rank, order.verdicts(run.machine.revision)))
        #expect(run.news() == ["-a 1 success →b", "-c 0 error", "+b 1"])
        #expect(run.completion("a")?.notes?.broken.map(\.edge) == [1])
        // An answer that comes twice changes nothing.
        run.step(.judged(rank: order.rank, EdgeVerdicts()))
        #expect(run.news().isEmpty)
    }

    @Test(arguments: [RunMachine.Input.cancel, .executionTimedOut])
    func `a stop does not wait for conditions`(stop: RunMachine.Input) throws {
        var run = MachineDriver(try revision(Self.fan))
        run.judgesAtOnce = false
        run.step(.begin(initialState: [:]))
        run.succeed("a", ["x": 1])
        run.step(stop)
        #expect(run.news().contains("-a 1 cancelled"))
        #expect(run.completion("a")?.update.isEmpty == true)
        #expect(run.news().isEmpty)
    }

    @Test func `what is judged keeps its place`() throws {
        var run = MachineDriver(try revision(Self.fan + "\nlimits: {max_parallel_nodes: 1}\n"))
        run.judgesAtOnce = false
        run.step(.begin(initialState: [:]))
        run.succeed("a")
        #expect(run.machine.runningCount == 1)
        run.step(.judged(rank: 0, EdgeVerdicts()))
        #expect(run.machine.runningCount == 0)
    }

    @Test func `a condition is judged in slices, and others under one budget`() throws {
        let clock = ManualClock()
        let slow = SlowCondition(slices: 4, nanosecondsEach: 300)
        let graph = try revision(Self.fan, condition: { _ in slow })
        let order = JudgeOrder(rank: 0, edges: [0, 1], state: State(), nodes: [:])
        let id = try #require(ExecutionID("01234567-89ab-7000-8000-000000000001"))
        var judgement = Judgement(order, in: 0, of: id, budgetNanoseconds: 2_000)
        var steps = 1
        var verdicts = judgement.step(graph, clock)
        while verdicts == nil {
            steps += 1
            verdicts = judgement.step(graph, clock)
        }
        #expect(steps == 7)
        #expect(verdicts?.taken == [0, 1])
        var poor = Judgement(order, in: 0, of: id, budgetNanoseconds: 1_000)
        while let none = poor.step(graph, clock), none.taken.isEmpty { break }
        var end = poor.step(graph, clock)
        while end == nil { end = poor.step(graph, clock) }
        #expect(end?.taken == [0])
        #expect(end?.broken.map(\.edge) == [1])
        #expect(end?.broken.first?.failure.message.contains("together") == true)
    }

    @Test func `failures of ten thousand conditions stay small`() {
        var verdicts = EdgeVerdicts()
        let failure = NodeFailure(String(repeating: "x", count: 8_000), details: ["line": 1])
        for edge in 0..<10_000 { verdicts.fail(edge, to: edge, failure) }
        verdicts.fail(10_000, to: 9_999, failure)
        #expect(verdicts.broken.count == 10_000, "one for each target")
        let bytes = verdicts.broken.reduce(0) { $0 + $1.failure.message.utf8.count + $1.failure.details.byteCount }
        #expect(bytes < EdgeVerdicts.failureBytesMax + 10_000 * (EdgeVerdicts.shortMessageBytes + 2))
        #expect(verdicts.broken[0].failure == failure)
    }

    @Test func `a run goes on with other nodes while conditions take long, and can be cancelled`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let endless = SlowCondition(slices: .max, nanosecondsEach: 0, clock: engine.clock)
        let graph = try revision(
            """
            limits: {timeout_ms: 2000000000}
            nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}, {id: d, kind: test}]
            edges: [{from: a, to: b, when: 'x'}, {from: c, to: d}]
            """, body: { _ in quick() }, condition: { _ in endless })
        let log = try engine.start(graph)
        while try !engine.story(log).contains("-d success") { await engine.settle() }
        guard case .cancelled = await engine.cancel(log) else {
            Issue.record("what is judged can be cancelled")
            return
        }
        await engine.store.end(of: log)
        #expect(try engine.story(log).suffix(2) == ["-a cancelled", "complete cancelled"])
    }
}

@Suite struct NodeFailureTests {
    @Test(arguments: [8_191, 8_192, 8_193, 100_000])
    func `a message has 8 KiB at the most`(length: Int) {
        let failure = NodeFailure(String(repeating: "x", count: length))
        #expect(failure.message.utf8.count == min(length, 8_192))
        #expect(failure.message.hasSuffix("…") == (length > 8_192))
    }

    @Test func `no character is cut in two`() {
        for lead in 0..<4 {
            let failure = NodeFailure(String(repeating: "x", count: lead) + String(repeating: "🙂", count: 3_000))
            #expect(failure.message.utf8.count <= 8_192 && failure.message.utf8.count > 8_180)
            #expect(!failure.message.contains("\u{FFFD}"))
        }
    }

    @Test func `details beyond the bound are left out, and a word says so`() {
        let small: JSONObject = ["exit": 1, "text": JSONText(String(repeating: "x", count: 60_000))]
        #expect(NodeFailure("no", details: small).details == small)
        var large = small
        large["more"] = JSONText(String(repeating: "y", count: 60_000))
        let cut = NodeFailure("no", details: large).details
        #expect(cut.byteCount <= NodeFailure.detailsBytesMax)
        #expect(cut["exit"] == 1 && cut["text"] != nil && cut["more"] == nil)
        #expect(cut["dropped"]?.string?.contains("1 member") == true)
    }
}

extension Judgement {
    /// Nil while there is more to do.
    fileprivate mutating func step(_ revision: GraphRevision, _ clock: any Clock) -> EdgeVerdicts? {
        guard case .finished(let verdicts) = step(revision, nil, sliceNanoseconds: 100, clock) else { return nil }
        return verdicts
    }
}
