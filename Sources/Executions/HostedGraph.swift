// Graphs that a library of its own runs within a node, in a worker: Millrace decides nothing there, it is told. Each step is a
// scope, numbered as the library counts; where a node has several tasks in a step, each of them has a scope in that, and where a
// task runs a graph of its own, the steps of that are scopes in the task. Which tasks a step has is told when it begins.

import Graphs
import JSON

/// A task of a step, as its scope is told of it.
package struct HostedTask: Sendable, Equatable {
    /// The node's, as the library has it.
    package let name: String
    /// Nil: what the scope begins with.
    package let input: JSONObject?

    package init(name: String, input: JSONObject?) {
        self.name = name
        self.input = input
    }
}

/// What the worker says of a graph that it hosts.
package enum HostedNews: Sendable {
    /// - Parameter around: the task whose graph it is; nil for the outermost.
    case step(around: String?, index: Int, [HostedTaskStart], kept: HostedKept? = nil)
    case output(task: String, channel: String, JSONText)
    /// - Parameter writes: what is kept of it until its step has ended.
    case ended(task: String, HostedEnd, writes: JSONText? = nil)
    /// The task waits for an answer; it goes on in another call.
    case asked(task: String, prompt: JSONText, schema: JSONText)
    /// The graph has come to its end: what its thread goes on with.
    case kept(HostedKept, values: JSONText)
    /// It keeps to no rule.
    case fault(NodeFailure)
}

/// What a worker wants kept of a graph, or of one within a task, to go on with a step in another process: opaque here.
package struct HostedKept: Sendable, Equatable {
    /// Which of the graphs.
    package let space: String
    /// `{"head": …, "channels": {NAME: …}}`: the channels that have changed. Nil where nothing has.
    package let content: JSONText?

    package init(space: String, content: JSONText?) {
        self.space = space
        self.content = content
    }
}

package struct HostedTaskStart: Sendable {
    /// Names it for the worker, once in an execution.
    package let id: String
    package let name: String
    package let input: JSONObject

    package init(id: String, name: String, input: JSONObject) {
        self.id = id
        self.name = name
        self.input = input
    }
}

package enum HostedEnd: Sendable {
    /// - Parameter output: of the keys of the update, what the state has then, where that is not the update's value.
    case success(update: JSONObject, output: JSONObject)
    case failure(NodeFailure)
}

/// How a library names its tasks.
package enum HostedNames {
    /// Of a task, or its id.
    static let bytesMax = 256
    /// Scopes within each other.
    package static let depthMax = 32

    package static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= bytesMax && !text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }
}

/// What the scope of a step shows of its tasks.
package struct HostedStates: Sendable {
    let initial: JSONObject
    private(set) var inputs: [JSONObject?]

    package init(initial: JSONObject, _ tasks: [HostedTask]) {
        self.initial = initial
        inputs = tasks.map(\.input)
    }

    mutating func add(_ tasks: [HostedTask]) { inputs += tasks.map(\.input) }

    package func input(_ rank: Int) -> JSONObject { inputs.indices.contains(rank) ? inputs[rank] ?? initial : initial }

    func output(_ completion: NodeCompletion) -> JSONObject {
        var output = input(completion.rank)
        for (key, value) in completion.update { output[key] = value }
        for (key, value) in completion.notes?.hosted?.output ?? [:] { output[key] = value }
        return output
    }
}

extension GraphRevision {
    /// The kind of nodes that a library runs.
    package static let hostedKind = "langgraph"

    /// The tasks of a step, to be read: their names, each once.
    package static func hosted(_ names: [String], in identity: GraphIdentity) -> GraphRevision {
        GraphRevision(
            graph: .hosted(names, kind: hostedKind), identity: identity, createdAtMicroseconds: 0, bodies: [],
            conditions: [])
    }

    /// The same with more of them.
    func adding(_ names: [String]) -> GraphRevision { .hosted(graph.nodes.map(\.id) + names, in: identity) }
}
