import Executions
import Graphs
import JSON
import Testing

@testable import Executions

/// Waits have a due time, in the log; and a node's own time may begin later than it is handed out.
@Suite struct WaitingTests {
    private struct LateBody: NodeBody {
        var startsLater: Bool { true }
        func start(_ call: NodeCall) -> NodeStart { .finished(.success(update: [:])) }
    }

    private func resumed(_ run: MachineDriver, after milliseconds: Int64, cancelled: Bool = false) -> MachineDriver {
        var next = MachineDriver(run.machine.revision)
        let first = run.records[0].timestampMicroseconds
        for record in run.records {
            next.restore(record.body, elapsedMicroseconds: record.timestampMicroseconds - first)
        }
        next.step(
            .resume(Resumption(attempt: 2, elapsedMicroseconds: milliseconds * 1000, isCancelled: cancelled)))
        return next
    }

    @Test func `a delay waits on after a restart, without another start`() throws {
        var run = try MachineDriver("nodes: [{id: w, kind: delay}, {id: a, kind: test}]")
        #expect(run.news() == ["start", "+w 1", "+a 1"])
        run.now = 100
        var next = resumed(run, after: 1_500)
        #expect(next.news() == ["start", "park w for 1500", "+a 2"])
        next.now = 200
        next.step(.nodeEnded(rank: next.rank("w"), attempt: 1, .success(update: [:])))
        #expect(next.news() == ["-w 1 success"])
        #expect(next.completion("w")?.durationMicroseconds == 1_700_000)
    }

    @Test func `what only waits goes on without a word`() throws {
        let run = try MachineDriver("nodes: [{id: w, kind: delay}, {id: a, kind: test}]\nedges: [{from: w, to: a}]")
        var next = resumed(run, after: 1_500)
        #expect(next.news() == ["park w for 1500"])
        next.step(.nodeEnded(rank: next.rank("w"), attempt: 1, .success(update: [:])))
        #expect(next.news() == ["-w 1 success →a", "+a 1"])
        let strict = try MachineDriver("on_restart: fail\nnodes: [{id: w, kind: delay}]")
        var failed = resumed(strict, after: 1_500)
        #expect(failed.news() == ["start", "error", "finish failed"])
    }

    @Test func `a delay takes no place`() throws {
        let document =
            "limits: {max_parallel_nodes: 1}\nnodes: [{id: v, kind: delay}, {id: w, kind: delay}, {id: a, kind: test}]"
        var run = try MachineDriver(document)
        #expect(run.news() == ["start", "+v 1", "+w 1", "+a 1"])
        run.now = 250
        run.step(.cancel)
        #expect(run.news() == ["-v 1 cancelled", "-w 1 cancelled", "interrupt a"])
        #expect(run.completion("v")?.durationMicroseconds == 250_000)
    }

