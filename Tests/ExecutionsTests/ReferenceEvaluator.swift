// What an execution comes to if nobody stops it, written from the contract's sentences by recursion over the graph: no
// queue, no phases, no sharing. Slow on purpose, so that it is easy to believe.

import Executions
import Graphs
import JSON

final class ReferenceEvaluator {
    struct Node: Equatable {
        var status = NodeStatus.skipped
        /// 0: it never started.
        var attempts = 0
        var update: JSONObject = [:]
        /// Over taken edges.
        var ancestors: Set<Int> = []
        var input: JSONText = .emptyObject
        var output: JSONText = .emptyObject
        /// Indices into `graph.edges`.
        var taken: [Int] = []
        /// Of its outgoing edges.
        var broken: [Int] = []
    }

    /// Of an execution that takes over results.
    struct Rerun {
        var from: Set<Int>
        var edits: [JSONKey]
        var earlier: [Node]
    }

    private let scenario: RandomScenario
    private let rerun: Rerun?
    private let initial: JSONObject
    private let reducers: [JSONKey: Reducer]
    private var known: [Int: Node] = [:]
    private var knownAncestors: [Int: Set<Int>] = [:]

    init(_ scenario: RandomScenario, initial: JSONObject, rerun: Rerun? = nil) {
        self.rerun = rerun
        self.scenario = scenario
        self.initial = initial
        reducers = Dictionary(uniqueKeysWithValues: scenario.graph.document.reducers.map { ($0.key, $0.value) })
    }

    var nodes: [Node] { scenario.graph.nodes.indices.map(node) }

    var finalState: JSONText {
        state(of: Set(scenario.graph.nodes.indices)).object.text
    }

    func node(_ rank: Int) -> Node {
        if let node = known[rank] { return node }
        let node = evaluate(rank)
        known[rank] = node
        return node
    }

    private func evaluate(_ rank: Int) -> Node {
        if let rerun, !rerun.from.contains(rank), rerun.from.isDisjoint(with: ancestors(of: rank)) {
            return takenOver(rank, rerun)
        }
        let graph = scenario.graph
        let incoming = graph.incoming[rank]
        let taken = incoming.filter { node(graph.edges[$0].from).taken.contains($0) }
        let isBroken = incoming.contains { node(graph.edges[$0].from).broken.contains($0) }
        var result = Node()
        for edge in taken {
            result.ancestors.formUnion(node(graph.edges[edge].from).ancestors)
            result.ancestors.insert(graph.edges[edge].from)
        }
        result.input = state(of: result.ancestors).object.text
        if isBroken {
            result.status = .error
        } else if incoming.isEmpty || !taken.isEmpty {
            run(rank, &result)
        }
        var output = state(of: result.ancestors)
        output.apply(result.update, rank: rank)
        result.output = output.object.text
        decideEdges(rank, &result)
        return result
    }

    private func run(_ rank: Int, _ node: inout Node) {
        node.status = .error
        while node.status == .error, node.attempts < scenario.graph.nodes[rank].retry.maxAttempts {
            node.attempts += 1
            guard case .success(let update) = scenario.attempt(node.attempts, ofRank: rank, input: node.input) else {
                continue
            }
            if ["sum", "least", "most"].contains(where: { isUnfit(update[$0], $0) }) { continue }
            node.status = .success
            node.update = update
        }
    }

    private func isUnfit(_ value: JSONText?, _ key: JSONKey) -> Bool {
        guard let value, let reducer = reducers[key], [.sum, .min, .max].contains(reducer) else { return false }
        return value.kind != .number
    }

    /// Everything but the nodes named and those behind them, as it ended, but for the keys that were edited in what the
    /// nodes before them wrote.
    private func takenOver(_ rank: Int, _ rerun: Rerun) -> Node {
        var result = rerun.earlier[rank]
        result.attempts = 0
        if rerun.from.contains(where: { ancestors(of: $0).contains(rank) }) {
            for key in rerun.edits { result.update.removeValue(forKey: key) }
        }
        result.input = state(of: result.ancestors).object.text
        var output = state(of: result.ancestors)
        output.apply(result.update, rank: rank)
        result.output = output.object.text
        return result
    }

    private func decideEdges(_ rank: Int, _ result: inout Node) {
        let graph = scenario.graph
        let isOpen =
            switch result.status {
            case .success: true
            case .error: graph.nodes[rank].onError == .continue
            default: false
            }
        guard isOpen else { return }
        for index in graph.outgoing[rank] {
            guard graph.edges[index].when != nil else {
                result.taken.append(index)
                continue
            }
            let condition = RandomCondition(seed: mix(scenario.seed, UInt64(graph.edges[index].documentIndex)))
            switch condition.verdict(state: result.output, nodes: seen(rank, result)) {
            case .success(true): result.taken.append(index)
            case .success(false): break
            case .failure: result.broken.append(index)
            }
        }
    }

    /// The source and all nodes from which a way leads to it, over taken edges or not.
    private func seen(_ rank: Int, _ result: Node) -> [String: (NodeStatus, JSONObject)] {
        var seen = [scenario.graph.nodes[rank].id: (result.status, result.update)]
        for ancestor in ancestors(of: rank) {
            seen[scenario.graph.nodes[ancestor].id] = (node(ancestor).status, node(ancestor).update)
        }
        return seen
    }

    private func ancestors(of rank: Int) -> Set<Int> {
        if let known = knownAncestors[rank] { return known }
        let sources = scenario.graph.incoming[rank].map { scenario.graph.edges[$0].from }
        let found = sources.reduce(into: Set(sources)) { $0.formUnion(ancestors(of: $1)) }
        knownAncestors[rank] = found
        return found
    }

    private func state(of ranks: Set<Int>) -> NaiveState {
        var state = NaiveState(initial: initial, reducers: reducers)
        for rank in ranks { state.apply(node(rank).update, rank: rank) }
        return state
    }
}
