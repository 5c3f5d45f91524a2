import Graphs
import JSON
import Synchronization
import Testing

@testable import Executions

/// Executions of which all waits: they hold no place, leave memory, and go on as if they had never left.
@Suite struct ParkedExecutionTests {
    private static let minute: Int64 = 60_000

    /// `delay` nodes wait for a minute, or as `config.duration_ms` says; approvals ask.
    private func graph(
        _ document: String, _ change: @escaping (inout ApprovalRules) -> Void = { _ in },
        test: any NodeBody = quick()
    ) throws -> GraphRevision {
        try revision(document) { node in
            if node.asks { return AskingBody(change) }
            guard node.parks else { return test }
            let milliseconds = node.config["duration_ms"]?.int.map { Int64($0) } ?? Self.minute
            return ClosureBody { _ in .parked(NodeWait(milliseconds: milliseconds)) }
        }
    }

    private func engine(runningMax: Int = 10, memory: ExecutionMemory = ExecutionMemory(), store: MemoryStore? = nil)
        throws -> Engine
    {
        var limits = ExecutionService.Limits()
        limits.runningMax = runningMax
        return try Engine(threads: 1, limits: limits, memory: memory, store: store)
    }

    private func answer(
        _ engine: Engine, _ log: EventLog, approved: Bool = true, question: Int? = nil, voter: String? = nil
    ) async -> AnswerResult {
        let order = AnswerOrder(
            nodeID: "ok", question: question, answer: Answer(approved: approved, voter: voter))
        return await withCheckedContinuation { continuation in
            engine.service.answer(log.id, order) { continuation.resume(returning: $0) }
        }
    }

    private func isTaken(_ result: AnswerResult) -> Bool { if case .taken = result { true } else { false } }

    private func isParked(_ log: EventLog, in engine: Engine) -> Bool {
        engine.service.guarded.withLock { if case .parked = $0.stages[log.id] { true } else { false } }
    }

    @Test func `an execution that asks leaves memory, and an answer brings it back without another start`() async throws
    {
        let memory = ExecutionMemory()
        let engine = try engine(memory: memory)
        defer { engine.pool.stop() }
        let log = try engine.start(
            try graph("nodes: [{id: ok, kind: approval}, {id: z, kind: test}]\nedges: [{from: ok, to: z}]"))
        await engine.settle()
        #expect(isParked(log, in: engine))
        #expect(engine.service.counts.running == 0)
        #expect(memory.bytes == 0)
        #expect(engine.clock.timerCount == 0)
        let waits = try #require(try engine.store.execution(log.id)?.waits)
        #expect(waits.isAll && waits.wakesAtMicroseconds == nil)
        #expect(waits.questions.map(\.nodeID) == ["ok"])
        #expect(waits.questions.map(\.seq) == [3])
        #expect(isTaken(await answer(engine, log, question: 3)))
        await engine.store.end(of: log)
        let story = try engine.story(log)
        #expect(story.count == 8 && story.first == "start" && !story.dropFirst().contains("start"))
        #expect(story.suffix(5) == ["ok yes", "-ok success", "+z", "-z success", "complete success"])
        engine.service.checkInvariants()
    }

    @Test func `a long delay leaves memory and wakes when its time has come`() async throws {
        let engine = try engine()
        defer { engine.pool.stop() }
        let log = try engine.start(try graph("nodes: [{id: w, kind: delay}]"))
        await engine.settle()
        #expect(isParked(log, in: engine))
        #expect(engine.clock.timerCount == 1)
        engine.clock.advance(milliseconds: UInt64(Self.minute) - 1)
        await engine.settle()
        #expect(try engine.story(log) == ["start", "+w"])
        engine.clock.advance(milliseconds: 1)
        await engine.end(of: log.id)
        #expect(try engine.story(log) == ["start", "+w", "-w success", "complete success"])
        #expect(try engine.store.execution(log.id)?.durationMicroseconds == Self.minute * 1000)
        engine.service.checkInvariants()
    }

