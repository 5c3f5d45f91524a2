import Executions
import Graphs
import JSON
import Synchronization
import Testing

@Suite struct ExecutionRunTests {
    @Test func `quick nodes run, and their events are stored in order`() async throws {
        let engine = try Engine()
        defer { engine.stop() }
        let graph = try manyNodes(3, isChain: true) { node in
            quick { call in .success(update: [JSONKey(node.id): JSONText(call.state.object.count)]) }
        }
        let log = try engine.start(graph, ["i": 1])
        await engine.store.end(of: log)
        let story = ["start", "+n0", "-n0 success", "+n1", "-n1 success", "+n2", "-n2 success", "complete success"]
        #expect(try engine.story(log) == story)
        let summary = try #require(try engine.store.execution(log.id))
        #expect(summary.status == .success && summary.lastSeq == 8 && summary.failedNodes == [])
        #expect(
            summary.startedAtMicroseconds != nil && summary.endedAtMicroseconds != nil
                && summary.durationMicroseconds != nil)
        #expect(engine.clock.timerCount == 0, "a quick execution leaves no timer")
    }

    @Test func `a node that waits comes back when it is done`() async throws {
        let engine = try Engine()
        defer { engine.stop() }
        let held = HeldNodes()
        let log = try engine.start(try manyNodes(2, isChain: true) { $0.id == "n0" ? held.body : quick() })
        await held.arrivals(1)
        #expect(log.summary.status == .running)
        held.release("n0", in: log, .success(update: ["x": 1]))
        await engine.store.end(of: log)
        #expect(try engine.story(log) == ["start", "+n0", "-n0 success", "+n1", "-n1 success", "complete success"])
    }

    @Test func `nodes that wait sleep on the clock and hold no thread`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let clock = engine.clock
        let sleeper = ClosureBody { _ in
            .waiting { .success(update: ["slept": JSONText(await clock.sleep(milliseconds: 100))]) }
        }
        let graph = try manyNodes(50, isChain: false, extra: #","limits":{"max_parallel_nodes":50}"#) { _ in sleeper }
        let log = try engine.start(graph)
        await engine.settle()
        #expect(clock.timerCount == 52, "one for each node, and two for the execution")
        clock.advance(milliseconds: 100)
        await engine.store.end(of: log)
        #expect(log.summary.status == .success)
        #expect(log.summary.durationMicroseconds == 100_000)
        #expect(clock.timerCount == 0)
    }

    @Test func `a cancelled sleeper wakes at once`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let clock = engine.clock
        let sleeper = ClosureBody { _ in
            .waiting { .success(update: ["slept": JSONText(await clock.sleep(milliseconds: 100))]) }
        }
        let log = try engine.start(try manyNodes(3, isChain: false) { _ in sleeper })
        await engine.settle()
        _ = await engine.cancel(log)
        await engine.store.end(of: log)
        #expect(log.summary.status == .cancelled)
        #expect(clock.timerCount == 0)
    }

    @Test func `10,000 nodes wait on two threads`() async throws {
        let engine = try Engine(threads: 2)
        defer { engine.stop() }
        let held = HeldNodes()
        let graph = try manyNodes(10_000, isChain: false, extra: #","limits":{"max_parallel_nodes":10000}"#) { _ in
            held.body
        }
        let log = try engine.start(graph)
        await held.arrivals(10_000)
        held.releaseAll()
        await engine.store.end(of: log)
        let events = try engine.store.events(of: log.id)
        #expect(EventRules.violations(of: events.map(\.body), in: graph.graph, mustEnd: true) == [])
        #expect(log.summary.lastSeq == 20_002)
    }

    @Test func `2,000 executions of five nodes at once each have their own order`() async throws {
        let engine = try Engine(threads: 4)
        defer { engine.stop() }
        let document =
            "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}, {id: d, kind: test}, {id: e, kind: test}]\n"
            + "edges: [{from: a, to: b}, {from: a, to: c}, {from: b, to: d}, {from: c, to: d}, {from: d, to: e}]"
        // One waits for nothing but its turn on the pool; one fails.
        let yielding = ClosureBody { call in
            .waiting {
                await Task.yield()
                return .success(update: ["c": JSONText(call.nodeID)])
            }
        }
        let graph = try revision(document) { node in
            switch node.id {
            case "c": yielding
            case "d": quick { _ in .failure(NodeFailure("no")) }
            default: quick { .success(update: [JSONKey($0.nodeID): 1]) }
            }
        }
        let logs = try (0..<2_000).map { try engine.start(graph, ["number": JSONText($0)]) }
        for log in logs { await engine.store.end(of: log) }
        for log in logs {
            let events = try engine.store.events(of: log.id).map(\.body)
            #expect(EventRules.violations(of: events, in: graph.graph, mustEnd: true) == [])
            #expect(events.count == 12)
            #expect(log.summary.status == .error && log.summary.failedNodes == ["d"])
        }
        await engine.settle()
        #expect(engine.service.counts == (0, 0))
        #expect(engine.service.unfinished.isEmpty)
    }

    @Test func `output comes before the end of its node, inline and waiting`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let held = HeldNodes()
        let graph = try manyNodes(2, isChain: true) { node in
            guard node.id == "n0" else { return held.body }
            return quick { call in
                for number in 0..<3 { call.output.emit("log", JSONText(number)) }
                return .success(update: [:])
            }
        }
        let log = try engine.start(graph)
        await held.arrivals(1)
        let output = try #require(held.output("n1", in: log))
        output.emit("stdout", "while it waits")
        held.release("n1", in: log)
        await engine.store.end(of: log)
        output.emit("stdout", "too late")
        await engine.settle()
        #expect(
            try engine.story(log) == [
                "start", "+n0", "n0 log 0", "n0 log 1", "n0 log 2", "-n0 success", "+n1",
                #"n1 stdout "while it waits""#,
                "-n1 success", "complete success",
            ])
    }

    @Test func `a flood of output is cut before it fills the memory`() async throws {
        var limits = ExecutionLimits()
        limits.outputBytesMax = 1_000
        let engine = try Engine(executionLimits: limits)
        defer { engine.stop() }
        let graph = try manyNodes(1, isChain: true) { _ in
            quick { call in
                for _ in 0..<100_000 { call.output.emit("log", "flooding") }
                return .success(update: [:])
            }
        }
        let log = try engine.start(graph)
        await engine.store.end(of: log)
        let story = try engine.story(log)
        let outputCount: Int = 1_000 / 37 + 1
        #expect(story.count == outputCount + 4)
        #expect(story[story.count - 3] == #"n0 log "output beyond 1000 bytes is dropped""#)
    }

    @Test func `a node that takes too long is interrupted`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let held = HeldNodes()
        let log = try engine.start(try revision("nodes: [{id: a, kind: test, timeout_ms: 50}]") { _ in held.body })
        await held.arrivals(1)
        await engine.settle()
        engine.clock.advance(milliseconds: 50)
        await engine.store.end(of: log)
        #expect(try engine.story(log) == ["start", "+a", "-a error", "complete error"])
        #expect(engine.clock.timerCount == 0)
    }

    @Test func `a retry waits its time and runs again`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let graph = try revision("nodes: [{id: a, kind: test, retry: {max_attempts: 3, delay_ms: 100, backoff: 1}}]") {
            _ in
            quick { $0.attempt < 3 ? .failure(NodeFailure("not yet")) : .success(update: [:]) }
        }
        let log = try engine.start(graph)
        await engine.settle()
        #expect(try engine.story(log) == ["start", "+a", "-a error"])
        engine.clock.advance(milliseconds: 49)
        await engine.settle()
        #expect(try engine.story(log).count == 3, "the jitter takes half of the delay at the most")
        engine.clock.advance(milliseconds: 51)
        await engine.settle()
        engine.clock.advance(milliseconds: 100)
        await engine.store.end(of: log)
        #expect(
            try engine.story(log) == [
                "start", "+a", "-a error", "+a", "-a error", "+a", "-a success", "complete success",
            ])
        #expect(engine.clock.timerCount == 0)
    }

    @Test func `a cancel between two attempts leaves no timer behind`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let graph = try revision("nodes: [{id: a, kind: test, retry: {max_attempts: 2, delay_ms: 3600000}}]") { _ in
            quick { _ in .failure(NodeFailure("no")) }
        }
        let log = try engine.start(graph)
        await engine.settle()
        _ = await engine.cancel(log)
        await engine.store.end(of: log)
        #expect(log.summary.status == .cancelled)
        #expect(engine.clock.timerCount == 0)
    }

    @Test func `an execution that takes too long fails`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let held = HeldNodes()
        let graph = try manyNodes(2, isChain: true, extra: #","limits":{"timeout_ms":500}"#) { _ in held.body }
        let log = try engine.start(graph)
        await held.arrivals(1)
        await engine.settle()
        engine.clock.advance(milliseconds: 499)
        await engine.settle()
        #expect(log.summary.status == .running)
        engine.clock.advance(milliseconds: 1)
        await engine.store.end(of: log)
        #expect(log.summary.status == .failed)
        #expect(log.summary.error?.contains("limits.timeout_ms (500 ms)") == true)
        #expect(try engine.story(log).last?.hasPrefix("error") == true)
    }

    @Test func `the timeout holds for quick nodes that never let the engine rest`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let clock = engine.clock
        let graph = try manyNodes(1_000, isChain: true, extra: #","limits":{"timeout_ms":500}"#) { _ in
            quick { _ in
                clock.advance(milliseconds: 10)
                return .success(update: [:])
            }
        }
        let log = try engine.start(graph)
        await engine.store.end(of: log)
        #expect(log.summary.status == .failed)
        let started = try engine.story(log).filter { $0.hasPrefix("+") }.count
        #expect((50...52).contains(started), "measured from the beginning")
    }

    @Test func `a long chain gives its thread back between two slices`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let clock = engine.clock
        let order = Mutex<[String]>([])
        let body = quick { call in
            clock.advance(milliseconds: 1)
            order.withLock { $0.append(call.state["name"]?.string ?? "") }
            return .success(update: [:])
        }
        let graph = try manyNodes(50, isChain: true) { _ in body }
        let gate = Semaphore()
        engine.pool.submit { gate.wait() }
        let logs = try ["a", "b"].map { try engine.start(graph, ["name": JSONText($0)]) }
        gate.signal()
        for log in logs { await engine.store.end(of: log) }
        let names = order.withLock { $0 }
        #expect(names.count == 100)
        let longest = names.split { $0 == "b" }.map(\.count).max() ?? 0
        #expect(longest < 50, "neither runs through while the other waits")
    }

    @Test func `events of a long chain become visible on the way`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let clock = engine.clock
        let store = engine.store
        let seen = Mutex<[Int]>([])
        let graph = try manyNodes(20, isChain: true) { _ in
            quick { call in
                clock.advance(milliseconds: 2)
                let count = (try? store.events(of: call.executionID).count) ?? 0
                seen.withLock { $0.append(count) }
                return .success(update: [:])
            }
        }
        let log = try engine.start(graph)
        await store.end(of: log)
        let counts = seen.withLock { $0 }
        for (index, count) in counts.enumerated() {
            #expect(count >= 2 * (index - 1), "the events of nodes before the last are out")
        }
    }
}
