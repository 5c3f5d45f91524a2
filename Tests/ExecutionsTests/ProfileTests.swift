import Executions
import Graphs
import JSON
import Testing

/// Directed runs of a machine, with times in milliseconds.
@Suite struct ProfileTests {
    private let diamond = """
        nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}, {id: d, kind: test}]
        edges: [{from: a, to: b}, {from: a, to: c}, {from: b, to: d}, {from: c, to: d}]
        """

    private func words(_ bottleneck: Profile.Bottleneck?) -> String? {
        bottleneck.map { "\($0.rank) \($0.activity) \($0.duration) \($0.share)" }
    }

    @Test func `the critical path leads through the sources that were waited for`() throws {
        var run = try MachineDriver(diamond)
        run.now = 10
        run.succeed("a")
        run.now = 15
        run.succeed("c")
        run.now = 40
        run.succeed("b")
        run.now = 50
        run.succeed("d")
        let profile = run.profile()
        #expect(profile.isFinal)
        #expect(profile.wall == 50_000)
        #expect(run.words(profile.criticalPath) == ["a run 0+10", "b run 10+30", "d run 40+10"])
        #expect(profile.nodes.map(\.slack) == [0, 0, 25_000, 0])
        #expect(profile.nodes.map(\.isCritical) == [true, true, false, true])
        #expect(profile.nodes.map(\.readyAt) == [0, 10_000, 10_000, 40_000])
        #expect(words(profile.bottleneck) == "1 run 30000 0.6")
    }

