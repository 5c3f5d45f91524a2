import Executions
import Graphs
import JSON
import Testing

@Suite struct GraphProfileTests {
    private let document = "nodes: [{id: a, kind: test}, {id: b, kind: test}]\nedges: [{from: a, to: b}]"

    /// Runs in which `a` takes so many milliseconds each, the oldest first.
    private func profile(_ milliseconds: [UInt64], failing: Set<Int> = []) throws -> GraphProfile {
        var graphProfile = GraphProfile()
        for (index, time) in milliseconds.enumerated().reversed() {
            var run = try MachineDriver(document)
            run.now = time
            if failing.contains(index) { run.fail("a") } else { run.succeed("a") }
            run.now += 7
            run.succeed("b")
            graphProfile.add(run.profile(), of: run.graph)
        }
        return graphProfile
    }

    @Test func `percentiles are by nearest rank`() throws {
        let profile = try profile(Array(1...20), failing: [3, 4])
        #expect(profile.executions == 20)
        #expect(profile.nodes.map(\.id) == ["a", "b"])
        #expect(profile.nodes.map(\.runs) == [20, 20])
        #expect(profile.nodes.map(\.errors) == [2, 0])
        #expect(profile.nodes[0].run(percentile: 50) == 10_000)
        #expect(profile.nodes[0].run(percentile: 95) == 19_000)
        #expect(profile.nodes[1].run(percentile: 95) == 7_000)
        #expect(profile.nodes[1].queue(percentile: 95) == 0)
    }

    @Test func `the recent third is compared with what was before`() throws {
        let profile = try profile([10, 10, 10, 10, 10, 10, 30, 30, 30])
        let medians = profile.nodes[0].medians
        #expect(medians?.earlier == 10_000)
        #expect(medians?.recent == 30_000)
        #expect(profile.nodes[0].factor == 3)
        #expect(profile.slower.map(\.id) == ["a"])
    }

    @Test(
        arguments: [
            [10, 10, 10, 10, 12, 12], [10, 10, 10, 30, 30], [30, 30, 30, 30, 10, 10],
            [10, 10, 10, 10, 10, 30, 10, 10, 10],
        ] as [[UInt64]])
    func `too little, too few, faster and one outlier are not slower`(_ milliseconds: [UInt64]) throws {
        #expect(try profile(milliseconds).slower.isEmpty)
    }

    @Test func `a node that was cut short does not count`() throws {
        var run = try MachineDriver(document)
        run.now = 5
        run.succeed("a")
        run.now = 9
        run.step(.cancel)
        run.succeed("b")
        var graphProfile = GraphProfile()
        graphProfile.add(run.profile(), of: run.graph)
        #expect(graphProfile.nodes.map(\.id) == ["a"])
    }
}
