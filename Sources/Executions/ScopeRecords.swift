// What a log says of scopes: the graphs that run within nodes of an execution. Scope 0 is the execution itself; each other
// one has a number of its own, in the order of opening, and belongs to a node of a scope that is open.

import JSON

/// A node of an execution: its scope, and its rank in the graph that runs there.
package struct NodeRef: Hashable, Sendable {
    package var scope: Int32
    package var rank: Int32

    package init(scope: Int32, rank: Int) {
        self.scope = scope
        self.rank = Int32(rank)
    }
}

/// Which graph a scope runs.
package enum ScopeTopology: Sendable, Equatable {
    /// The one that stands in the config of the enclosing node.
    case nested
    /// A revision of a graph of its own, pinned for as long as the node runs.
    case revision(graphID: String, number: Int)
    /// What a library runs in one step. A scope that is open may open once more, with the tasks that have come to it.
    case hosted([HostedTask])

    package var isHosted: Bool { if case .hosted = self { true } else { false } }
    /// Its initial state is laid under what it begins with.
    package var isRevision: Bool { if case .revision = self { true } else { false } }
}

/// A graph begins within a node.
package final class ScopeOpening: Sendable {
    package let scope: Int32
    /// The rank of the enclosing node; its scope is the record's.
    package let rank: Int
    /// The attempt of the enclosing node.
    package let attempt: Int
    /// The item or iteration, where the node has such.
    package let index: Int?
    /// How many items there are, or iterations at the most.
    package let total: Int?
    package let topology: ScopeTopology
    package let state: ScopeState
    /// Of a step of a hosted graph.
    package let kept: HostedKept?

    package init(
        scope: Int32, rank: Int, attempt: Int, index: Int?, total: Int? = nil, topology: ScopeTopology,
        state: ScopeState, kept: HostedKept? = nil
    ) {
        self.kept = kept
        self.scope = scope
        self.rank = rank
        self.attempt = attempt
        self.index = index
        self.total = total
        self.topology = topology
        self.state = state
    }
}

/// What a scope begins with, as it differs from what is known: it is laid over the initial state of a graph of its own.
package struct ScopeState: Sendable, Equatable {
    /// Whether the input state of the enclosing node comes first.
    package var hasInput: Bool
    /// Keys of that which are left out.
    package var without: [JSONKey]
    /// What comes last.
    package var values: JSONObject

    package init(hasInput: Bool, without: [JSONKey] = [], values: JSONObject = [:]) {
        self.hasInput = hasInput
        self.without = without
        self.values = values
    }

    /// - Parameter graphState: the initial state of a graph of its own.
    /// - Parameter input: the input state of the enclosing node; asked for where it is needed.
    package func laid(over graphState: JSONObject, input: () -> JSONObject) -> JSONObject {
        var state = graphState
        if hasInput {
            if state.isEmpty { state = input() } else { for (key, value) in input() { state[key] = value } }
            for key in without where graphState[key] == nil { state.removeValue(forKey: key) }
        }
        for (key, value) in values { state[key] = value }
        return state
    }
}

/// All nodes of a scope have ended, and it is forgotten; of one that did not end in success, another may be opened in its place.
package final class ScopeClosing: Sendable {
    package let scope: Int32
    package let rank: Int
    package let attempt: Int
    package let index: Int?
    package let status: NodeStatus
    package let durationMicroseconds: Int64
    /// What the enclosing node keeps of it; its plan knows what that is. Nil unless it ended in success.
    package let value: JSONText?
    package let failure: NodeFailure?

    package init(
        scope: Int32, rank: Int, attempt: Int, index: Int?, status: NodeStatus, durationMicroseconds: Int64,
        value: JSONText?, failure: NodeFailure?
    ) {
        self.scope = scope
        self.rank = rank
        self.attempt = attempt
        self.index = index
        self.status = status
        self.durationMicroseconds = durationMicroseconds
        self.value = value
        self.failure = failure
    }
}
