import JSON

/// What an execution takes over from another one, by rank.
package struct Takeover: Sendable {
    package var results: [Int: TakenOver]
    /// Of nodes that run again, and hold scopes: what was kept of those that had ended well, by index.
    package var items: [Int: [TakenOverItem]] = [:]
    /// Of nodes whose workers host graphs.
    package var hosted: [Int: HostedTakeover] = [:]

    package init(_ results: [Int: TakenOver] = [:]) {
        self.results = results
    }

    package var isEmpty: Bool { results.isEmpty }
}

/// What a graph that a worker hosts begins with, in place of nothing.
package enum HostedTakeover: Sendable {
    /// What its thread has kept (`ThreadCheckpoint.content`): the state of the node is input for that.
    case thread(JSONText)
    /// The steps before one, of another execution.
    case steps(HostedSteps)
}

/// What the node around a scope of another execution kept of it.
package struct TakenOverItem: Sendable {
    package let index: Int
    package let value: JSONText
}

/// The result of a node of another execution: how it ended, and what was decided by that.
package struct TakenOver: Sendable {
    /// The one that it first had: `success`, `error` or `skipped`.
    package var status: NodeStatus
    package var update: JSONObject = [:]
    package var failure: NodeFailure?
    /// The outgoing edges that were taken, as indices into the edges of the graph that runs now; ascending.
    package var taken: [Int] = []
    package var broken: [BrokenEdge] = []
    /// Conditional edges on which nothing was decided, since only the graph that runs now has them.
    package var undecided: [Int] = []

    package init(status: NodeStatus) {
        self.status = status
    }
}
