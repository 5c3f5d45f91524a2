import OrderedCollections
import Testing

@testable import Graphs

@Suite struct LayoutTests {
    private func graph(_ nodeCount: Int, _ edges: [(Int, Int)]) throws -> Graph {
        let nodes = (0..<nodeCount).map { "{\"id\":\"n\($0)\",\"kind\":\"noop\"}" }.joined(separator: ",")
        let edges = edges.map { "{\"from\":\"n\($0)\",\"to\":\"n\($1)\"}" }.joined(separator: ",")
        return try GraphsTests.graph("{\"id\":\"g\",\"nodes\":[\(nodes)],\"edges\":[\(edges)]}", .json)
    }

    private func randomGraph(_ nodeCount: Int, _ edgeCount: Int, seed: UInt64) throws -> Graph {
        var random = SeededRandom(seed)
        var edges: [(Int, Int)] = []
        var seen: Set<[Int]> = []
        for _ in 0..<edgeCount {
            let to = Int.random(in: 1..<nodeCount, using: &random)
            let from = Int.random(in: 0..<to, using: &random)
            if seen.insert([from, to]).inserted { edges.append((from, to)) }
        }
        return try graph(nodeCount, edges)
    }

    @Test func `a chain is a row`() throws {
        let positions = Layout.positions(of: try graph(3, [(0, 1), (1, 2)]))
        #expect(Array(positions.keys) == ["n0", "n1", "n2"])
        #expect(Array(positions.values) == [80, 320, 560].map { GraphPosition(x: $0, y: 40) })
    }

    @Test func `a diamond is symmetric`() throws {
        let positions = Layout.positions(of: try graph(4, [(0, 1), (0, 2), (1, 3), (2, 3)]))
        #expect(positions["n0"] == GraphPosition(x: 80, y: 90))
        #expect(positions["n1"] == GraphPosition(x: 320, y: 40))
        #expect(positions["n2"] == GraphPosition(x: 320, y: 140))
        #expect(positions["n3"] == GraphPosition(x: 560, y: 90))
    }

    @Test func `a node alone stands at the origin`() throws {
        #expect(Layout.positions(of: try graph(1, [])) == ["n0": Layout.origin])
    }

    @Test func `edges lead to the right, and no two nodes overlap`() throws {
        for seed in UInt64(0)..<20 {
            let graph = try randomGraph(60, 90, seed: seed)
            let positions = Layout.positions(of: graph)
            for edge in graph.document.edges {
                let (from, to) = (try #require(positions[edge.from]), try #require(positions[edge.to]))
                #expect(to.x >= from.x + Layout.layerWidth, "seed \(seed)")
            }
            for column in Dictionary(grouping: positions.values, by: \.x).values {
                let rows = column.map(\.y).sorted()
                let distances = zip(rows.dropFirst(), rows).map { $0 - $1 }
                #expect(distances.allSatisfy { $0 >= Layout.nodeHeight - 1 }, "seed \(seed)")
            }
            #expect(positions.values.map(\.y).min() == Layout.origin.y, "seed \(seed)")
        }
    }

    @Test func `the same graph gets the same positions`() throws {
        let first = Layout.positions(of: try randomGraph(200, 400, seed: 1))
        #expect(Layout.positions(of: try randomGraph(200, 400, seed: 1)) == first)
    }

    @Test func `crossings that need not be are removed`() throws {
        // Five parallel chains whose second nodes stand in reverse in the document.
        let edges = (0..<5).map { (from: $0, to: 9 - $0) }
        var layers = LayoutLayers(nodeCount: 10, edges: edges)
        #expect(layers.crossings() == 10)
        layers.order()
        #expect(layers.crossings() == 0)
    }

    @Test func `crossings are counted as by looking at each pair of edges`() {
        for seed in UInt64(0)..<50 {
            var random = SeededRandom(seed)
            let edges = (0..<12).map { _ in
                (from: Int.random(in: 0..<6, using: &random), to: Int.random(in: 6..<12, using: &random))
            }
            let layers = LayoutLayers(nodeCount: 12, edges: edges)
            guard layers.layers.count == 2 else { continue }
            let place = Dictionary(uniqueKeysWithValues: layers.layers.flatMap { $0.enumerated().map { ($1, $0) } })
            let ends = edges.map { (place[$0.from] ?? 0, place[$0.to] ?? 0) }
            let naive = ends.indices.reduce(0) { sum, a in
                sum + ends[a...].count { (ends[a].0 - $0.0) * (ends[a].1 - $0.1) < 0 }
            }
            #expect(layers.crossings() == naive, "seed \(seed)")
        }
    }

    @Test func `the largest graphs are laid out, long edges without bends`() throws {
        var edges = (1..<10_000).map { ($0 - 1, $0) }
        edges += (0..<5_000).map { ($0, 9_999 - $0) }.filter { $1 - $0 > 1 }
        let positions = Layout.positions(of: try graph(10_000, edges))
        #expect(positions["n9999"]?.x == Layout.origin.x + 9_999 * Layout.layerWidth)
    }
}
