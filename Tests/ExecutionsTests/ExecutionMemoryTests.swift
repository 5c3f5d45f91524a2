import Executions
import Graphs
import JSON
import Synchronization
import Testing

/// The account of all executions.
@Suite struct ExecutionMemoryTests {
    private func text(_ count: Int) -> JSONText { JSONText(String(repeating: "x", count: count)) }

    /// All that executions held is given back once nobody holds it.
    private func expectNothingLeft(_ engine: Engine) async {
        let memory = engine.service.environment.memory
        for _ in 0..<1000 where memory.bytes > 0 { await engine.settle() }
        engine.service.checkInvariants()
        #expect(ExecutionMemory.Share.allCases.allSatisfy { memory.bytes(of: $0) == 0 })
    }

    @Test func `when memory is tight, logs keep only what is not stored`() async throws {
        let memory = ExecutionMemory(bytesMax: 150_000)
        let engine = try Engine(threads: 1, memory: memory)
        defer { engine.stop() }
        let held = HeldNodes()
        let graph = try manyNodes(1, isChain: true) { _ in held.body }
        let logs = try (0..<40).map { _ in try engine.start(graph, ["text": text(900)]) }
        await held.arrivals(40)
        await engine.settle()
        #expect(memory.bytes <= 150_000)
        let evicted = logs.filter { if case .evicted = $0.read(after: 0, bytesMax: 10_000) { true } else { false } }
        #expect(evicted.count >= 10)
        held.releaseAll()
        for log in logs { await engine.store.end(of: log) }
    }

    @Test func `while nothing can be stored and memory is full, nothing starts; then all goes on`() async throws {
        let memory = ExecutionMemory(bytesMax: 200_000)
        let engine = try Engine(threads: 1, commitsAtOnce: false, memory: memory)
        defer { engine.stop() }
        let graph = try manyNodes(16, isChain: true) { _ in
            quick { _ in .success(update: ["text": JSONText(String(repeating: "x", count: 100_000))]) }
        }
        let log = try engine.start(graph)
        await engine.settle()
        let before = log.summary.lastSeq
        #expect(before < 20, "it has paused on its way")
        #expect(!log.summary.status.isFinished)
        while !log.summary.status.isFinished {
            engine.store.commit()
            engine.clock.advance(milliseconds: 100)
            await engine.settle()
        }
        engine.store.commit()
        #expect(try engine.story(log).last == "complete success")
        #expect(memory.bytes(of: .logs) <= 200_000)
    }

    @Test func `a value counts once, however many states share it, until the last has let go`() {
        let memory = ExecutionMemory()
        do {
            let initial = State(initial: ["a": text(10_000)], memory: memory)
            #expect(10_000..<11_000 ~= memory.bytes(of: .states))
            var (left, right) = (initial, initial)
            left.apply(["b": text(20_000)], rank: 0)
            right.apply(["a": text(5_000)], rank: 1)
            left.merge(right)
            #expect(35_000..<36_000 ~= memory.bytes(of: .states))
            left.apply(["b": text(1)], rank: 2)
            #expect(15_000..<16_000 ~= memory.bytes(of: .states), "what was replaced is gone")
            withExtendedLifetime(initial) {}
        }
        #expect(memory.bytes == 0)
    }

    @Test func `contributions to a key with a reducer count as long as they are kept`() {
        let memory = ExecutionMemory()
        do {
            var state = State(initial: [:], reducers: ["log": .append], memory: memory)
            for rank in 0..<4 { state.apply(["log": JSONText(array: [text(5_000)])], rank: rank) }
            #expect(20_000..<21_000 ~= memory.bytes(of: .states))
        }
        #expect(memory.bytes == 0)
    }

    /// A body that waits by the clock, and holds on to nothing.
    private func sleeper(_ engine: Engine) -> any NodeBody {
        ClosureBody { [clock = engine.clock] _ in
            .waiting {
                _ = await clock.sleep(milliseconds: 50)
                return .success(update: [:])
            }
        }
    }

