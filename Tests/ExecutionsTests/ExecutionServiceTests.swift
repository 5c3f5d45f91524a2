import Executions
import Graphs
import JSON
import Synchronization
import Testing

@Suite struct ExecutionServiceTests {
    @Test func `a request's state is laid over the document's, key by key`() async throws {
        let engine = try Engine()
        defer { engine.stop() }
        let graph = try revision("initial_state: {a: 1, b: 1}\nnodes: [{id: n, kind: test}]") { _ in
            quick { .success(update: ["seen": $0.state.text]) }
        }
        let log = try engine.start(graph, ["b": 2, "c": 3])
        await engine.store.end(of: log)
        guard case .start(_, let initial) = try engine.store.events(of: log.id)[0].body else {
            return #expect(Bool(false))
        }
        #expect(initial.description == #"{"a":1,"b":2,"c":3}"#)
    }

    @Test func `the log is prepared before anything happens to it`() async throws {
        var limits = ExecutionService.Limits()
        limits.runningMax = 1
        let engine = try Engine(limits: limits)
        defer { engine.stop() }
        let graph = try manyNodes(1, isChain: true) { _ in quick() }
        var logs: [EventLog] = []
        for _ in 0..<500 {
            let log = try engine.service.start(graph, initialState: [:]) { log in
                #expect(log.summary.lastSeq == 0 && log.visibleSeq == -1)
                #expect(engine.service.log(of: log.id) == nil, "nobody can find it yet")
            }
            logs.append(log)
        }
        for log in logs { await engine.store.end(of: log) }
    }

    @Test func `new limits hold at once, for what waits and for what comes`() async throws {
        var limits = ExecutionService.Limits()
        limits.runningMax = 1
        let engine = try Engine(limits: limits)
        defer { engine.stop() }
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        let logs = try (0..<4).map { _ in try engine.start(graph) }
        await held.arrivals(1)
        #expect(engine.service.counts == (1, 3))

        limits.runningMax = 3
        limits.queuedMax = 1
        engine.service.change(limits)
        await held.arrivals(3)
        #expect(engine.service.counts == (3, 1))
        #expect(throws: ExecutionService.AdmissionError.queueFull) { try engine.start(graph) }

        // Fewer may run: nobody is thrown out, and nobody begins.
        limits.runningMax = 1
        limits.execution.stateBytesMax = 10
        engine.service.change(limits)
        held.release("n0", in: logs[0], .success(update: ["text": "longer than ten bytes"]))
        await engine.store.end(of: logs[0])
        await engine.settle()
        #expect(engine.service.counts == (2, 1))
        #expect(logs[0].summary.status == .success, "it keeps the limits that it began with")

        let big: JSONObject = ["text": "longer than ten bytes"]
        limits.queuedMax = 2
        engine.service.change(limits)
        let late = try engine.start(graph)
        for arrived in [4, 5] {
            held.releaseAll()
            await held.arrivals(arrived)
        }
        held.release("n0", in: late, .success(update: big))
        await engine.store.end(of: late)
        #expect(late.summary.status == .error)
    }

    @Test func `beyond the places to run executions wait, and beyond the places to wait they are refused`() async throws
    {
        var limits = ExecutionService.Limits()
        limits.runningMax = 2
        limits.queuedMax = 3
        let engine = try Engine(limits: limits)
        defer { engine.stop() }
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        let logs = try (0..<5).map { _ in try engine.start(graph) }
        #expect(throws: ExecutionService.AdmissionError.queueFull) { try engine.start(graph) }
        #expect(engine.service.counts == (2, 3))
        await held.arrivals(2)
        #expect(logs.map(\.summary.status) == [.running, .running, .queued, .queued, .queued])
        #expect(logs[4].visibleSeq == 0, "a queued execution is stored")
        #expect(engine.service.unfinished.count == 5)

        held.release("n0", in: logs[1])
        await engine.store.end(of: logs[1])
        await held.arrivals(3)
        #expect(logs[2].summary.status == .running, "first come, first served")
        let late = try engine.start(graph)
        #expect(throws: ExecutionService.AdmissionError.queueFull) { try engine.start(graph) }
        for arrived in 4...6 {
            held.releaseAll()
            await held.arrivals(arrived)
        }
        held.releaseAll()
        for log in logs + [late] { await engine.store.end(of: log) }
        await engine.settle()
        #expect(engine.service.counts == (0, 0))
    }

