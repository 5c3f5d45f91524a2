import Graphs
import JSON
import Testing

@testable import Executions

/// Nodes that ask people, in the machine: who counts, what decides, and what a restart leaves of it.
@Suite struct ApprovalTests {
    private static let chain = """
        limits: {max_parallel_nodes: 1}
        nodes: [{id: ok, kind: approval}, {id: a, kind: test}, {id: b, kind: test}]
        edges: [{from: ok, to: b}]
        """

    private func run(
        _ document: String = chain, _ change: @escaping (inout ApprovalRules) -> Void = { _ in }
    ) throws -> MachineDriver {
        let graph = try revision(document, body: { $0.asks ? AskingBody(change) as any NodeBody : NoBody() })
        var run = MachineDriver(graph)
        run.step(.begin(initialState: [:]))
        return run
    }

    private func resumed(_ run: MachineDriver, after milliseconds: Int64) -> MachineDriver {
        var next = MachineDriver(run.machine.revision)
        let first = run.records[0].timestampMicroseconds
        for record in run.records {
            next.restore(record.body, elapsedMicroseconds: record.timestampMicroseconds - first)
        }
        next.step(.resume(Resumption(attempt: 2, elapsedMicroseconds: milliseconds * 1000)))
        return next
    }

    @Test func `what waits for an answer takes no place, and an answer ends it`() throws {
        var run = try run()
        #expect(run.news() == ["start", "+ok 1"])
        run.now = 20
        run.ask("ok")
        #expect(run.news() == ["ok approval \"?\"", "await ok", "+a 1"])
        run.now = 5_020
        #expect(run.answer("ok", data: ["n": 1]) == .taken)
        run.succeed("a")
        #expect(run.news() == ["ok yes", "-ok 1 success →b", "-a 1 success", "+b 1"])
        let end = try #require(run.completion("ok"))
        #expect((end.durationMicroseconds, end.notes?.waitMicroseconds) == (20_000, 5_000_000))
        #expect(end.update["decision"]?["approved"] == true)
        #expect(end.update["decision"]?["data"] == ["n": 1])
    }

    @Test func `as many approve as are required, each counts once, and one refusal decides`() throws {
        var run = try run { $0.required = 2 }
        run.ask("ok")
        _ = run.news()
        #expect(run.answer("ok", voter: "one") == .taken)
        #expect(run.answer("ok", voter: "one") == .counted)
        #expect(run.answer("ok", approved: false, voter: "one") == .counted)
        #expect(run.news() == ["ok yes"])
        var refused = run
        #expect(run.answer("ok", voter: "two") == .taken)
        #expect(run.news() == ["ok yes", "-ok 1 success →b"])
        #expect(run.answer("ok", voter: "three") == .notWaiting)
        #expect(refused.answer("ok", approved: false, voter: "two") == .taken)
        #expect(refused.completion("ok")?.update["decision"]?["approved"] == false)
    }

    @Test func `those whom nobody knows each count`() throws {
        var run = try run { $0.required = 2 }
        run.ask("ok")
        #expect(run.answer("ok") == .taken)
        #expect(run.answer("ok") == .taken)
        #expect(run.completion("ok")?.status == .success)
    }

    @Test(arguments: [
        (ApprovalRules.OnDeadline.fail, NodeStatus.error, nil), (.reject, .success, false), (.approve, .success, true),
    ])
    func `a deadline decides as the graph says`(
        onDeadline: ApprovalRules.OnDeadline, status: NodeStatus, approved: Bool?
    ) throws {
        var run = try run {
            $0.deadlineMilliseconds = 900
            $0.onDeadline = onDeadline
        }
        run.ask("ok")
        #expect(run.news().contains("await ok for 900"))
        run.passDeadline("ok")
        let end = try #require(run.completion("ok"))
        #expect(end.status == status)
        #expect(end.update["decision"]?["approved"]?.bool == approved)
        #expect(end.error == (approved == nil ? "nobody has decided within deadline_ms (900 ms)" : nil))
    }

    @Test func `its deadline, its votes and its wait go on after a restart, and it is not begun again`() throws {
        var run = try run("nodes: [{id: ok, kind: approval}]") {
            $0.required = 2
            $0.deadlineMilliseconds = 900
        }
        run.now = 100
        run.ask("ok")
        run.now = 200
        run.answer("ok", voter: "one")
        var next = resumed(run, after: 600)
        #expect(next.news() == ["await ok for 400"])
        #expect(next.answer("ok", voter: "one") == .counted)
        next.now = 50
        #expect(next.answer("ok", voter: "two") == .taken)
        #expect(next.news() == ["ok yes", "-ok 1 success", "complete success", "finish success"])
        let end = try #require(next.completion("ok"))
        #expect((end.attempt, end.notes?.waitMicroseconds) == (1, 550_000))
        var late = resumed(run, after: 5_000)
        #expect(late.news() == ["await ok for 0"])
    }

