import Graphs
import HashTreeCollections
import JSON

/// A compiled `when`: a pure function of what it is shown, bounded in time and memory.
package protocol EdgeCondition: Sendable {
    /// Whether it looks at `nodes`, so that the engine keeps them only if somebody does.
    var readsNodes: Bool { get }
    /// Begins to evaluate it.
    /// - Parameter budgetNanoseconds: the CPU time that it may take, if its own limit is not less.
    func begin(_ scope: ConditionScope, budgetNanoseconds: UInt64) -> any ConditionRun
}

/// One evaluation of a condition, stepped by one thread at a time.
package protocol ConditionRun: Sendable {
    /// Runs on, for about the time given. Not to be called again once it has ended.
    func step(sliceNanoseconds: UInt64) -> ConditionStep
    /// Calls `action` once it may go on, after `step` said that it waits.
    func whenPossible(_ action: @escaping @Sendable () -> Void)
    /// What it has taken so far.
    var cpuNanoseconds: UInt64 { get }
}

/// How far an evaluation has come.
package enum ConditionStep: Sendable {
    /// Lua truth of the expression.
    case finished(Bool)
    /// Its message says what was wrong with the expression.
    case failed(NodeFailure)
    /// The slice is over.
    case yielded
    /// There is no room for it now.
    case waiting
}

extension ConditionRun {
    package func whenPossible(_ action: @escaping @Sendable () -> Void) { action() }
}

/// What a `when` sees.
package struct ConditionScope: Sendable {
    /// The source's output state.
    package let state: State
    package let nodes: ConditionNodes
    package let room: ProgramRoom?
    /// For those that are judged elsewhere; nil outside of executions.
    package let call: ConditionCall?

    package init(
        state: State, nodes: ConditionNodes = [:], room: ProgramRoom? = nil, call: ConditionCall? = nil
    ) {
        self.call = call
        self.state = state
        self.nodes = nodes
        self.room = room
    }
}

/// Whose edge is judged.
package struct ConditionCall: Sendable {
    package let executionID: ExecutionID
    package let graph: GraphIdentity
    /// The source of the edge.
    package let nodeID: String
}

package struct ConditionNode: Sendable {
    package let status: NodeStatus
    package let update: JSONObject

    package init(status: NodeStatus, update: JSONObject) {
        self.status = status
        self.update = update
    }
}

/// The source and all its ancestors, by id. One of these serves all edges of a source.
package struct ConditionNodes: Sendable, ExpressibleByDictionaryLiteral {
    private enum Content: Sendable {
        case listed([String: ConditionNode])
        case ended(TreeDictionary<Int, ConditionNode>, Graph, visible: [Bool])
    }

    private let content: Content

    package init(dictionaryLiteral nodes: (String, ConditionNode)...) {
        content = .listed(Dictionary(nodes) { first, _ in first })
    }

    /// - Parameter ended: by rank, what has ended so far: all ancestors of the source and more.
    init(of source: Int, in graph: Graph, ended: TreeDictionary<Int, ConditionNode>) {
        content = .ended(ended, graph, visible: graph.ancestorsAndSelf(ofRank: source))
    }

    package subscript(id: String) -> ConditionNode? {
        switch content {
        case .listed(let nodes): return nodes[id]
        case .ended(let nodes, let graph, let visible):
            guard let rank = graph.rank(ofNode: id), visible.indices.contains(rank), visible[rank] else { return nil }
            return nodes[rank]
        }
    }

    /// All of them.
    package var all: [(id: String, node: ConditionNode)] {
        switch content {
        case .listed(let nodes): return nodes.map { ($0.key, $0.value) }
        case .ended(let nodes, let graph, let visible):
            return visible.indices.compactMap { rank in
                guard visible[rank], let node = nodes[rank] else { return nil }
                return (graph.nodes[rank].id, node)
            }
        }
    }
}

extension Graph {
    /// The ranks to which edges lead, each once, in the order of the edges.
    package func targets(of taken: [Int]) -> [Int] {
        if taken.count < 2 { return taken.map { edges[$0].to } }
        var seen: Set<Int> = []
        return taken.compactMap { seen.insert(edges[$0].to).inserted ? edges[$0].to : nil }
    }

    /// By rank, up to that of the node itself: whether a way leads from there to it.
    func ancestorsAndSelf(ofRank rank: Int) -> [Bool] {
        var found = [Bool](repeating: false, count: rank + 1)
        found[rank] = true
        // Ranks are in topological order: whoever is found has all its targets behind it.
        for candidate in stride(from: rank, through: 0, by: -1) where found[candidate] {
            for edge in incoming[candidate] { found[edges[edge].from] = true }
        }
        return found
    }
}
