import OrderedCollections

/// Positions for a graph's nodes: layers from left to right, few crossings, the same result for the same graph.
///
/// The method of Sugiyama, Tagawa and Toda: a node's layer is the length of the longest path to it; an edge over
/// several layers is led through each of them; barycenters order the layers in a few sweeps, of which the one with the
/// fewest crossings stands; then the nodes are pulled towards their neighbours as far as their order allows.
package enum Layout {
    /// From the left edge of a layer to that of the next.
    package static let layerWidth = 240.0
    /// From the top of a node to that of the next in its layer, at least, but for rounding to whole units.
    package static let nodeHeight = 100.0
    /// The position of the upper left corner.
    package static let origin = GraphPosition(x: 80, y: 40)

    /// The position of each node by its id, in document order.
    package static func positions(of graph: Graph) -> OrderedDictionary<String, GraphPosition> {
        routed(graph).positions
    }

    /// The positions, and for each edge, as in `graph.edges`, the places in the layers between its ends where it passes:
    /// the middle of the left side of what would be a node there. The longest edges of a very large graph have none.
    package static func routed(
        _ graph: Graph
    ) -> (positions: OrderedDictionary<String, GraphPosition>, bends: [[GraphPosition]]) {
        var layers = LayoutLayers(nodeCount: graph.nodes.count, edges: graph.edges.map { ($0.from, $0.to) })
        layers.order()
        let rows = LayoutRows(layers).rows
        let top = rows.prefix(graph.nodes.count).min() ?? 0
        var positions: OrderedDictionary<String, GraphPosition> = [:]
        for node in graph.document.nodes {
            guard let rank = graph.rank(ofNode: node.id) else { preconditionFailure("every node has a rank") }
            positions[node.id] = GraphPosition(
                x: origin.x + Double(layers.layerOf[rank]) * layerWidth,
                y: (origin.y + rows[rank] - top).rounded())
        }
        let bends = layers.bends.map { bends in
            bends.map { bend in
                GraphPosition(
                    x: origin.x + Double(layers.layerOf[bend]) * layerWidth,
                    y: (origin.y + rows[bend] - top).rounded() + bendDrop)
            }
        }
        return (positions, bends)
    }

    /// From the upper side of a node that would stand there to the line of an edge that passes.
    private static let bendDrop = 28.0
}

/// The layers and the order within each. Vertices 0..<nodeCount are the nodes by rank; behind them stand the bends
/// where an edge crosses a layer.
struct LayoutLayers {
    /// Bends cost as much as nodes, and a dense graph of many layers would have millions: the longest edges go without.
    private static let bendsMax = 20_000
    private static let sweeps = 8

    let nodeCount: Int
    private(set) var layerOf: [Int]
    /// Edge → its bends, from its source to its target.
    private(set) var bends: [[Int]]
    /// Layer → vertices from top to bottom.
    private(set) var layers: [[Int]] = []
    /// Vertex → neighbours in the layer before it.
    private(set) var before: [[Int]]
    /// Vertex → neighbours in the layer behind it.
    private(set) var behind: [[Int]]
    /// Vertex → place in its layer.
    private var place: [Int] = []

    /// Edges join ranks, so each leads from a smaller number to a greater one.
    init(nodeCount: Int, edges: [(from: Int, to: Int)]) {
        self.nodeCount = nodeCount
        layerOf = [Int](repeating: 0, count: nodeCount)
        before = [[Int]](repeating: [], count: nodeCount)
        behind = before
        bends = [[Int]](repeating: [], count: edges.count)
        for edge in edges.sorted(by: { $0.from < $1.from }) {
            layerOf[edge.to] = max(layerOf[edge.to], layerOf[edge.from] + 1)
        }
        connect(edges)
        layers = [[Int]](repeating: [], count: (layerOf.max() ?? -1) + 1)
        for vertex in layerOf.indices { layers[layerOf[vertex]].append(vertex) }
        place = [Int](repeating: 0, count: layerOf.count)
        for layer in layers { number(layer) }
    }

    private mutating func connect(_ edges: [(from: Int, to: Int)]) {
        func span(_ edge: (from: Int, to: Int)) -> Int { layerOf[edge.to] - layerOf[edge.from] }
        var bendsLeft = Self.bendsMax
        for index in edges.indices.sorted(by: { (span(edges[$0]), $0) < (span(edges[$1]), $1) }) {
            let edge = edges[index]
            guard span(edge) - 1 <= bendsLeft else { return }
            bendsLeft -= span(edge) - 1
            var last = edge.from
            for layer in layerOf[edge.from] + 1..<layerOf[edge.to] {
                layerOf.append(layer)
                before.append([])
                behind.append([])
                join(last, layerOf.count - 1)
                last = layerOf.count - 1
                bends[index].append(last)
            }
            join(last, edge.to)
        }
    }

