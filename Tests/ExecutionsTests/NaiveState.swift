import Graphs
import JSON

/// A state as the contract words it, with no thought of cost: all updates with their ranks, laid over one another.
struct NaiveState {
    var updates: [Int: JSONObject]
    var reducers: [JSONKey: Reducer] = [:]

    init(initial: JSONObject, reducers: [JSONKey: Reducer] = [:]) {
        updates = [-1: initial]
        self.reducers = reducers
    }

    mutating func apply(_ update: JSONObject, rank: Int) {
        updates[rank] = update
    }

    mutating func merge(_ other: NaiveState) {
        updates.merge(other.updates) { mine, _ in mine }
    }

    var object: JSONObject {
        var result = JSONObject()
        for (_, update) in updates.sorted(by: { $0.key < $1.key }) {
            for (key, value) in update {
                let reducer = reducers[key] ?? .replace
                result[key] = combine(result[key] ?? nothing(reducer, value), value, reducer)
            }
        }
        return result
    }

    /// What a key with a reducer begins with.
    private func nothing(_ reducer: Reducer, _ value: JSONText) -> JSONText {
        switch reducer {
        case .append: []
        case .merge: [:]
        case .sum: 0
        case .replace, .min, .max: value
        }
    }

    private func combine(_ before: JSONText, _ value: JSONText, _ reducer: Reducer) -> JSONText {
        switch reducer {
        case .replace: value
        case .append: JSONText(array: (before.array ?? [before]) + (value.array ?? [value]))
        case .merge: JSONMergePatch.apply(value, to: before)
        case .sum: JSONText(before.int! + value.int!)
        case .min: value.int! < before.int! ? value : before
        case .max: value.int! > before.int! ? value : before
        }
    }
}
