import JSON
import OrderedCollections

/// A graph document as written by people. Source: the contract, section 1.
package struct GraphDocument: Sendable, Equatable {
    package let id: String
    package let name: String
    package let description: String
    package let initialState: JSONObject
    /// What the state that an execution begins with must fit; nil: any does.
    package let inputSchema: JSONSchema?
    /// How updates of a key combine; a key that is not here is replaced.
    package let reducers: OrderedDictionary<JSONKey, Reducer>
    package let limits: GraphLimits
    package let onRestart: OnRestart
    /// What runs its Python nodes: an absolute path, or one below the document's folder. Nil: a virtual environment there, or
    /// what the configuration says.
    package let interpreter: String?
    /// In document order.
    package let nodes: [GraphNode]
    /// In document order.
    package let edges: [GraphEdge]
    /// The whole document as JSON, as it was written. Of a YAML document: converted, number tokens and key order kept.
    package let source: JSONText
}

/// How the updates of one state key combine.
package enum Reducer: String, Sendable, CaseIterable {
    case replace, append, merge, sum, min, max

    /// What an initial value must be, if this one does not fit; nil if it does.
    package func refusal(ofInitial value: JSONText) -> String? {
        let fits =
            switch self {
            case .replace: true
            case .append: value.kind == .array
            case .merge: value.kind == .object
            case .sum, .min, .max: value.kind == .number && (value.double != nil || isWhole(value))
            }
        guard !fits else { return nil }
        let expected =
            switch self {
            case .append: "a list"
            case .merge: "an object"
            case .replace, .sum, .min, .max: "a finite number"
            }
        return "must be \(expected), since the key's reducer is \(rawValue)"
    }

    /// Whole numbers are exact at any length.
    private func isWhole(_ number: JSONText) -> Bool {
        number.bytes.allSatisfy { $0 == UInt8(ascii: "-") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}

/// What becomes of an execution that a crash or a stop of the daemon interrupted, when the daemon is there again.
package enum OnRestart: String, Sendable, CaseIterable {
    /// It goes on: what has ended has ended, interrupted nodes run again.
    case resume
    /// It ends as failed.
    case fail
}

/// What an execution of the graph may take.
package struct GraphLimits: Sendable, Equatable {
    package let maxParallelNodes: Int
    package let timeoutMilliseconds: Int
    /// Of all language models together; nil: no limit.
    package let tokensMax: Int?

    package init(maxParallelNodes: Int = 16, timeoutMilliseconds: Int = 600_000, tokensMax: Int? = nil) {
        self.maxParallelNodes = maxParallelNodes
        self.timeoutMilliseconds = timeoutMilliseconds
        self.tokensMax = tokensMax
    }
}

/// One step of a graph.
package struct GraphNode: Sendable, Equatable {
    package let id: String
    package let name: String
    package let kind: String
    package let config: JSONObject
    /// The nodes that stand in the config, if there are such.
    package let nested: NestedNodes?
    /// For one attempt; nil leaves it to the execution's timeout.
    package let timeoutMilliseconds: Int?
    /// The attempt ends if it puts out nothing for so long; nil: it may be silent.
    package let idleTimeoutMilliseconds: Int?
    package let retry: RetryPolicy
    package let onError: OnError
    /// Whether an attempt that a restart of the daemon interrupted may be made again. If not, the node ends in error then.
    package let isIdempotent: Bool
    /// Whether each attempt of a Python node gets a process of its own.
    package let hasFreshProcess: Bool
    /// The editor's; no effect on execution.
    package let position: GraphPosition?

    package init(
        id: String, name: String? = nil, kind: String, config: JSONObject = JSONObject(), nested: NestedNodes? = nil,
        timeoutMilliseconds: Int? = nil, idleTimeoutMilliseconds: Int? = nil, retry: RetryPolicy = RetryPolicy(),
        onError: OnError = .continue, isIdempotent: Bool = true, hasFreshProcess: Bool = false,
        position: GraphPosition? = nil
    ) {
        self.id = id
        self.name = name ?? id
        self.kind = kind
        self.config = config
        self.nested = nested
        self.timeoutMilliseconds = timeoutMilliseconds
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
        self.retry = retry
        self.onError = onError
        self.isIdempotent = isIdempotent
        self.hasFreshProcess = hasFreshProcess
        self.position = position
    }
}

/// How often a node that ends in error is tried again, and after which delay (before jitter).
package struct RetryPolicy: Sendable, Equatable {
    /// The first attempt included.
    package let maxAttempts: Int
    /// Before the second attempt.
    package let delayMilliseconds: Int
    /// Each further delay is this times the one before it.
    package let backoff: Double

    package init(maxAttempts: Int = 1, delayMilliseconds: Int = 200, backoff: Double = 2) {
        self.maxAttempts = maxAttempts
        self.delayMilliseconds = delayMilliseconds
        self.backoff = backoff
    }
}

/// What follows from a node that ends in error.
package enum OnError: String, Sendable, CaseIterable {
    /// Its dependents still run.
    case `continue`
    /// Its dependents are skipped.
    case skip
    /// The execution ends.
    case stop
}

/// Where a node stands in an editor, in its units; x grows to the right and y downward.
package struct GraphPosition: Sendable, Equatable {
    package let x: Double
    package let y: Double

    package init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }
}

/// That one node follows another.
package struct GraphEdge: Sendable, Equatable {
    /// A node's id.
    package let from: String
    /// A node's id.
    package let to: String
    /// The source of the condition under which the edge is taken; nil: whenever the source node did not fail for good.
    package let when: String?
    /// Of a condition that is a callable of a Python file, for which `when` is a word.
    package let python: PythonCondition?

    package struct PythonCondition: Sendable, Equatable {
        /// A name of the document's files.
        package let file: String
        /// The way from its module to the callable.
        package let path: String
    }

    package init(from: String, to: String, when: String? = nil, python: PythonCondition? = nil) {
        self.from = from
        self.to = to
        self.when = when
        self.python = python
    }
}
