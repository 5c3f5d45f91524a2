import Graphs
import JSON
import Testing

@testable import Executions

@Suite struct StateTests {
    @Test func `the higher rank wins, whatever comes first`() {
        var state = State(initial: ["a": 0])
        state.apply(["a": 2, "b": "second"], rank: 2)
        state.apply(["a": 1, "b": "first", "c": true], rank: 1)
        #expect(state["a"] == 2)
        #expect(state["b"] == "second")
        #expect(state["c"] == true)
        #expect(state["d"] == nil)
    }

    @Test func `keys stand in the order of the initial state, then of their first writer`() {
        var state = State(initial: ["z": 0, "y": 0])
        state.apply(["late": 1, "x": 1], rank: 5)
        state.apply(["x": 2, "y": 2, "early": 2], rank: 3)
        #expect(state.text.description == #"{"z":0,"y":2,"x":1,"early":2,"late":1}"#)
        #expect(state.object == state.text.object)
    }

    @Test func `a key is its code points, however it was written`() throws {
        var state = State(initial: try JSONObject(parsing: Array(#"{"\u0061":1}"#.utf8)))
        state.apply(["a": 2, "é": 3, "e\u{301}": 4], rank: 0)
        #expect(state["a"] == 2)
        #expect(state.object.count == 3)
    }

    @Test func `values are kept as they were written`() throws {
        let text =
            #"{"big":12345678901234567890123,"float":1.50e+3,"escaped":"\u00e9\/","nested":{"b":[1.0,{}],"a":null}}"#
        let state = State(initial: try JSONObject(parsing: Array(text.utf8)))
        #expect(state.text.description == text)
    }

    @Test func `an empty state is an empty object`() {
        #expect(State().text == .emptyObject)
        #expect(State().bytes == 2)
    }

    @Test func `a null is a value like any other`() {
        var state = State(initial: ["a": 1])
        state.apply(["a": .null], rank: 0)
        #expect(state.text.description == #"{"a":null}"#)
    }

    @Test func `merging is associative, commutative and idempotent`() {
        for seed in 0..<400 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let updates = RandomUpdates(seed: seed, keys: random.oneIn(4) ? 60 : 8)
            let base = updates.initial
            let states = (0..<4).map { _ in updates.state(over: base, &random) }
            let (a, b, c) = (states[0], states[1], states[2])
            let left = merged(merged(a, b), c)
            #expect(left.text == merged(a, merged(b, c)).text, "associative, seed \(seed)")
            #expect(merged(a, b).text == merged(b, a).text, "commutative, seed \(seed)")
            #expect(merged(merged(a, b), b).text == merged(a, b).text, "idempotent, seed \(seed)")
            #expect(merged(a, a).text == a.text, "with itself, seed \(seed)")
            #expect(merged(left, states[3]).bytes == merged(states[3], left).bytes, "bytes, seed \(seed)")
        }
    }

    @Test(arguments: [8, 30, 400])
    func `merged and applied states equal a naive model`(keys: Int) {
        for seed in 0..<120 as Range<UInt64> {
            var random = SeededGenerator(seed: mix(seed, UInt64(keys)))
            let updates = RandomUpdates(seed: seed, keys: keys)
            var pairs = (0..<4).map { _ in (State(initial: updates.initial, reducers: updates.reducers), updates.naive)
            }
            for _ in 0..<60 {
                let target = Int.random(in: 0..<4, using: &random)
                if random.oneIn(3) {
                    let source = Int.random(in: 0..<4, using: &random)
                    pairs[target].0.merge(pairs[source].0)
                    pairs[target].1.merge(pairs[source].1)
                } else {
                    let rank = Int.random(in: 0..<200, using: &random)
                    pairs[target].0.apply(updates[rank], rank: rank)
                    pairs[target].1.apply(updates[rank], rank: rank)
                }
            }
            for (state, naive) in pairs {
                #expect(state.object == naive.object, "seed \(seed)")
                #expect(state.text == naive.object.text, "seed \(seed)")
            }
        }
    }

    @Test func `without reducers the bytes are those of the text`() {
        for seed in 0..<60 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let updates = RandomUpdates(seed: seed, keys: 50, hasReducers: false)
            var state = State(initial: updates.initial)
            var other = state
            for rank in 0..<80 {
                if random.oneIn(2) {
                    state.apply(updates[rank], rank: rank)
                } else {
                    other.apply(updates[rank], rank: rank)
                }
                if random.oneIn(10) { state.merge(other) }
                #expect(state.bytes == state.text.bytes.count, "seed \(seed)")
            }
        }
    }

    @Test func `a state of 10,000 keys equals the naive model after every way to make it`() {
        let keys = 10_000
        var chained = State()
        var naive = NaiveState(initial: [:])
        var branches = (0..<10).map { _ in State() }
        for rank in 0..<keys {
            let update: JSONObject = [JSONKey("key\(rank)"): JSONText(rank), "last": JSONText(rank)]
            chained.apply(update, rank: rank)
            naive.apply(update, rank: rank)
            branches[rank % 10].apply(update, rank: rank)
        }
        let joined = branches.reduce(State()) { merged($0, $1) }
        let expected = naive.object.text
        #expect(chained.text == expected)
        #expect(joined.text == expected)
        #expect(chained["key4711"] == 4711)
        #expect(chained.bytes == joined.bytes)
    }

    @Test func `what has settled is shared and yields to what is newer`() {
        var state = State()
        for rank in 0..<30 { state.apply([JSONKey("k\(rank)"): JSONText(rank)], rank: rank) }
        var newer = state
        newer.apply(["k0": "newer"], rank: 40)
        newer.apply(["k1": "older"], rank: 0)
        #expect(newer["k0"] == "newer")
        #expect(newer["k1"] == 1)
        #expect(state["k0"] == 0)
        #expect(merged(state, newer).text == newer.text)
        #expect(merged(newer, state).text == newer.text)
        #expect(newer.object.count == 30)
    }

    @Test(arguments: 20...30)
    func `the bound between recent and settled keys does not show`(count: Int) {
        var state = State(initial: ["first": 0])
        var naive = NaiveState(initial: ["first": 0])
        for rank in 0..<count {
            let update: JSONObject = [JSONKey("k\(rank)"): JSONText(rank), "first": JSONText(rank), "k3": "again"]
            state.apply(update, rank: rank)
            naive.apply(update, rank: rank)
            #expect(state.text == naive.object.text)
        }
    }

    private func merged(_ left: State, _ right: State) -> State {
        var result = left
        result.merge(right)
        return result
    }
}

/// Updates by rank: the same rank always gives the same update, as in an execution.
private struct RandomUpdates {
    let seed: UInt64
    let keys: Int
    let reducers: [JSONKey: Reducer]

