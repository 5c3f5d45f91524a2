// Conditions are not evaluated here: the machine says what is to be judged, and goes on once somebody says what came of it.

import Graphs
import JSON

/// The conditions that are to be judged since a node has ended.
package struct JudgeOrder: Sendable {
    package let rank: Int
    /// Conditional edges, as indices into the graph's edges, ascending.
    package let edges: [Int]
    /// The node's output state.
    package let state: State
    /// What conditions see of nodes, for those that look: one table for all edges.
    package let nodes: ConditionNodes
}

/// What came of conditions.
package struct EdgeVerdicts: Sendable, Equatable {
    /// Of failures in full. They are kept in one record; a record is read into memory as a whole.
    static let failureBytesMax = 256 << 10
    /// What is kept of the message of each failure beyond that.
    static let shortMessageBytes = 256

    /// Edges whose condition is true, ascending.
    package private(set) var taken: [Int] = []
    /// The first broken edge of each target, ascending.
    package private(set) var broken: [BrokenEdge] = []
    private var brokenTargets: Set<Int> = []
    private var failureBytes = 0

    package init() {}

    var isEmpty: Bool { taken.isEmpty && broken.isEmpty }

    /// Takes the next edge, in ascending order.
    package mutating func take(_ edge: Int) { taken.append(edge) }

    /// Takes the next edge, in ascending order, whose condition has failed.
    package mutating func fail(_ edge: Int, to target: Int, _ failure: NodeFailure) {
        guard brokenTargets.insert(target).inserted else { return }
        failureBytes += failure.message.utf8.count + failure.details.byteCount
        guard failureBytes > Self.failureBytesMax else {
            return broken.append(BrokenEdge(edge: edge, failure: failure))
        }
        let message = failure.message.cut(toBytes: Self.shortMessageBytes)
        broken.append(BrokenEdge(edge: edge, failure: NodeFailure(message)))
    }
}

extension RunMachine {
    /// Has the conditions of the outgoing edges judged, if there are any to be.
    /// - Returns: whether the node's end waits for that.
    mutating func judge(_ ending: NodeEnding, at now: UInt64) -> Bool {
        let edges = edgesToJudge(ending)
        guard !edges.isEmpty else { return false }
        let rank = ending.rank
        var state = flow.input(ofRank: rank)
        state.apply(ending.update, rank: rank)
        let readsNodes = edges.contains { revision.conditions[$0]?.readsNodes == true }
        let holdsPlace = nodes[rank].phase == .running
        if holdsPlace { runningCount += 1 }
        nodes[rank].phase = .judged
        judged[rank] = Judged(ending: ending, since: now, holdsPlace: holdsPlace)
        effects.append(
            .judge(
                JudgeOrder(
                    rank: rank, edges: edges, state: state,
                    nodes: readsNodes ? ConditionNodes(of: rank, in: graph, ended: endedNodes) : [:])))
        return true
    }

    private func edgesToJudge(_ ending: NodeEnding) -> [Int] {
        if let result = ending.result { return result.value.undecided }
        guard stop == nil, takesEdges(ending), ending.chosen == nil else { return [] }
        return graph.outgoing[ending.rank].filter(isConditional)
    }
}
