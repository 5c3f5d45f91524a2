@testable import Executions
import Graphs
import JSON
import Testing

@Suite struct FlatCostProbe {
    static func layered(_ layers: Int, _ width: Int, extra: String = "") throws -> GraphRevision {
        var nodes: [String] = [], edges: [String] = []
        for l in 0..<layers {
            for w in 0..<width {
                nodes.append(#"{"id":"n\#(l)_\#(w)","kind":"test"}"#)
                if l > 0 { for v in 0..<width { edges.append(#"{"from":"n\#(l-1)_\#(v)","to":"n\#(l)_\#(w)"}"#) } }
            }
        }
        return try revision(
            Array(
                #"{"id":"g","nodes":[\#(nodes.joined(separator: ","))],"edges":[\#(edges.joined(separator: ","))],"reducers":{"log":"append","n":"sum"}\#(extra)}"#
                    .utf8), .json)
    }
    static func fan(_ width: Int) throws -> GraphRevision {
        var nodes: [String] = [#"{"id":"s","kind":"test"}"#, #"{"id":"e","kind":"test"}"#], edges: [String] = []
        for w in 0..<width {
            nodes.append(#"{"id":"n\#(w)","kind":"test"}"#)
            edges.append(#"{"from":"s","to":"n\#(w)"}"#)
            edges.append(#"{"from":"n\#(w)","to":"e"}"#)
        }
        return try revision(
            Array(
                #"{"id":"g","nodes":[\#(nodes.joined(separator: ","))],"edges":[\#(edges.joined(separator: ","))],"reducers":{"log":"append","n":"sum"},"limits":{"max_parallel_nodes":10000}}"#
                    .utf8), .json)
    }
    func run(_ name: String, _ g: GraphRevision, reads: Bool = false, update: (Int) -> JSONObject) {
        var m = RunMachine(revision: g)
        let c = ContinuousClock()
        var pending: [RunMachine.Start] = []
        var head = 0
        let t = c.measure {
            _ = m.step(.begin(attempt: 1, initialState: ["i": 1]), at: 0)
            var e: [RunMachine.Effect] = []
            while true {
                while let s = m.nextStart(at: 0, effects: &e) { pending.append(s); e.removeAll() }
                guard head < pending.count else { break }
                let s = pending[head]
                if reads { _ = s.state["n"] }
                pending[head] = RunMachine.Start(rank: s.rank, attempt: s.attempt, state: State())
                _ = m.step(.nodeEnded(rank: s.rank, attempt: s.attempt, .success(update: update(s.rank))), at: 0)
                head += 1
            }
        }
        print(
            "PROBE", name, g.graph.nodes.count, "nodes", g.graph.edges.count, "edges", t, "per node",
            t / g.graph.nodes.count)
    }
    @Test func probe() throws {
        for n in [100, 1000] {
            run("layered distinct", try Self.layered(n, 10)) { [JSONKey("k\($0)"): 1] }
            run("layered same", try Self.layered(n, 10)) { _ in ["k": 1] }
            run("chain distinct", try manyNodes(n * 10, isChain: true)) { [JSONKey("k\($0)"): 1] }
            run("diamond distinct", try Self.layered(n * 3, 3)) { [JSONKey("k\($0)"): 1] }
            run("fan distinct", try Self.fan(n * 10 - 2)) { [JSONKey("k\($0)"): 1] }
            run("fan log", try Self.fan(n * 10 - 2)) { _ in ["log": "x", "n": 1] }
            run("layered log", try Self.layered(n, 10)) { _ in ["log": "x", "n": 1] }
            run("chain sum read", try Self.layered(n * 10, 1), reads: true) { _ in ["n": 1] }
        }
    }
}
