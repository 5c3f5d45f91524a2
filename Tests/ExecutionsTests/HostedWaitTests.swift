import Graphs
import JSON
import Testing

@testable import Executions

/// Hosts a graph of one task, which asks, and ends with what it is answered.
private struct AskingHost: NodeBody {
    let hosts = true

    func start(_ call: NodeCall) -> NodeStart {
        let task = HostedTaskStart(id: "t", name: "a", input: [:])
        return .waiting {
            let answers = call.kept?["answers"]?["t"]?["values"]
            let kept = HostedKept(space: "", content: answers == nil ? ["head": 1] : nil)
            call.output.host(.step(around: nil, index: 1, [task], kept: kept), bytes: 1)
            guard let answers else {
                call.output.host(.asked(task: "t", prompt: "?", schema: .null), bytes: 1)
                return .success(update: [:])
            }
            call.output.host(.ended(task: "t", .success(update: [:], output: [:])), bytes: 1)
            return .success(update: ["said": answers])
        }
    }
}

/// Turns what it seals around, so that it is no JSON.
private struct TurningSeal: CheckpointSeal {
    func seal(_ value: JSONText) -> JSONText { JSONText(String("\(value)".reversed())) }

    func open(_ sealed: String) throws(NodeFailure) -> JSONText {
        do {
            return try JSONText(parsing: Array(String(sealed.reversed()).utf8))
        } catch {
            throw NodeFailure("no key")
        }
    }
}

struct HostedWaitTests {
    private func answer(_ engine: Engine, _ log: EventLog, path: JSONText) async -> AnswerResult {
        let order = AnswerOrder(path: path, nodeID: "a", answer: Answer(approved: true, data: 7))
        return await withCheckedContinuation { continuation in
            engine.service.answer(log.id, order) { continuation.resume(returning: $0) }
        }
    }

    @Test func `an execution whose hosted graph asks leaves memory, and goes on with the answer`() async throws {
        let memory = ExecutionMemory()
        let engine = try Engine(threads: 1, memory: memory)
        defer { engine.stop() }
        let log = try engine.start(try revision("nodes: [{id: n, kind: test}]") { _ in AskingHost() })
        while engine.service.begun.waiting == 0 || memory.bytes > 0 { await engine.settle() }
        let waits = try #require(try engine.store.execution(log.id)?.waits)
        #expect(waits.isAll && waits.wakesAtMicroseconds == nil && waits.questions.map(\.nodeID) == ["a"])
        #expect(engine.service.counts.running == 0 && engine.clock.timerCount == 0)
        engine.clock.advance(milliseconds: 7 * 86_400_000)
        if case .notWaiting = await answer(engine, log, path: []) {} else { Issue.record("it is no node of the root") }
        guard case .taken = await answer(engine, log, path: ["n", 1]) else { return #expect(Bool(false)) }
        await engine.store.end(of: log)
        let records = try engine.store.events(of: log.id)
        #expect(records.count { $0.body.isStart } == 1)
        guard case .nodeComplete(let end) = records.dropLast().last?.body else { return #expect(Bool(false)) }
        #expect(end.update == ["said": [7]] && end.attempt == 1)
        #expect(end.notes?.waitMicroseconds ?? 0 >= 7 * 86_400_000_000 && end.durationMicroseconds < 1_000_000)
        engine.service.checkInvariants()
    }

    @Test func `what is kept is sealed value by value, and opened as a whole`() throws {
        let seal = TurningSeal()
        let kept = HostedKept(
            space: "s", content: ["head": ["id": 1], "channels": ["x": [1, "a"]], "edits": ["x": 2]])
        let content = try #require(seal.seal(kept).content?.object)
        #expect(content["head"]?.string != nil && content["channels"]?["x"]?.string != nil)
        #expect(content["edits"]?.string != nil)
        guard
            case .ended(_, _, let writes?) = seal.seal(
                .ended(task: "t", .success(update: [:], output: [:]), writes: [[1]]))
        else { return #expect(Bool(false)) }
        var space = content
        space["writes"] = ["t": writes]
        let all: JSONText = ["spaces": ["s": JSONText(space)], "answers": ["t": 1]]
        let opened = try CheckpointOpening(seal).openAll(all)
        #expect(
            opened == [
                "spaces": [
                    "s": [
                        "head": ["id": 1], "channels": ["x": [1, "a"]], "edits": ["x": 2], "writes": ["t": [[1]]],
                    ]
                ],
                "answers": ["t": 1],
            ])
        #expect(throws: NodeFailure.self) { try CheckpointOpening(nil).open("sealed") }
        #expect(try CheckpointOpening(nil).open(["x": 1]) == ["x": 1])
    }
}