    @Test func `a queued execution that is cancelled starts and ends, and never runs`() async throws {
        var limits = ExecutionService.Limits()
        limits.runningMax = 1
        let engine = try Engine(threads: 1, limits: limits)
        defer { engine.stop() }
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        let (first, second, third) = (try engine.start(graph), try engine.start(graph), try engine.start(graph))
        guard case .cancelled(let log, let change) = await engine.cancel(second) else { return #expect(Bool(false)) }
        #expect(log === second && change == log.change && log.summary.lastSeq == 2)
        await engine.store.end(of: second)
        #expect(try engine.story(second) == ["start", "complete cancelled"])
        await engine.settle()
        #expect(engine.service.counts == (1, 1), "its place is free again, and the next in the queue did not jump in")
        held.release("n0", in: first)
        await held.arrivals(2)
        held.release("n0", in: third)
        await engine.store.end(of: third)
        #expect(held.arrivals == 2)
    }

    @Test func `a cancel while nodes run ends them, and starts nothing`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let held = HeldNodes()
        let graph = try revision(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]\nedges: [{from: a, to: c}]"
        ) { _ in held.body }
        let log = try engine.start(graph)
        await held.arrivals(2)
        guard case .cancelled(_, let change) = await engine.cancel(log) else { return #expect(Bool(false)) }
        #expect(change >= 2, "what was before the cancel is covered by the change")
        await engine.store.end(of: log)
        #expect(
            Set(try engine.story(log)) == ["start", "+a", "+b", "-a cancelled", "-b cancelled", "complete cancelled"])
        #expect(log.summary.status == .cancelled)
    }

    @Test func `a cancel is repeated without harm, and comes too late for what has finished`() async throws {
        let engine = try Engine(threads: 1, commitsAtOnce: false)
        defer { engine.stop() }
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        let (log, other) = (try engine.start(graph), try engine.start(graph))
        await held.arrivals(2)
        held.release("n0", in: other)
        await engine.settle()
        async let first = engine.cancel(log)
        async let second = engine.cancel(log)
        for result in await [first, second] {
            switch result {
            case .cancelled, .alreadyFinished: break
            case .unknown: Issue.record("it is known until its end is visible")
            }
        }
        await engine.settle()
        guard case .alreadyFinished = await engine.cancel(other) else { return #expect(Bool(false)) }
        engine.store.commit()
        #expect(log.summary.status == .cancelled && other.summary.status == .success)
        guard case .unknown = await engine.cancel(other) else { return #expect(Bool(false)) }
    }

    @Test func `an execution is known until its end is visible`() async throws {
        let engine = try Engine(threads: 1, commitsAtOnce: false)
        defer { engine.stop() }
        let log = try engine.start(try manyNodes(1, isChain: true) { _ in quick() })
        await engine.settle()
        #expect(log.summary.status == .success)
        #expect(engine.service.log(of: log.id) === log)
        #expect(log.visibleSeq == -1)
        engine.store.commit()
        #expect(log.isFinishedAndVisible)
        #expect(engine.service.log(of: log.id) == nil)
    }

    @Test func `a closed service admits nobody, and what runs goes on`() async throws {
        let engine = try Engine()
        defer { engine.stop() }
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        let log = try engine.start(graph)
        await held.arrivals(1)
        engine.service.close()
        #expect(throws: ExecutionService.AdmissionError.closed) { try engine.start(graph) }
        held.releaseAll()
        await engine.store.end(of: log)
        #expect(log.summary.status == .success)
    }

    @Test func `starts, ends and cancels from many threads lose nothing`() async throws {
        var limits = ExecutionService.Limits()
        limits.runningMax = 20
        let engine = try Engine(threads: 4, limits: limits)
        defer { engine.stop() }
        let clock = engine.clock
        let graph = try manyNodes(3, isChain: true) { node in
            node.id == "n1"
                ? ClosureBody { _ in
                    .waiting {
                        _ = await clock.sleep(milliseconds: 1_000); return .success(update: [:])
                    }
                } : quick()
        }
        let ended = await withTaskGroup(of: Int.self) { group in
            for task in 0..<4 as Range<UInt64> {
                group.addTask {
                    var random = SeededGenerator(seed: task)
                    var count = 0
                    for _ in 0..<100 {
                        guard let log = try? engine.start(graph) else { continue }
                        if random.oneIn(2) { await Task.yield() }
                        _ = await engine.cancel(log)
                        await engine.store.end(of: log)
                        let events = (try? engine.store.events(of: log.id).map(\.body)) ?? []
                        if EventRules.violations(of: events, in: graph.graph, mustEnd: false).isEmpty { count += 1 }
                    }
                    return count
                }
            }
            return await group.reduce(0, +)
        }
        #expect(ended == 400)
        for _ in 0..<8 { await engine.settle() }
        #expect(engine.service.counts == (0, 0))
        #expect(clock.timerCount == 0)
    }
}
