import Executions
import Graphs
import JSON
import Testing

/// Executions that a daemon may have died of.
@Suite struct HeldExecutionTests {
    private func summary(_ engine: Engine, _ log: EventLog) throws -> ExecutionSummary {
        try #require(try engine.store.execution(log.id))
    }

    private func next(after engine: Engine, deathsMax: Int = 3) throws -> Engine {
        var limits = ExecutionService.Limits()
        limits.deathsMax = deathsMax
        return try Engine(threads: 1, limits: limits, store: engine.store)
    }

    /// A service that is left as a daemon leaves its history when it is killed.
    private func abandoned(_ graph: GraphRevision, _ held: HeldNodes) async throws -> (Engine, EventLog) {
        let engine = try Engine(threads: 1)
        let log = try engine.start(graph)
        await held.arrivals(1)
        await engine.settle()
        engine.stop()
        return (engine, log)
    }

    @Test func `a death counts while a node runs, and no more once one has ended`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let held = HeldNodes()
        let log = try engine.start(try manyNodes(2, isChain: true) { _ in held.body })
        await held.arrivals(1)
        await engine.settle()
        #expect(try summary(engine, log).deaths == 1)
        held.release("n0", in: log)
        await held.arrivals(2)
        await engine.settle()
        #expect(try summary(engine, log).deaths == 0)
        held.release("n1", in: log)
        await engine.store.end(of: log)
    }

    @Test func `what only waits has no part in a death`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let delay = try revision("nodes: [{id: n, kind: delay, config: {duration_ms: 1000}}]") { _ in
            ClosureBody { _ in .parked(NodeWait(milliseconds: 1000)) }
        }
        let log = try engine.start(delay)
        await engine.settle()
        #expect(try summary(engine, log).status == .running)
        #expect(try summary(engine, log).deaths == 0)
        engine.clock.advance(milliseconds: 1000)
        await engine.store.end(of: log)
    }

    @Test func `a death long after the take-up does not count`() async throws {
        var limits = ExecutionLimits()
        limits.heldWithinMilliseconds = 5_000
        let engine = try Engine(threads: 1, executionLimits: limits)
        defer { engine.stop() }
        let held = HeldNodes()
        let log = try engine.start(try manyNodes(1, isChain: true) { _ in held.body })
        await held.arrivals(1)
        await engine.settle()
        engine.clock.advance(milliseconds: 4_999)
        await engine.settle()
        #expect(try summary(engine, log).deaths == 1)
        engine.clock.advance(milliseconds: 1)
        await engine.settle()
        #expect(try summary(engine, log).deaths == 0)
        held.releaseAll()
        await engine.store.end(of: log)
    }

    @Test func `the third death in a row has an execution held, which is resumed from where it was`() async throws {
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        var (engine, log) = try await abandoned(graph, held)
        for deaths in 2...3 {
            engine = try next(after: engine)
            engine.service.takeUp(
                [LeftExecution(summary: try summary(engine, log), graph: graph)], TakeUp(isAfterStop: false))
            await held.arrivals(deaths)
            #expect(try summary(engine, log).deaths == deaths, "it is stored before the node starts")
            engine.stop()
        }
        engine = try next(after: engine)
        defer { engine.stop() }
        engine.service.takeUp(
            [LeftExecution(summary: try summary(engine, log), graph: graph)], TakeUp(isAfterStop: false))
        await engine.settle()
        #expect(try summary(engine, log).status == .held)
        #expect(engine.service.heldCount == 1)
        #expect(engine.service.isQuiet)
        engine.service.checkInvariants()
        guard case .resumed = engine.service.resume(log.id) else { return #expect(Bool(false)) }
        guard case .notHeld = engine.service.resume(log.id) else { return #expect(Bool(false)) }
        await held.arrivals(4)
        #expect(try summary(engine, log).deaths == 1, "as of a new one")
        held.releaseAll()
        await engine.end(of: log.id)
        #expect(try summary(engine, log).status == .success)
        #expect(try summary(engine, log).attempt == 4)
    }

    @Test func `deaths below the limit, a limit of none and a clean stop hold nobody`() async throws {
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        let (engine, log) = try await abandoned(graph, held)
        var left = try summary(engine, log)
        let cases: [(deaths: Int, deathsMax: Int, isAfterStop: Bool)] = [(2, 3, false), (100, 0, false), (3, 3, true)]
        for (index, each) in cases.enumerated() {
            let next = try next(after: engine, deathsMax: each.deathsMax)
            defer { next.stop() }
            left.deaths = each.deaths
            next.service.takeUp(
                [LeftExecution(summary: left, graph: graph)], TakeUp(isAfterStop: each.isAfterStop))
            await held.arrivals(index + 2)
            #expect(next.service.heldCount == 0)
            if each.isAfterStop { #expect(try summary(next, log).deaths == 1) }
        }
    }

    @Test func `one that is held is cancelled without running anything`() async throws {
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        let (engine, log) = try await abandoned(graph, held)
        let second = try next(after: engine)
        defer { second.stop() }
        second.service.takeUp(
            [LeftExecution(summary: try summary(engine, log), graph: graph)], TakeUp(holdsAll: true))
        await second.settle()
        #expect(try summary(second, log).status == .held)
        guard case .cancelled = await second.cancel(log) else { return #expect(Bool(false)) }
        await second.end(of: log.id)
        #expect(try second.story(log) == ["start", "+n0", "start", "complete cancelled"])
        #expect(held.arrivals == 1)
        second.service.checkInvariants()
    }

    @Test func `what was queued when all is held goes back into the queue with its state`() async throws {
        let first = try Engine(threads: 1)
        first.service.hold()
        let graph = try manyNodes(1, isChain: true) { _ in quick() }
        let log = try first.start(graph, ["k": 1])
        first.stop()
        let second = try next(after: first)
        second.service.takeUp([LeftExecution(summary: try summary(first, log), graph: graph)], TakeUp(holdsAll: true))
        await second.settle()
        #expect(try summary(second, log).status == .held)
        second.stop()
        // It stays so in a daemon that takes up what it finds.
        let third = try next(after: second)
        defer { third.stop() }
        third.service.takeUp([LeftExecution(summary: try summary(second, log), graph: graph)])
        await third.settle()
        #expect(third.service.heldCount == 1)
        #expect(third.service.resumeAllHeld().count == 1)
        await third.end(of: log.id)
        guard case .start(1, let initial) = try third.store.events(of: log.id)[0].body else {
            return #expect(Bool(false))
        }
        #expect(initial == ["k": 1])
    }

    @Test func `whoever cancels what is not known yet waits until all is`() async throws {
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        let (engine, log) = try await abandoned(graph, held)
        let second = try next(after: engine)
        defer { second.stop() }
        second.service.willTakeUp()
        async let result = second.cancel(log)
        await second.settle()
        second.service.takeUp([LeftExecution(summary: try summary(engine, log), graph: graph)])
        second.service.hasTakenUp()
        guard case .cancelled = await result else { return #expect(Bool(false)) }
        await second.end(of: log.id)
        #expect(try summary(second, log).status == .cancelled)
    }

    @Test func `take-up goes oldest first, and by the places there are`() async throws {
        let first = try Engine(threads: 1)
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        let logs = try (0..<6).map { _ in try first.start(graph) }
        await held.arrivals(6)
        await first.settle()
        first.stop()
        var limits = ExecutionService.Limits()
        limits.runningMax = 2
        let second = try Engine(threads: 1, limits: limits, store: first.store)
        defer { second.stop() }
        second.service.takeUp(
            try logs.map { LeftExecution(summary: try summary(first, $0), graph: graph) })
        await held.arrivals(8)
        await second.settle()
        #expect(second.service.counts == (2, 4))
        second.service.checkInvariants()
        #expect(try logs.map { try summary(second, $0).attempt } == [2, 2, 1, 1, 1, 1])
        // One that waits is cancelled in its place.
        guard case .cancelled = await second.cancel(logs[4]) else { return #expect(Bool(false)) }
        await second.end(of: logs[4].id)
        for (index, log) in logs.enumerated() where index != 4 {
            held.release("n0", in: log)
            if index < 3 { await held.arrivals(9 + index) }
        }
        for log in logs {
            held.releaseAll()
            await second.end(of: log.id)
        }
        await second.settle()
        second.service.checkInvariants()
    }
}