    @Test func `a short delay stays in memory, unless memory is scarce`() async throws {
        let document = "nodes: [{id: w, kind: delay, config: {duration_ms: 1000}}]"
        let engine = try engine()
        let log = try engine.start(try graph(document))
        await engine.settle()
        #expect(!isParked(log, in: engine))
        #expect(engine.service.counts.running == 0)
        engine.pool.stop()
        let memory = ExecutionMemory(bytesMax: 1000)
        let scarce = try self.engine(memory: memory)
        defer { scarce.pool.stop() }
        let other = try scarce.start(try graph(document))
        await scarce.settle()
        #expect(isParked(other, in: scarce))
        #expect(memory.bytes == 0)
        scarce.clock.advance(milliseconds: 1000)
        await scarce.end(of: other.id)
        #expect(try scarce.story(other).last == "complete success")
    }

    @Test func `what waits takes no place, and what wakes goes before what is queued`() async throws {
        let engine = try engine(runningMax: 1)
        defer { engine.pool.stop() }
        let held = HeldNodes()
        let chain =
            "nodes: [{id: w, kind: delay, config: {duration_ms: 1000}}, {id: z, kind: test}]\nedges: [{from: w, to: z}]"
        let waiting = try engine.start(try graph(chain))
        await engine.settle()
        let running = try engine.start(try revision("nodes: [{id: r, kind: test}]") { _ in held.body })
        await held.arrivals(1)
        let queued = try engine.start(try revision("nodes: [{id: q, kind: test}]") { _ in held.body })
        await engine.settle()
        #expect(engine.service.counts == (1, 1))
        engine.clock.advance(milliseconds: 1000)
        await engine.settle()
        // Its wait is over, and its next node has no place yet.
        #expect(try engine.story(waiting) == ["start", "+w", "-w success"])
        #expect(queued.summary.status == .queued)
        held.release("r", in: running)
        await engine.store.end(of: waiting)
        await held.arrivals(2)
        held.release("q", in: queued)
        await engine.store.end(of: queued)
        await engine.settle()
        #expect(engine.service.counts == (0, 0))
        engine.service.checkInvariants()
    }