    @Test func `one that had not asked yet asks in the same attempt`() throws {
        let run = try run("nodes: [{id: ok, kind: approval}]")
        var next = resumed(run, after: 600)
        #expect(next.news() == ["park ok for 600"])
        next.step(.nodeAsked(rank: 0, attempt: 1, data: "?"))
        #expect(next.news() == ["ok approval \"?\"", "await ok"])
    }

    @Test func `an answer that decided is not asked for again where the node's end was lost`() throws {
        var run = try run(
            "nodes: [{id: ok, kind: approval}, {id: b, kind: test}]\nedges: [{from: ok, to: b, when: has:decision}]")
        run.judgesAtOnce = false
        run.ask("ok")
        #expect(run.answer("ok") == .taken)
        #expect(run.news().suffix(2) == ["ok yes", "judge ok"])
        var next = resumed(run, after: 600)
        #expect(next.news() == ["-ok 1 success →b", "+b 1"])
    }

    @Test func `one that is cancelled ends at once, and takes no answer`() throws {
        var run = try run("nodes: [{id: ok, kind: approval}]")
        run.ask("ok")
        run.now = 70
        run.step(.cancel)
        #expect(run.news().suffix(3) == ["-ok 1 cancelled", "complete cancelled", "finish cancelled"])
        #expect(run.completion("ok")?.notes?.waitMicroseconds == 70_000)
        #expect(run.answer("ok") == .notWaiting)
        var asking = try self.run("nodes: [{id: ok, kind: approval}]")
        asking.step(.cancel)
        asking.ask("ok")
        #expect(asking.news().suffix(3) == ["-ok 1 cancelled", "complete cancelled", "finish cancelled"])
    }

    @Test func `an answer is rendered as output, and the wait beside the duration`() throws {
        var run = try run("nodes: [{id: ok, kind: approval}]")
        run.ask("ok")
        run.answer("ok", voter: "secret id")
        var renderer = EventRenderer(
            executionID: ExecutionIDGenerator().next(wallMicroseconds: 0), revision: run.machine.revision, detail: .full
        )
        let lines = run.records.map { record in
            var writer = ByteWriter()
            renderer.render(record, to: &writer)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
        #expect(
            lines[3].contains(
                #""channel":"answer","data":{"approved":true,"data":null,"by":null,"comment":null,"at":""#))
        #expect(lines[4].contains(#","queue_ms":0,"wait_ms":0,"taken":[]"#))
        #expect(!lines.joined().contains("secret id"))
    }

    @Test func `waiting for people is told apart from the time that counts`() throws {
        let revision = try run().machine.revision
        let place = QuestionTrace.Place(scope: 0, revision: revision, path: .emptyArray)
        var trace = try #require(QuestionTrace(revision))
        let bodies: [(EventRecord.Body, Int64)] = [
            (.start(attempt: 1, initialState: [:]), 0), (.nodeStart(rank: 0, attempt: 1), 10),
            (.nodeStart(rank: 1, attempt: 1), 20),
            (.nodeOutput(rank: 0, attempt: 1, channel: "approval", data: "?"), 30),
            (.nodeComplete(NodeCompletion(rank: 1, attempt: 1, status: .success)), 100),
            (.signalled(rank: 0, attempt: 1, Answer(approved: true)), 400),
        ]
        for (index, (body, time)) in bodies.enumerated() {
            trace.take(body, place, seq: index + 1, atMicroseconds: time, elapsed: time)
        }
        let asked = AskedQuestion(
            NodeRef(scope: 0, rank: 0), nodeID: "ok", seq: 4, atMicroseconds: 30, given: 1, required: 1)
        #expect(Array(trace.open.values) == [asked])
        #expect((trace.isIdle, trace.idle(untilElapsed: 500)) == (true, 400))
        let end = NodeCompletion(rank: 0, attempt: 1, status: .success)
        trace.take(.nodeComplete(end), place, seq: 7, atMicroseconds: 600, elapsed: 600)
        #expect((trace.isIdle, trace.idle(untilElapsed: 900), trace.open.isEmpty) == (false, 500, true))
    }
}
