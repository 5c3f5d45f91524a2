import Graphs
import JSON
import Testing

@testable import Executions

@Suite struct ReducerTests {
    @Test(
        arguments: [
            (Reducer.replace, [1, 2, 3], "3"),
            (.append, [[1], 2, [3, 4], [], [[5]]], "[1,2,3,4,[5]]"),
            (.append, [7], "[7]"),
            (.append, [.null], "[null]"),
            (.merge, [["a": .null, "b": ["c": .null]]], #"{"b":{}}"#),
            (.append, [[], []], "[]"),
            (.append, ["a", ["b": 1]], #"["a",{"b":1}]"#),
            (.merge, [["a": 1, "b": ["c": 1]], ["b": ["d": 2], "a": .null]], #"{"b":{"c":1,"d":2}}"#),
            (.merge, [1, ["a": 2]], #"{"a":2}"#),
            (.sum, [1, 2, 3], "6"),
            (.sum, [1, 0.5], "1.5"),
            (.sum, [9_223_372_036_854_775_807, 1], "9223372036854775808"),
            (.min, [3, 1, 2], "1"),
            (.min, [3, 2.5], "2.5"),
            (.max, [3, 1, 2], "3"),
            (.max, [-1, -1.5], "-1"),
        ] as [(Reducer, [JSONText], String)])
    func `a reducer combines contributions in rank order`(reducer: Reducer, values: [JSONText], expected: String) {
        var state = State(reducers: ["k": reducer])
        for (rank, value) in values.enumerated().reversed() { state.apply(["k": value], rank: rank) }
        #expect(state["k"]?.description == expected)
    }

    @Test func `a number that is taken keeps its digits`() throws {
        var state = State(reducers: ["least": .min, "most": .max])
        let update = try JSONObject(parsing: Array(#"{"least":1.50,"most":1e2}"#.utf8))
        state.apply(["least": 9, "most": 1], rank: 0)
        state.apply(update, rank: 1)
        #expect(state["least"]?.description == "1.50")
        #expect(state["most"]?.description == "1e2")
    }

    @Test func `integers beyond 2^53 are summed and compared exactly`() {
        var state = State(reducers: ["sum": .sum, "max": .max])
        state.apply(["sum": 9_007_199_254_740_993, "max": 9_007_199_254_740_992], rank: 0)
        state.apply(["sum": 2, "max": 9_007_199_254_740_993], rank: 1)
        #expect(state["sum"] == 9_007_199_254_740_995)
        #expect(state["max"] == 9_007_199_254_740_993)
    }

    @Test func `a state with a sum that no double holds is refused`() throws {
        var state = State(reducers: ["sum": .sum])
        let huge = try JSONText(parsing: "1e308")
        state.apply(["sum": huge], rank: 0)
        #expect(state.refusal(bytesMax: 1_000) == nil)
        state.apply(["sum": huge], rank: 1)
        #expect(state.refusal(bytesMax: 1_000)?.contains("\"sum\"") == true)
        state.apply(["sum": try JSONText(parsing: "-1e308")], rank: 2)
        #expect(state.refusal(bytesMax: 1_000) != nil, "values are added in the order of ranks")
    }

    @Test func `whole numbers of any length are added exactly`() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2_000 {
            // Two halves of 60 bits each, so that the sum is known by other means.
            let parts = (0..<4).map { _ in Int.random(in: 0..<1 << 60, using: &random) }
            let values = [(parts[0], parts[1]), (parts[2], parts[3])].map { high, low in
                "\(high)" + String(repeating: "0", count: 20 - "\(low)".count) + "\(low)"
            }
            let carry = (parts[1] + parts[3]).quotientAndRemainder(dividingBy: 1 << 62)
            #expect(carry.quotient <= 1)
            let low = "\(parts[1] + parts[3])"
            let expected = "\(parts[0] + parts[2])" + String(repeating: "0", count: 20 - low.count) + low
            var state = State(reducers: ["k": .sum])
            for (rank, value) in values.enumerated() {
                state.apply(["k": try JSONText(parsing: value)], rank: rank)
            }
            #expect(JSONText(state["k"]?.description ?? "").string == JSONText(trimmed(expected)).string)
            state.apply(["k": try JSONText(parsing: "-" + trimmed(values[0]))], rank: 2)
            #expect(state["k"]?.description == trimmed(values[1]))
        }
    }

    private func trimmed(_ digits: String) -> String {
        let rest = digits.drop { $0 == "0" }
        return rest.isEmpty ? "0" : String(rest)
    }

    @Test(arguments: [Reducer.sum, .min, .max])
    func `a reducer of numbers refuses everything else`(reducer: Reducer) throws {
        let state = State(reducers: ["k": reducer])
        for value in ["1", true, .null, [1], ["a": 1]] as [JSONText] {
            let refusal = try #require(state.refusal(of: ["other": "x", "k": value]))
            #expect(refusal.contains("\"k\"") && refusal.contains(reducer.rawValue))
        }
        #expect(state.refusal(of: ["k": 1.5, "other": "x"]) == nil)
        #expect(state.refusal(of: ["k": try JSONText(parsing: "1e400")]) != nil, "no double holds it")
    }

    @Test func `what has been merged already is not counted twice`() {
        var left = State(initial: ["n": 1, "log": []], reducers: ["n": .sum, "log": .append])
        left.apply(["n": 10, "log": "a"], rank: 0)
        var right = left
        left.apply(["n": 100, "log": "b"], rank: 1)
        right.apply(["n": 1000, "log": "c"], rank: 2)
        for _ in 0..<3 {
            left.merge(right)
            right.merge(left)
        }
        #expect(left["n"] == 1111)
        #expect(right["log"] == ["a", "b", "c"])
    }

    @Test func `10,000 contributions to one key can be let go on a small stack`() throws {
        try onPoolThread {
            var state: State? = State(reducers: ["log": .append])
            for rank in 0..<10_000 { state?.apply(["log": JSONText(rank)], rank: rank) }
            let count = state?["log"]?.array?.count
            state = nil
            #expect(count == 10_000)
        }
    }
}