    init(seed: UInt64, keys: Int, hasReducers: Bool = true) {
        self.seed = seed
        self.keys = keys
        let all: [JSONKey: Reducer] = ["k0": .append, "k1": .merge, "k2": .sum, "k3": .min, "k4": .max, "k5": .replace]
        reducers = hasReducers ? all : [:]
    }

    var initial: JSONObject {
        seed % 3 == 0 ? [:] : self[-1]
    }

    var naive: NaiveState { NaiveState(initial: initial, reducers: reducers) }

    subscript(rank: Int) -> JSONObject {
        var random = SeededGenerator(seed: mix(seed, UInt64(bitPattern: Int64(rank))))
        var update = JSONObject()
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let index = Int.random(in: 0..<keys, using: &random)
            let number = JSONText(Int.random(in: -99...99, using: &random))
            let key = JSONKey("k\(index)")
            switch reducers[key] {
            case .append: update[key] = random.oneIn(2) ? [number, "x"] : (random.oneIn(3) ? [] : number)
            case .merge:
                update[key] = random.oneIn(5) ? number : [random.oneIn(2) ? "a" : "b": random.oneIn(4) ? .null : number]
            case .replace: update[key] = .null
            case .sum, .min, .max, nil: update[key] = number
            }
        }
        return update
    }

    func state(over initial: JSONObject, _ random: inout SeededGenerator) -> State {
        var state = State(initial: initial, reducers: reducers)
        for _ in 0..<Int.random(in: 0...30, using: &random) {
            let rank = Int.random(in: 0..<60, using: &random)
            state.apply(self[rank], rank: rank)
        }
        return state
    }
}