    @Test func `a retry is due when it was due`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test, retry: {max_attempts: 3, delay_ms: 20000}}]")
        run.now = 300
        run.fail("a")
        #expect(run.news() == ["start", "+a 1", "-a 1 error again", "retry a in 20000"])
        var early = resumed(run, after: 9_000)
        #expect(early.news() == ["retry a in 11300"])
        var late = resumed(run, after: 60_000)
        #expect(late.news() == ["retry a in 0"])
    }

    @Test func `jitter is part of what is recorded`() throws {
        let graph = try revision("nodes: [{id: a, kind: test, retry: {max_attempts: 2, delay_ms: 20000}}]")
        var delays: Set<Int64> = []
        for seed in 0..<100 as Range<UInt64> {
            var machine = RunMachine(revision: graph, seed: seed)
            machine.step(.begin(initialState: [:]), at: 0)
            _ = machine.nextStart(at: 0)
            machine.effectsWereTaken()
            machine.step(.nodeEnded(rank: 0, attempt: 1, .failure(NodeFailure("no"))), at: 0)
            guard case .emit(.nodeComplete(let completion), _) = machine.effects[0],
                case .scheduleRetry(_, let delay) = machine.effects[1]
            else { return #expect(Bool(false)) }
            #expect(completion.notes?.retryDelayMilliseconds == delay)
            #expect(10_000...20_000 ~= delay)
            delays.insert(delay)
        }
        #expect(delays.count > 50)
    }

    @Test func `what waits ends as cancelled with its execution`() throws {
        let document =
            "nodes: [{id: a, kind: test, retry: {max_attempts: 3, delay_ms: 200}}, {id: s, kind: test, on_error: stop}]"
        var run = try MachineDriver(document)
        run.fail("a")
        run.fail("s")
        #expect(run.news().suffix(4) == ["-s 1 error", "-a 1 cancelled", "complete error s", "finish error"])
        var cancelled = try MachineDriver("nodes: [{id: w, kind: delay}]")
        var next = resumed(cancelled, after: 1_000, cancelled: true)
        let ending = ["-w 1 cancelled", "complete cancelled", "finish cancelled"]
        #expect(next.news() == ending)
        cancelled.step(.cancel)
        #expect(cancelled.news() == ["start", "+w 1"] + ending)
    }

    @Test func `a node's own time begins when it says so, and so does its timeout`() throws {
        let graph = try revision("nodes: [{id: a, kind: test, timeout_ms: 50}]", body: { _ in LateBody() })
        var run = MachineDriver(graph)
        run.step(.begin(initialState: [:]))
        run.now = 400
        run.step(.nodeBegan(rank: 0, attempt: 1))
        run.step(.nodeBegan(rank: 0, attempt: 1))
        #expect(run.news() == ["start", "+a 1", "timeout a in 50"])
        run.now = 430
        run.succeed("a")
        let end = try #require(run.completion("a"))
        #expect((end.queueMicroseconds, end.durationMicroseconds) == (400_000, 30_000))
        #expect(end.notes?.lateQueueMicroseconds == 400_000)
        var builder = ProfileBuilder(graph: graph.graph)
        for record in run.records { builder.add(record) }
        let node = builder.profile(nowMicroseconds: 0).nodes[0]
        #expect((node.total(.queue), node.total(.run), node.workerWait) == (400_000, 30_000, 400_000))
    }

    @Test func `time that stands still is not the node's, and what is set back begins with all of it`() throws {
        let graph = try revision("nodes: [{id: a, kind: test, timeout_ms: 50}]", body: { _ in LateBody() })
        var run = MachineDriver(graph)
        run.step(.begin(initialState: [:]))
        run.step(.nodeBegan(rank: 0, attempt: 1))
        run.now = 30
        run.step(.nodeStandsStill(rank: 0, attempt: 1, isSetBack: false))
        run.step(.nodeStandsStill(rank: 0, attempt: 1, isSetBack: false))
        // It fired before it could be stopped.
        run.step(.nodeTimedOut(rank: 0, attempt: 1))
        run.now = 500
        run.step(.nodeBegan(rank: 0, attempt: 1))
        #expect(run.news() == ["start", "+a 1", "timeout a in 50", "no timeout a", "timeout a in 20"])
        run.now = 510
        run.step(.nodeStandsStill(rank: 0, attempt: 1, isSetBack: false))
        run.step(.nodeStandsStill(rank: 0, attempt: 1, isSetBack: true))
        run.now = 600
        run.step(.nodeBegan(rank: 0, attempt: 1))
        #expect(run.news() == ["no timeout a", "timeout a in 50"])
        run.now = 640
        run.succeed("a")
        let end = try #require(run.completion("a"))
        #expect((end.queueMicroseconds, end.durationMicroseconds) == (600_000, 40_000))
    }

    @Test func `what never began was in the queue all the time`() throws {
        let graph = try revision("nodes: [{id: a, kind: test}]", body: { _ in LateBody() })
        var run = MachineDriver(graph)
        run.step(.begin(initialState: [:]))
        run.now = 400
        run.fail("a", "there is no worker")
        let end = try #require(run.completion("a"))
        #expect((end.queueMicroseconds, end.durationMicroseconds) == (400_000, 0))
    }

    @Test func `a delay in a real run holds a timer and no task, and ends when its time has come`() async throws {
        let engine = try Engine(threads: 1)
        defer { engine.stop() }
        let graph = try revision(
            "nodes: [{id: w, kind: delay}]", body: { _ in ClosureBody { _ in .parked(NodeWait(milliseconds: 5_000)) } })
        let log = try engine.start(graph)
        while try engine.story(log).count < 2 { await engine.settle() }
        engine.clock.advance(milliseconds: 4_999)
        await engine.settle()
        #expect(try engine.story(log) == ["start", "+w"])
        engine.clock.advance(milliseconds: 1)
        await engine.store.end(of: log)
        #expect(try engine.story(log).last == "complete success")
        #expect(engine.clock.timerCount == 0)
    }
}