    @Test func `one that has left memory can be cancelled`() async throws {
        let engine = try engine()
        defer { engine.pool.stop() }
        let log = try engine.start(try graph("nodes: [{id: ok, kind: approval}, {id: w, kind: delay}]"))
        await engine.settle()
        #expect(isParked(log, in: engine))
        guard case .cancelled = await engine.cancel(log) else { return #expect(Bool(false)) }
        await engine.store.end(of: log)
        #expect(try engine.story(log).suffix(3).sorted() == ["-ok cancelled", "-w cancelled", "complete cancelled"])
        guard case .unknown = await answer(engine, log) else { return #expect(Bool(false)) }
        #expect(engine.clock.timerCount == 0)
        engine.service.checkInvariants()
    }

    @Test func `n of m are counted across absences, and another question is refused`() async throws {
        let engine = try engine()
        defer { engine.pool.stop() }
        let log = try engine.start(try graph("nodes: [{id: ok, kind: approval}]") { $0.required = 2 })
        await engine.settle()
        guard case .asksAnother(3) = await answer(engine, log, question: 2) else { return #expect(Bool(false)) }
        #expect(isTaken(await answer(engine, log, voter: "one")))
        await engine.settle()
        #expect(isParked(log, in: engine))
        #expect(try engine.store.execution(log.id)?.waits?.questions.first?.given == 1)
        guard case .counted = await answer(engine, log, voter: "one") else { return #expect(Bool(false)) }
        await engine.settle()
        #expect(isTaken(await answer(engine, log, voter: "two")))
        await engine.store.end(of: log)
        #expect(try engine.story(log).filter { $0.hasPrefix("ok yes") }.count == 2)
        engine.service.checkInvariants()
    }

    @Test func `the time of an execution does not count while it waits for people`() async throws {
        let engine = try engine()
        defer { engine.pool.stop() }
        let log = try engine.start(
            try graph(
                "limits: {timeout_ms: 10000}\nnodes: [{id: ok, kind: approval}, {id: w, kind: delay, config: {duration_ms: 9000}}]\nedges: [{from: ok, to: w}]"
            ))
        await engine.settle()
        engine.clock.advance(milliseconds: 600_000)
        #expect(isTaken(await answer(engine, log)))
        await engine.settle()
        engine.clock.advance(milliseconds: 9_000)
        await engine.end(of: log.id)
        #expect(try engine.story(log).last == "complete success")
        let late = try engine.start(
            try graph(
                "limits: {timeout_ms: 10000}\nnodes: [{id: ok, kind: approval}, {id: w, kind: delay}]\nedges: [{from: ok, to: w}]"
            ))
        await engine.settle()
        #expect(isTaken(await answer(engine, late)))
        await engine.settle()
        engine.clock.advance(milliseconds: 10_000)
        await engine.end(of: late.id)
        #expect(try engine.story(late).last?.hasPrefix("error the execution took longer") == true)
    }

    @Test func `another daemon keeps what waits as it was, also past its deadline`() async throws {
        let first = try engine()
        let asking = try graph("nodes: [{id: ok, kind: approval}, {id: z, kind: test}]\nedges: [{from: ok, to: z}]") {
            $0.deadlineMilliseconds = Self.minute
            $0.onDeadline = .reject
        }
        let log = try first.start(asking)
        await first.settle()
        first.pool.stop()
        let summary = try #require(try first.store.execution(log.id))
        let next = try engine(store: first.store)
        defer { next.pool.stop() }
        next.service.takeUp([LeftExecution(summary: summary, graph: asking)], TakeUp(isAfterStop: false))
        await next.settle()
        let again = try #require(next.service.log(of: log.id))
        #expect(isParked(again, in: next))
        #expect(next.service.asking().map(\.id) == [log.id])
        next.clock.advance(milliseconds: UInt64(2 * Self.minute))
        await next.end(of: log.id)
        #expect(try next.story(log).filter { $0 == "start" }.count == 1)
        #expect(try next.story(log).contains("-ok success"))
    }

    @Test func `a graph that does not go on across a restart fails, though it only waited`() async throws {
        let first = try engine()
        let strict = try graph("on_restart: fail\nnodes: [{id: ok, kind: approval}]")
        let log = try first.start(strict)
        await first.settle()
        #expect(isParked(log, in: first))
        first.pool.stop()
        let summary = try #require(try first.store.execution(log.id))
        let next = try engine(store: first.store)
        defer { next.pool.stop() }
        next.service.takeUp([LeftExecution(summary: summary, graph: strict)])
        await next.end(of: log.id)
        #expect(try next.story(log).last?.hasPrefix("error") == true)
    }

    /// Answers, cancels and the clock meet a run at every moment of its leaving: none is lost, none counts twice.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func `nothing is lost while a run leaves or comes back`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let engine = try Engine(threads: 2)
        defer { engine.pool.stop() }
        let voters = Int.random(in: 1...4, using: &random)
        let asking = try graph(
            "nodes: [{id: ok, kind: approval}, {id: w, kind: delay, config: {duration_ms: 6000}}, {id: z, kind: test}]\nedges: [{from: ok, to: z}]"
        ) { $0.required = voters }
        let cancels = random.oneIn(3)
        let log = try engine.start(asking)
        let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
            for voter in 0..<voters {
                let (isTwice, spins) = (random.oneIn(2), Int.random(in: 0...20, using: &random))
                group.addTask {
                    for _ in 0..<spins { await Task.yield() }
                    while true {
                        let result = await answer(engine, log, voter: "voter \(voter)")
                        // It may not have asked yet.
                        if case .notWaiting = result, !log.summary.status.isFinished,
                            log.waits?.questions.isEmpty != false
                        {
                            await Task.yield()
                            if try engine.story(log).contains(where: { $0.hasPrefix("-ok") }) { return false }
                            continue
                        }
                        if isTwice { _ = await answer(engine, log, voter: "voter \(voter)") }
                        return isTaken(result)
                    }
                }
            }
            if cancels {
                group.addTask {
                    _ = await engine.cancel(log)
                    return false
                }
            }
            engine.clock.advance(milliseconds: 6_000)
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        // The delay may have begun only after the clock had moved.
        while try engine.store.execution(log.id)?.status.isFinished != true {
            engine.clock.advance(milliseconds: 6_000)
            await engine.settle()
        }
        let story = try engine.story(log)
        #expect(story.filter { $0 == "ok yes" }.count == taken, "seed \(seed)")
        #expect(story.filter { $0 == "start" }.count == 1 && story.filter { $0 == "+ok" }.count <= 1, "seed \(seed)")
        if !cancels {
            #expect(taken == voters, "seed \(seed)")
            #expect(story.last == "complete success", "seed \(seed)")
        }
        await engine.settle()
        engine.service.checkInvariants()
        #expect(engine.service.counts == (0, 0), "seed \(seed)")
    }
}