    @Test func `a wait for a place counts as the node's own time`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}]\nlimits: {max_parallel_nodes: 1}")
        run.now = 30
        run.succeed("a")
        run.now = 40
        run.succeed("b")
        let profile = run.profile()
        #expect(run.words(profile.criticalPath) == ["b queue 0+30", "b run 30+10"])
        #expect(profile.nodes[0].slack == 10_000)
        #expect(profile.nodes[1].total(.queue) == 30_000)
        #expect(words(profile.bottleneck) == "1 queue 40000 1.0")
    }

    @Test func `between two attempts lies a wait, and then perhaps one in the queue`() throws {
        var run = try MachineDriver(
            """
            nodes: [{id: a, kind: test, retry: {max_attempts: 2}}, {id: b, kind: test}]
            limits: {max_parallel_nodes: 1}
            """)
        run.now = 10
        run.fail("a")
        run.now = 30
        run.retry("a")
        run.now = 45
        run.succeed("b")
        run.now = 50
        run.succeed("a")
        let profile = run.profile()
        #expect(
            run.words(profile.criticalPath) == [
                "a run 0+10", "a retry_wait 10+20", "a queue 30+15", "a run 45+5",
            ])
        #expect(profile.nodes[0].segments.map(\.attempt) == [1, 2, 2, 2])
        #expect(profile.nodes[0].attempts == 2)
        #expect(profile.bottleneck?.activity == .retryWait)
    }

    @Test func `a skipped node takes no time, but what waited for it is followed back through it`() throws {
        var run = try MachineDriver(
            """
            nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]
            edges: [{from: a, to: b, when: "false"}, {from: b, to: c}, {from: a, to: c}]
            """)
        run.now = 10
        run.succeed("a")
        run.now = 15
        run.succeed("c")
        let profile = run.profile()
        #expect(run.words(profile.criticalPath) == ["a run 0+10", "c run 10+5"])
        #expect(profile.nodes.map(\.progress) == [.success, .skipped, .success])
        #expect(profile.nodes.map(\.slack) == [0, nil, 0])
        #expect(profile.nodes[1].segments.isEmpty)
    }

    @Test func `an execution that was stopped ends with the last node that it interrupted`() throws {
        var run = try MachineDriver(
            """
            nodes: [{id: a, kind: test, on_error: stop}, {id: b, kind: test}, {id: c, kind: test}, {id: d, kind: test}]
            edges: [{from: a, to: d}, {from: b, to: d}]
            limits: {max_parallel_nodes: 2}
            """)
        run.now = 10
        run.fail("a")
        run.now = 12
        run.succeed("b")
        let profile = run.profile()
        #expect(profile.isFinal)
        #expect(run.words(profile.criticalPath) == ["b run 0+12"])
        #expect(profile.nodes.map(\.progress) == [.error, .cancelled, .pending, .pending])
        // It never got a place, and so has no end that could have been later.
        #expect(profile.nodes[2].total(.queue) == 12_000)
        #expect(profile.nodes[2].slack == nil)
        #expect(profile.nodes[3].readyAt == nil)
    }

    @Test func `what still runs is told up to now`() throws {
        var run = try MachineDriver(diamond)
        run.now = 10
        run.succeed("a")
        run.now = 15
        run.succeed("c")
        let profile = run.profile(nowMilliseconds: 100)
        #expect(!profile.isFinal)
        #expect(profile.wall == 100_000)
        #expect(run.words(profile.criticalPath) == ["a run 0+10", "b run 10+90"])
        #expect(profile.nodes.map(\.progress) == [.success, .running, .success, .pending])
    }

    @Test func `before the start there is nothing to tell`() throws {
        let profile = ProfileBuilder(graph: try revision(diamond).graph).profile(nowMicroseconds: 5)
        #expect((profile.wall, profile.isFinal) == (0, false))
        #expect(profile.criticalPath.isEmpty && profile.bottleneck == nil)
    }

    @Test func `a restart undoes what ran, and its time is nobody's run`() throws {
        let graph = try revision("nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]").graph
        var records: [(Int64, EventRecord.Body)] = [
            (0, .start(attempt: 1, initialState: [:])), (0, .nodeStart(rank: 0, attempt: 1)),
            (0, .nodeStart(rank: 1, attempt: 1)),
        ]
        let done = NodeCompletion(rank: 1, attempt: 1, status: .success, durationMicroseconds: 20_000)
        records.append((20_000, .nodeComplete(done)))
        records.append((1_000_000, .start(attempt: 2, initialState: [:])))
        records.append((1_001_000, .nodeStart(rank: 0, attempt: 2)))
        records.append((1_001_000, .nodeStart(rank: 2, attempt: 1)))
        for (rank, attempt, time) in [(2, 1, 1_005_000), (0, 2, 1_041_000)] as [(Int, Int, Int64)] {
            let done = NodeCompletion(
                rank: rank, attempt: attempt, status: .success, durationMicroseconds: time - 1_001_000)
            records.append((time, .nodeComplete(done)))
        }
        records.append((1_042_000, .complete(.success, durationMicroseconds: 42_000, failedRanks: [])))
        var builder = ProfileBuilder(graph: graph)
        for (time, body) in records { builder.add(EventRecord(timestampMicroseconds: 7_000 + time, body: body)) }
        let profile = builder.profile(nowMicroseconds: 0)
        #expect(profile.wall == 1_042_000)
        #expect(
            profile.criticalPath.map { "\($0.activity?.rawValue ?? "engine") \($0.start)+\($0.duration)" } == [
                "interrupted 0+1000000", "queue 1000000+1000", "run 1001000+40000", "engine 1041000+1000",
            ])
        #expect(
            profile.nodes[2].segments.map { "\($0.activity) \($0.start)+\($0.duration)" } == [
                "queue 0+20000", "interrupted 20000+980000", "queue 1000000+1000", "run 1001000+4000",
            ])
        #expect(profile.bottleneck?.activity == .interrupted)
    }

    @Test(arguments: [-3_600_000_000, 3_600_000_000] as [Int64])
    func `a clock that was set while a node ran does not count`(step: Int64) throws {
        var run = try MachineDriver(diamond)
        run.now = 10
        run.succeed("a")
        let before = run.records.count
        run.now = 15
        run.succeed("c")
        run.now = 40
        run.succeed("b")
        run.now = 50
        run.succeed("d")
        var builder = ProfileBuilder(graph: run.graph)
        for (index, record) in run.records.enumerated() {
            var record = record
            if index >= before { record.timestampMicroseconds += step }
            builder.add(record)
        }
        let profile = builder.profile(nowMicroseconds: 0)
        #expect(run.words(profile.criticalPath) == ["a run 0+10", "b run 10+30", "d run 40+10"])
    }
}

extension MachineDriver {
    func profile(nowMilliseconds: Int64 = 0) -> Profile {
        var builder = ProfileBuilder(graph: graph)
        for record in records { builder.add(record) }
        return builder.profile(nowMicroseconds: Self.wallMicroseconds + nowMilliseconds * 1000)
    }

    /// `a run 0+10`: from 0 ms on for 10 ms.
    func words(_ path: [Profile.Part]) -> [String] {
        path.map { part in
            let name = part.rank.map { "\(graph.nodes[$0].id) " } ?? ""
            return "\(name)\(part.activity?.rawValue ?? "engine") \(part.start / 1000)+\(part.duration / 1000)"
        }
    }
}
