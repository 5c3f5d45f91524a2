import JSON
import Testing

@testable import Graphs

@Suite struct TopologicalOrderTests {
    typealias Edge = TopologicalOrder.Edge

    /// The rule itself: again and again the first node whose predecessors have all been taken.
    private func naiveOrder(_ nodeCount: Int, _ edges: [Edge]) -> [Int] {
        var taken: [Int] = []
        while let next = (0..<nodeCount).first(where: { node in
            !taken.contains(node) && edges.allSatisfy { $0.to != node || taken.contains($0.from) }
        }) {
            taken.append(next)
        }
        return taken
    }

    private func randomEdges(_ nodeCount: Int, isAcyclic: Bool, _ random: inout SeededRandom) -> [Edge] {
        let order = Array(0..<nodeCount).shuffled(using: &random)
        return (0..<Int.random(in: 0...3 * nodeCount, using: &random)).compactMap { _ in
            let (a, b) = (Int.random(in: 0..<nodeCount, using: &random), Int.random(in: 0..<nodeCount, using: &random))
            if a == b { return nil }
            return isAcyclic && a > b ? Edge(from: order[b], to: order[a]) : Edge(from: order[a], to: order[b])
        }
    }

    @Test func `the order is that of the rule, whatever the graph`() {
        for seed in UInt64(0)..<300 {
            var random = SeededRandom(seed)
            let nodeCount = Int.random(in: 1...25, using: &random)
            let edges = randomEdges(nodeCount, isAcyclic: true, &random)
            let order = TopologicalOrder(nodeCount: nodeCount, edges: edges)
            #expect(order.places == naiveOrder(nodeCount, edges), "seed \(seed)")
            #expect(order.cycles.isEmpty, "seed \(seed)")
        }
    }

    @Test func `a cycle is found exactly where the rule gets stuck, and is one`() {
        for seed in UInt64(0)..<300 {
            var random = SeededRandom(seed)
            let nodeCount = Int.random(in: 2...15, using: &random)
            let edges = randomEdges(nodeCount, isAcyclic: false, &random)
            let cycles = TopologicalOrder(nodeCount: nodeCount, edges: edges).cycles
            #expect(cycles.isEmpty == (naiveOrder(nodeCount, edges).count == nodeCount), "seed \(seed)")
            for cycle in cycles {
                #expect(Set(cycle.nodes).count == cycle.nodes.count, "seed \(seed)")
                #expect(cycle.nodes.first == cycle.nodes.min(), "seed \(seed)")
                let steps = zip(cycle.nodes, cycle.nodes.dropFirst() + cycle.nodes.prefix(1))
                let isClosed = steps.allSatisfy { from, to in edges.contains { $0.from == from && $0.to == to } }
                #expect(isClosed, "seed \(seed)")
                let closing = edges[cycle.edge]
                #expect(steps.contains { $0 == closing.from && $1 == closing.to }, "seed \(seed)")
            }
        }
    }

    @Test func `what stands first goes first, even when it becomes ready late`() {
        // 0 follows 3, so it stands behind it, but before 1 and 2, which were ready all the time.
        let order = TopologicalOrder(nodeCount: 4, edges: [Edge(from: 3, to: 0)])
        #expect(order.places == [1, 2, 3, 0])
        let early = TopologicalOrder(nodeCount: 4, edges: [Edge(from: 1, to: 0), Edge(from: 3, to: 2)])
        #expect(early.places == [1, 0, 3, 2])
    }

    @Test func `the longest chain needs no stack`() {
        let edges = (1..<10_000).map { Edge(from: $0, to: $0 - 1) }
        #expect(TopologicalOrder(nodeCount: 10_000, edges: edges).places == (0..<10_000).reversed())
        let ring = edges + [Edge(from: 0, to: 9_999)]
        #expect(TopologicalOrder(nodeCount: 10_000, edges: ring).cycles.map(\.nodes.count) == [10_000])
    }

    @Test func `no more cycles are named than faults are kept`() {
        let pairs = (0..<150).flatMap { [Edge(from: 2 * $0, to: 2 * $0 + 1), Edge(from: 2 * $0 + 1, to: 2 * $0)] }
        #expect(TopologicalOrder(nodeCount: 300, edges: pairs).cycles.count == GraphFaults.keptMax)
    }
}

@Suite struct GraphTests {
    @Test func `nodes stand by rank, edges as in the document`() throws {
        let graph = try graph(
            """
            id: g
            nodes: [{id: c, kind: noop}, {id: a, kind: noop}, {id: b, kind: noop}]
            edges: [{from: b, to: c, when: x}, {from: a, to: b}, {from: a, to: c}]
            """)
        #expect(graph.nodes.map(\.id) == ["a", "b", "c"])
        #expect(graph.documentIndex == [1, 2, 0])
        #expect(
            graph.edges == [
                Graph.Edge(from: 1, to: 2, when: "x", documentIndex: 0),
                Graph.Edge(from: 0, to: 1, when: nil, documentIndex: 1),
                Graph.Edge(from: 0, to: 2, when: nil, documentIndex: 2),
            ])
        #expect(graph.incoming == [[], [1], [0, 2]])
        #expect(graph.outgoing == [[1, 2], [0], []])
        #expect(graph.rank(ofNode: "c") == 2)
        #expect(graph.rank(ofNode: "d") == nil)
    }

    @Test func `a revision reads again from its source and its files`() throws {
        let text = "{id: g, nodes: [{id: n, kind: python, config: {file: a.py}}], edges: []}"
        let files = GraphFiles(["a.py": [1]])
        let first = try Graph.parse(Array(text.utf8), format: .yaml, vocabulary: Kinds(), files: files)
        let again = try Graph.parse(
            first.graph.document.source.bytes, format: .json, vocabulary: Kinds(), files: first.files)
        #expect(again.graph.document == first.graph.document)
    }
}
