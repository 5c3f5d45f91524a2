// What a machine is asked for where its graph runs within a node of another one.

import Graphs
import JSON
import OrderedCollections

extension RunMachine {
    /// From the beginning on, what its nodes contribute is kept apart from what it begins with.
    mutating func keepChanges() {
        changes = FinalState(State(reducers: graph.reducers, memory: memory))
    }

    /// What it has come to.
    mutating func takeResult() -> (changes: JSONObject, final: State) {
        let changes = changes?.takeState().object ?? [:]
        return (changes, final?.takeState() ?? State())
    }

    /// By rank: how often each node was begun.
    var attempts: [Int32] { nodes.map(\.attempt) }

    /// It takes the place of one that failed: attempts are counted on.
    mutating func countOn(_ attempts: [Int32]) {
        for rank in nodes.indices where attempts.indices.contains(rank) {
            nodes[rank].attempt = attempts[rank]
            // They are no tries of this one.
            nodes[rank].interruptions = attempts[rank]
        }
    }

    /// Whether another attempt of a node may follow.
    func mayBeginAgain(_ rank: Int) -> Bool { [.ready, .running, .parked, .retrying].contains(nodes[rank].phase) }

    /// The input state of a node that has begun.
    mutating func input(ofRank rank: Int) -> State { flow.input(ofRank: rank) }
}

extension Graph {
    /// Why a state is none that the graph can begin with, or nil: by its reducers, or by its `input_schema`.
    func refusal(ofInitial state: JSONObject) -> String? {
        for (key, reducer) in document.reducers {
            guard let value = state[key], let refusal = reducer.refusal(ofInitial: value) else { continue }
            return "the graph within cannot begin: \"\(key.string)\" \(refusal)"
        }
        if let fault = document.inputFaults(over: state).first {
            let place = fault.pointer.isEmpty ? "its state" : "\(fault.pointer) of its state"
            return "the graph within cannot begin: \(place) \(fault.message)"
        }
        return nil
    }
}