    private func ends(of logs: [EventLog], _ engine: Engine, _ look: () -> Void = {}) async {
        while !logs.allSatisfy(\.isFinishedAndVisible) {
            await engine.settle()
            look()
            engine.clock.advance(milliseconds: 50)
        }
    }

    @Test func `what waits in the queue holds no state, and begins with the one that it was given`() async throws {
        var limits = ExecutionService.Limits()
        limits.runningMax = 1
        let engine = try Engine(threads: 1, limits: limits)
        defer { engine.stop() }
        let graph = try manyNodes(1, isChain: true) { _ in sleeper(engine) }
        let first = try engine.start(graph)
        let waiting = try (0..<20).map { try engine.start(graph, ["n": JSONText($0), "text": text(100_000)]) }
        await engine.settle()
        let memory = engine.service.environment.memory
        #expect(memory.bytes < 100_000, "not even one of their states")
        engine.service.checkInvariants()
        await ends(of: [first] + waiting, engine)
        for (index, log) in waiting.enumerated() {
            guard case .start(_, let initial) = try engine.store.events(of: log.id)[0].body else {
                return #expect(Bool(false))
            }
            #expect(initial["n"] == JSONText(index))
        }
    }

    @Test func `beyond the account executions wait, and all end and give back what they held`() async throws {
        let engine = try Engine(threads: 1, memory: ExecutionMemory(bytesMax: 1_000_000))
        defer { engine.stop() }
        let memory = engine.service.environment.memory
        do {
            let graph = try manyNodes(1, isChain: true) { _ in sleeper(engine) }
            let logs = try (0..<30).map { _ in try engine.start(graph, ["text": text(100_000)]) }
            await engine.settle()
            #expect(3..<15 ~= engine.service.counts.running)
            await ends(of: logs, engine) { #expect(memory.bytes < 2_000_000) }
            #expect(logs.allSatisfy { $0.summary.status == .success })
        }
        await expectNothingLeft(engine)
    }

    @Test func `one that is larger than the account runs when nothing else does`() async throws {
        let engine = try Engine(threads: 1, memory: ExecutionMemory(bytesMax: 50_000))
        defer { engine.stop() }
        let graph = try manyNodes(3, isChain: true) { _ in quick { _ in .success(update: ["more": "x"]) } }
        let logs = try (0..<5).map { _ in try engine.start(graph, ["text": text(200_000)]) }
        while !logs.allSatisfy(\.isFinishedAndVisible) {
            await engine.settle()
            engine.clock.advance(milliseconds: 100)
        }
        #expect(logs.allSatisfy { $0.summary.status == .success })
    }

    @Test func `while memory is full only the oldest start nodes, and so all come to their end`() async throws {
        let engine = try Engine(threads: 2, memory: ExecutionMemory(bytesMax: 400_000))
        defer { engine.stop() }
        let graph = try manyNodes(8, isChain: true) { node in
            node.id == "n0"
                ? sleeper(engine)
                : quick { _ in .success(update: [JSONKey(node.id): JSONText(String(repeating: "x", count: 50_000))]) }
        }
        let logs = try (0..<12).map { _ in try engine.start(graph) }
        await ends(of: logs, engine) {
            // Two at once, 350 KB each, and what came in before the account was full.
            #expect(engine.service.environment.memory.bytes(of: .states) < 1_600_000)
        }
        #expect(logs.allSatisfy { $0.summary.status == .success })
    }

    @Test func `what nodes put out counts until their run has looked at it`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let memory = engine.service.environment.memory
        let most = Mutex(0)
        let graph = try manyNodes(1, isChain: true) { _ in
            quick { call in
                for _ in 0..<10 { call.output.emit("log", JSONText(String(repeating: "x", count: 10_000))) }
                most.withLock { $0 = memory.bytes(of: .outputs) }
                return .success(update: [:])
            }
        }
        do { await engine.store.end(of: try engine.start(graph)) }
        #expect(100_000..<110_000 ~= most.withLock { $0 })
        await expectNothingLeft(engine)
    }
}
