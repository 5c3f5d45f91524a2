/// The order in which a graph's nodes stand, or the cycles that prevent one.
///
/// Kahn's algorithm, always taking the ready node that stands first in the document: O((nodes + edges) · log nodes),
/// without recursion.
struct TopologicalOrder {
    struct Edge {
        let from: Int
        let to: Int
    }

    struct Cycle {
        /// In the direction of the edges, beginning with the node that stands first in the document.
        let nodes: [Int]
        /// Of its edges the one that stands last in the document.
        let edge: Int
    }

    /// Rank → place in the document. Shorter than the graph if there are cycles.
    private(set) var places: [Int] = []
    /// One cycle for each knot that Kahn's algorithm got stuck on, at most as many as faults are kept.
    private(set) var cycles: [Cycle] = []

    private let edges: [Edge]
    private let outgoing: Adjacency
    private var openInputs: [Int]

    init(nodeCount: Int, edges: [Edge]) {
        self.edges = edges
        outgoing = Adjacency(nodeCount: nodeCount, count: edges.count) { edges[$0].from }
        openInputs = [Int](repeating: 0, count: nodeCount)
        for edge in edges { openInputs[edge.to] += 1 }
        places.reserveCapacity(nodeCount)
        order()
    }

    private mutating func order() {
        var ready = MinHeap()
        var isDone = [Bool](repeating: false, count: openInputs.count)
        for node in openInputs.indices where openInputs[node] == 0 { ready.insert(node) }
        takeAll(&ready, &isDone)
        guard places.count < openInputs.count else { return }

        let incoming = Adjacency(nodeCount: openInputs.count, count: edges.count) { edges[$0].to }
        while let knot = isDone.firstIndex(of: false), cycles.count < GraphFaults.keptMax {
            let cycle = cycle(upstreamOf: knot, incoming, isDone)
            cycles.append(cycle)
            // Without the cycle's nodes the rest may be orderable, or show the next cycle.
            for node in cycle.nodes { isDone[node] = true }
            for node in cycle.nodes { release(after: node, &ready, isDone) }
            takeAll(&ready, &isDone)
        }
    }

    private mutating func takeAll(_ ready: inout MinHeap, _ isDone: inout [Bool]) {
        while let node = ready.removeMin() {
            isDone[node] = true
            places.append(node)
            release(after: node, &ready, isDone)
        }
    }

    private mutating func release(after node: Int, _ ready: inout MinHeap, _ isDone: [Bool]) {
        for edge in outgoing[node] {
            let target = edges[edge].to
            openInputs[target] -= 1
            if openInputs[target] == 0, !isDone[target] { ready.insert(target) }
        }
    }

    /// Every node that is left has a predecessor that is left, so a walk upstream must meet itself.
    private func cycle(upstreamOf start: Int, _ incoming: Adjacency, _ isDone: [Bool]) -> Cycle {
        var walk: [(node: Int, edge: Int)] = []
        var stepOf: [Int: Int] = [:]
        var node = start
        while stepOf[node] == nil {
            guard let edge = incoming[node].first(where: { !isDone[edges[$0].from] }) else {
                preconditionFailure("a node without open predecessors is ready")
            }
            stepOf[node] = walk.count
            walk.append((node, edge))
            node = edges[edge].from
        }
        let loop = walk[(stepOf[node] ?? 0)...]
        let nodes = Array(loop.map(\.node).reversed())
        let first = nodes.indices.min { nodes[$0] < nodes[$1] } ?? 0
        return Cycle(nodes: Array(nodes[first...] + nodes[..<first]), edge: loop.map(\.edge).max() ?? 0)
    }
}

/// Node → the indices of its edges, in edge order, in two flat arrays.
struct Adjacency {
    private var starts: [Int]
    private var indices: [Int]

    /// Sorts the edges 0..<count by the node that `node` gives for each.
    init(nodeCount: Int, count: Int, node: (Int) -> Int) {
        starts = [Int](repeating: 0, count: nodeCount + 1)
        indices = [Int](repeating: 0, count: count)
        for edge in 0..<count { starts[node(edge) + 1] += 1 }
        for node in 0..<nodeCount { starts[node + 1] += starts[node] }
        var next = starts
        for edge in 0..<count {
            let node = node(edge)
            indices[next[node]] = edge
            next[node] += 1
        }
    }

    subscript(node: Int) -> ArraySlice<Int> { indices[starts[node]..<starts[node + 1]] }
}

/// A binary heap of integers, the smallest on top.
struct MinHeap {
    private var items: [Int] = []

    mutating func insert(_ item: Int) {
        items.append(item)
        var child = items.count - 1
        while child > 0, items[(child - 1) / 2] > items[child] {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeMin() -> Int? {
        guard let last = items.popLast() else { return nil }
        guard let top = items.first else { return last }
        items[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < items.count else { return top }
            if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
            guard items[child] < items[parent] else { return top }
            items.swapAt(parent, child)
            parent = child
        }
    }
}
