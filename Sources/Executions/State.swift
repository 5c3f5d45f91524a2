// A state maps each key to a value and to the rank of the node that wrote it. Merging takes, per key, the higher rank; so it
// is associative, commutative and idempotent, and the result cannot depend on which node happened to finish last.
//
// States are values that share: along a chain of nodes each one differs from the one before by what a node changed. The
// latest changes lie in a small array, which is all there is in most graphs; beyond its bound they settle into a persistent
// hash tree, so that a chain of 10,000 nodes costs as much per node as one of 10.

import Graphs
import JSON

package struct State: Sendable {
    /// Shared, since states are handed on for every event; and one that nobody else holds grows in place.
    private var content: Shared<StateContent>

    /// - Parameter memory: where its values are counted, and those of all states that come from it.
    package init(initial: JSONObject = [:], reducers: [JSONKey: Reducer] = [:], memory: ExecutionMemory? = nil) {
        content = Shared(StateContent(initial: initial, reducers: reducers, memory: memory))
    }

    var hasReducers: Bool { content.value.hasReducers }
    /// How updates of a key combine; a key that is not here is replaced.
    package var reducers: [JSONKey: Reducer] { content.value.reducersByKey }
    /// The length of the state as JSON text; where there are reducers, that is no longer than this.
    package var bytes: Int { content.value.bytes }
    /// Whether a sum in it may be beyond all doubles.
    var mayOverflow: Bool { content.value.mayOverflow }
    /// How many updates with something in them it has taken in over the initial state; -1 once states were merged.
    var updateCount: Int32 { content.value.updateCount }
    /// The rank of the node whose update it took in last, -1 for none; nil once states were merged. As a node ends once, and
    /// an attempt that will be retried has no update, two states of one execution with the same last writer are the same.
    package var lastWriter: Int32? { content.value.lastWriter }
    /// The writer before the last one, if all that the last update did was to add members behind those that were there.
    var grownFrom: Int32? { content.value.grownFrom }

    package subscript(key: JSONKey) -> JSONText? { content.value[key] }

    /// Lays a node's update over the state.
    package mutating func apply(_ update: JSONObject, rank: Int) {
        if !update.isEmpty { content.value.apply(update, rank: rank) }
    }

    /// Adds all that the other state knows.
    package mutating func merge(_ other: State) {
        guard !content.isIdentical(to: other.content) else { return }
        content.value.merge(other.content.value)
    }

    /// The state as a JSON object: initial keys first, then by the rank of the first writer.
    package func write(to writer: inout ByteWriter) { content.value.write(to: &writer) }

    package var object: JSONObject { content.value.object }
    package var text: JSONText { content.value.text }

    /// Why this can be no state of an execution, or nil: it is too large, or a sum in it is beyond all doubles. To be read
    /// behind "the state".
    package func refusal(bytesMax: Int) -> String? {
        guard content.value.bytes > bytesMax || content.value.mayOverflow else { return nil }
        return content.value.refusal(bytesMax: bytesMax)
    }

    /// Why an update cannot be taken, or nil: a reducer that needs numbers was given something else, or one beyond all doubles.
    package func refusal(of update: JSONObject) -> String? {
        hasReducers ? content.value.refusal(of: update) : nil
    }
}