    private mutating func join(_ from: Int, _ to: Int) {
        behind[from].append(to)
        before[to].append(from)
    }

    /// Orders the layers, alternately by the neighbours before and behind, and keeps the best order met.
    mutating func order() {
        var best = (crossings: crossings(), layers: layers)
        for sweep in 0..<Self.sweeps where best.crossings > 0 {
            let isForward = sweep.isMultiple(of: 2)
            for layer in isForward ? Array(layers.indices) : layers.indices.reversed() {
                sortLayer(layer, by: isForward ? before : behind)
            }
            let count = crossings()
            if count < best.crossings { best = (count, layers) }
        }
        layers = best.layers
        for layer in layers { number(layer) }
    }

    /// A vertex without neighbours on that side stays about where it is.
    private mutating func sortLayer(_ layer: Int, by neighbours: [[Int]]) {
        let keyed = layers[layer].map { vertex in
            let places = neighbours[vertex].map { place[$0] }
            let barycenter = Double(places.reduce(0, +)) / Double(max(1, places.count))
            return (vertex: vertex, key: places.isEmpty ? Double(place[vertex]) : barycenter, place: place[vertex])
        }
        layers[layer] = keyed.sorted { ($0.key, $0.place) < ($1.key, $1.place) }.map(\.vertex)
        number(layers[layer])
    }

    private mutating func number(_ layer: [Int]) {
        for (index, vertex) in layer.enumerated() { place[vertex] = index }
    }

    /// How many pairs of edges between adjacent layers cross: the inversions of their ends, counted with a Fenwick tree.
    func crossings() -> Int {
        var crossings = 0
        for layer in layers.dropFirst() {
            let width = layers[layerOf[layer[0]] - 1].count
            var tree = [Int](repeating: 0, count: width + 1)
            var seen = 0
            for vertex in layer {
                let ends = before[vertex].map { place[$0] }
                for end in ends {
                    var notAfter = 0
                    var index = end + 1
                    while index > 0 {
                        notAfter += tree[index]
                        index &= index - 1
                    }
                    crossings += seen - notAfter
                }
                for end in ends {
                    var index = end + 1
                    while index <= width {
                        tree[index] += 1
                        index += index & -index
                    }
                }
                seen += ends.count
            }
        }
        return crossings
    }
}

/// How far down each vertex stands.
struct LayoutRows {
    private static let passes = 6
    /// What a bend takes of its layer: an edge is thinner than a node.
    private static let bendHeight = 40.0

    /// Vertex → its row, in units.
    private(set) var rows: [Double]

    init(_ layers: LayoutLayers) {
        rows = [Double](repeating: 0, count: layers.layerOf.count)
        func height(_ vertex: Int) -> Double { vertex < layers.nodeCount ? Layout.nodeHeight : Self.bendHeight }
        for layer in layers.layers {
            let total = layer.reduce(0) { $0 + height($1) }
            var next = -total / 2
            for vertex in layer {
                rows[vertex] = next + height(vertex) / 2
                next += height(vertex)
            }
        }
        for pass in 0..<Self.passes {
            let isForward = pass.isMultiple(of: 2)
            for layer in isForward ? layers.layers : layers.layers.reversed() {
                pull(layer, to: isForward ? layers.before : layers.behind, height)
            }
        }
    }

    /// Moves the vertices of a layer towards the mean of their neighbours. Pushing conflicts down gives one arrangement
    /// that keeps order and distances, pushing them up another, and so their mean does too.
    private mutating func pull(_ layer: [Int], to neighbours: [[Int]], _ height: (Int) -> Double) {
        let wanted = layer.map { vertex in
            let near = neighbours[vertex]
            return near.isEmpty ? rows[vertex] : near.reduce(0) { $0 + rows[$1] } / Double(near.count)
        }
        var (down, up) = (wanted, wanted)
        for index in layer.indices.dropFirst() {
            let distance = (height(layer[index]) + height(layer[index - 1])) / 2
            down[index] = max(down[index], down[index - 1] + distance)
        }
        for index in layer.indices.dropLast().reversed() {
            let distance = (height(layer[index]) + height(layer[index + 1])) / 2
            up[index] = min(up[index], up[index + 1] - distance)
        }
        for index in layer.indices { rows[layer[index]] = (down[index] + up[index]) / 2 }
    }
}
