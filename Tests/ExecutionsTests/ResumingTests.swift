import Executions
import Graphs
import JSON
import Synchronization
import Testing

/// From one daemon to the next: two services on one store.
@Suite struct ResumingTests {
    private func next(after engine: Engine) throws -> Engine {
        try Engine(threads: 1, store: engine.store)
    }

    @Test func `a held run lets nodes end, starts none, and is quiet then`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let held = HeldNodes()
        let log = try engine.start(try manyNodes(2, isChain: true) { _ in held.body })
        await held.arrivals(1)
        engine.service.hold()
        await engine.settle()
        #expect(!engine.service.isQuiet)
        held.release("n0", in: log)
        await engine.settle()
        #expect(engine.service.isQuiet)
        #expect(try engine.story(log) == ["start", "+n0", "-n0 success"])
    }

    @Test func `what is admitted while all is held waits for the next daemon`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        engine.service.hold()
        let log = try engine.start(try manyNodes(1, isChain: true), ["k": 1])
        #expect(engine.service.isQuiet)
        #expect(engine.service.counts == (0, 1))
        let second = try next(after: engine)
        defer { second.stop() }
        let summary = try #require(try engine.store.execution(log.id))
        second.service.takeUp([LeftExecution(summary: summary, graph: log.graph)])
        await second.end(of: log.id)
        #expect(try second.story(log) == ["start", "+n0", "-n0 success", "complete success"])
        guard case .start(1, let initial) = try second.store.events(of: log.id)[0].body else {
            return #expect(Bool(false))
        }
        #expect(initial == ["k": 1])
    }

    @Test func `a held run that only computes goes on to its end`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let isFirst = Mutex(true)
        let log = try engine.start(
            try manyNodes(3, isChain: true) { _ in
                quick(onlyComputes: true) { [service = engine.service] _ in
                    if isFirst.withLock({ exchange(&$0, with: false) }) { service.hold() }
                    return .success(update: [:])
                }
            })
        await engine.store.end(of: log)
        #expect(log.summary.status == .success)
        await engine.settle()
        #expect(engine.service.isQuiet)
    }

    @Test func `what only computes is admitted while all is held, and runs to its end`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        engine.service.hold()
        let log = try engine.start(try manyNodes(3, isChain: true) { _ in quick(onlyComputes: true) })
        await engine.store.end(of: log)
        #expect(log.summary.status == .success)
        let mixed = try engine.start(try manyNodes(3, isChain: true) { quick(onlyComputes: $0.id != "n2") })
        await engine.settle()
        #expect(mixed.summary.status == .queued)
        #expect(engine.service.isQuiet)
    }

    @Test func `a chain that only computes holds up nobody who interrupts it`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let reached = Mutex(0)
        let log = try engine.start(
            try manyNodes(1_000, isChain: true) { _ in
                quick(onlyComputes: true) { [service = engine.service, clock = engine.clock] _ in
                    let count = reached.withLock { count in
                        count += 1
                        return count
                    }
                    if count == 10 { service.hold() }
                    if count == 20 { service.interrupt() }
                    // Longer than the slice after which a run gives its thread back and takes note of what has happened.
                    if count == 20 { clock.advance(milliseconds: 5) }
                    return .success(update: [:])
                }
            })
        while !engine.service.isQuiet { await engine.settle() }
        // The run looks at the time before each node.
        #expect(reached.withLock { $0 } <= 21)
        #expect(log.summary.status == .running)
        // Nothing at all starts now.
        let late = try engine.start(try manyNodes(1, isChain: true) { _ in quick(onlyComputes: true) })
        await engine.settle()
        #expect(late.summary.status == .queued)
        #expect(engine.service.isQuiet)
    }

    @Test func `an interrupted run says nothing more, and goes on in the next daemon`() async throws {
        let engine = try Engine(threads: 1)
        let (first, held) = (HeldNodes(), HeldNodes())
        let log = try engine.start(
            try manyNodes(2, isChain: true) { _ in
                ClosureBody { ($0.nodeID == "n0" && $0.attempt == 1 ? first : held).body.start($0) }
            })
        await first.arrivals(1)
        engine.service.interrupt()
        while !engine.service.isQuiet { await engine.settle() }
        #expect(try engine.story(log) == ["start", "+n0"])
        engine.stop()

        let second = try next(after: engine)
        defer { second.stop() }
        let summary = try #require(try engine.store.execution(log.id))
        second.service.takeUp([LeftExecution(summary: summary, graph: log.graph)])
        let again = try #require(second.service.log(of: log.id))
        await held.arrivals(1)
        held.release("n0", in: log)
        await held.arrivals(2)
        held.release("n1", in: log)
        await second.store.end(of: again)
        #expect(
            try second.story(again) == [
                "start", "+n0", "start", "+n0", "-n0 success", "+n1", "-n1 success", "complete success",
            ])
        #expect(again.summary.attempt == 2)
    }

    @Test func `what was admitted but had not begun when all is interrupted is left to the next daemon`() async throws {
        let engine = try Engine(threads: 1)
        let gate = Semaphore()
        engine.pool.submit { gate.wait() }
        let log = try engine.start(try manyNodes(2, isChain: true) { _ in quick() }, ["k": 1])
        engine.service.interrupt()
        gate.signal()
        while !engine.service.isQuiet { await engine.settle() }
        #expect(try engine.story(log) == ["start"])
        engine.stop()

        let second = try next(after: engine)
        defer { second.stop() }
        let summary = try #require(try engine.store.execution(log.id))
        second.service.takeUp([LeftExecution(summary: summary, graph: log.graph)])
        await second.end(of: log.id)
        #expect(
            try second.story(log) == [
                "start", "start", "+n0", "-n0 success", "+n1", "-n1 success", "complete success",
            ])
    }

    @Test func `a cancel of what waits for the next daemon holds`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        engine.service.hold()
        let log = try engine.start(try manyNodes(1, isChain: true) { _ in quick() })
        engine.service.interrupt()
        guard case .cancelled = await engine.cancel(log) else {
            Issue.record("what waits can be cancelled")
            return
        }
        await engine.store.end(of: log)
        #expect(try engine.story(log) == ["start", "complete cancelled"])
    }

    @Test func `one that cannot go on fails, and says why`() async throws {
        let engine = try Engine(threads: 1)
        let held = HeldNodes()
        let log = try engine.start(try manyNodes(1, isChain: true) { _ in held.body })
        await held.arrivals(1)
        engine.service.interrupt()
        while !engine.service.isQuiet { await engine.settle() }
        engine.stop()
        let second = try next(after: engine)
        defer { second.stop() }
        let summary = try #require(try engine.store.execution(log.id))
        second.service.takeUp([LeftExecution(summary: summary, graph: log.graph, failure: "no such kind")])
        await second.end(of: log.id)
        #expect(try second.story(log) == ["start", "+n0", "start", "error no such kind"])
        #expect(try second.store.execution(log.id)?.status == .failed)
    }

    /// A delay of a minute.
    private struct Minute: NodeBody {
        let delayMilliseconds: Int64? = 60_000
        func start(_ call: NodeCall) -> NodeStart { .parked(NodeWait(milliseconds: 60_000)) }
    }

    @Test(arguments: [false, true])
    func `time without a daemon counts for an execution's limit where a delay passes, and else not`(
        hasDelay: Bool
    ) async throws {
        let engine = try Engine(threads: 1)
        let (first, held) = (HeldNodes(), HeldNodes())
        let nodes = "{id: n0, kind: test}" + (hasDelay ? ", {id: d, kind: delay}" : "")
        let graph = try revision(
            "limits: {timeout_ms: 10000}\nnodes: [\(nodes)]",
            body: { node in
                guard node.kind != "delay" else { return Minute() }
                return ClosureBody { ($0.attempt == 1 ? first : held).body.start($0) }
            })
        let log = try engine.start(graph)
        await first.arrivals(1)
        engine.clock.advance(milliseconds: 3_000)
        first.output("n0", in: log)?.emit("log", "after three seconds")
        await engine.settle()
        engine.service.interrupt()
        while !engine.service.isQuiet { await engine.settle() }
        engine.stop()

        let second = try next(after: engine)
        defer { second.stop() }
        second.clock.advance(milliseconds: 3_000 + 60_000)
        let summary = try #require(try engine.store.execution(log.id))
        second.service.takeUp([LeftExecution(summary: summary, graph: graph)])
        // With the delay its time is over already: nothing starts any more.
        if !hasDelay {
            await held.arrivals(1)
            await second.settle()
            second.clock.advance(milliseconds: 6_900)
            await second.settle()
            #expect(try second.store.execution(log.id)?.status == .running)
        }
        second.clock.advance(milliseconds: hasDelay ? 0 : 100)
        await second.end(of: log.id)
        #expect(try second.store.execution(log.id)?.status == .failed)
        #expect(try second.story(log).last == "error the execution took longer than limits.timeout_ms (10000 ms)")
    }
}
