import Graphs
import JSON
import Testing

@testable import Executions

/// What a hosted graph begins with in place of nothing: steps of an earlier execution, or what its thread has kept.
struct HostedTakeoverTests {
    private let node = NodeRef(scope: 0, rank: 0)

    /// Three steps, the second of two tasks of one node.
    private func whole() throws -> Host {
        var host = try Host()
        host.begins(1, [("1", "a")], channels: ["x": 1, "y": 1])
        host.ends("1")
        host.begins(2, [("2", "b"), ("3", "b")], channels: ["x": 2])
        host.begins(1, [("4", "inner")], around: "2")
        for task in ["4", "3", "2"] { host.ends(task) }
        host.begins(3, [("5", "c")], channels: ["x": 3])
        host.ends("5")
        host.ends()
        return host
    }

    private func takeover(of host: Host, from index: Int, edits: JSONObject = [:]) throws -> Takeover {
        let graph = try #require(Host.graph).graph
        var results = ExecutionResults(of: graph, for: .step(of: "g", index: index))
        for record in host.records { results.take(record) }
        #expect(results.steps?.isFound == true && results.steps?.isTooLarge == false)
        let plan = RerunPlan(results, on: graph, from: .step(of: "g", index: index), edits: edits)
        #expect(plan.initialState == ["n": 0])
        return plan.takeover
    }

    @Test func `the steps before are told as taken over, and it goes on with what was kept there`() throws {
        var host = try Host(try takeover(of: whole(), from: 3))
        let kept = try #require(host.tree.kept(for: node))
        #expect(kept["spaces"]?[""]?["channels"] == ["x": 3, "y": 1] && kept["spaces"]?[""]?["head"] == 3)
        host.begins(3, [("x", "c")])
        host.ends("x")
        host.ends()
        #expect(
            try host.story() == [
                "+g 1", "-g/1/a cached", "-g/2/b/1/b cached", "-g/2/b/0/b cached", "+g/3/c 1", "-g/3/c success",
                "-g success",
            ])
        // And again from an earlier one.
        let again = try Host(try takeover(of: host, from: 2))
        #expect(try again.story() == ["+g 1", "-g/1/a cached"])
        #expect(again.tree.kept(for: node)?["spaces"]?[""]?["channels"] == ["x": 2, "y": 1])
    }

    @Test func `edits are made once, across a restart too`() throws {
        var host = try Host(try takeover(of: whole(), from: 2, edits: ["x": 9]))
        try host.restart()
        #expect(host.tree.kept(for: node)?["spaces"]?[""]?["edits"] == ["x": 9])
        host.begins(3, [("x", "c")])
        #expect(host.tree.kept(for: node)?["spaces"]?[""]?["edits"] == nil)
    }

    @Test func `a step that was never begun is not found`() throws {
        let host = try whole()
        var results = ExecutionResults(of: try #require(Host.graph).graph, for: .step(of: "g", index: 4))
        for record in host.records { results.take(record) }
        #expect(results.steps?.isFound == false)
    }

    @Test func `a rerun from a step is known again by its text`() {
        for start: RerunStart in [.step(of: "graph", index: 3), .step(of: "step", index: 0), .nodes(["step"])] {
            #expect(RerunStart(text: start.text) == start)
        }
    }

    @Test func `what a graph has come to is left to its thread, and the next run begins with that`() throws {
        var host = try Host(isInThread: true)
        host.begins(1, [("1", "a")], channels: ["x": 1, "y": 1])
        host.ends("1")
        let kept = HostedKept(space: "", content: ["head": "end", "channels": ["x": 2]])
        host.say(.kept(kept, values: ["x": 2]))
        host.ends()
        let left = try #require(host.left.first)
        #expect(host.left.count == 1 && left.nodeID == "g" && left.content["values"] == ["x": 2])
        #expect(left.content["spaces"]?[""]?["channels"] == ["x": 2, "y": 1])

        var takeover = Takeover()
        takeover.hosted[0] = .thread(left.content)
        var next = try Host(takeover, isInThread: true)
        let first = try #require(next.tree.kept(for: node))
        #expect(first["begins"] == true && first["spaces"]?[""]?["head"] == "end")
        next.begins(3, [("2", "a")], channels: ["x": 5])
        let later = try #require(next.tree.kept(for: node))
        #expect(later["begins"] == nil && later["spaces"]?[""]?["channels"] == ["x": 5, "y": 1])
        // One that fails leaves what it had come to.
        next.ends(.failure(NodeFailure("broken")))
        #expect(next.left.first?.content["spaces"]?[""]?["channels"] == ["x": 5, "y": 1])
    }

    @Test func `an execution without a thread leaves nothing`() throws {
        let host = try whole()
        #expect(host.left.isEmpty)
    }
}
