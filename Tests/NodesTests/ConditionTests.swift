import Executions
import JSON
import Testing

@testable import Nodes

@Suite struct ConditionTests {
    private let scope = ConditionScope(
        state: State(initial: ["score": 0.9, "zero": 0, "no": false, "none": .null]),
        nodes: ["classify": ConditionNode(status: .success, update: ["label": "bug"])])

    @Test(arguments: [
        ("state.score > 0.8", true), ("state.score > 0.95", false), ("state.zero", true), ("state.no", false),
        ("state.missing", false), ("state.none", false), ("state.none == null", true), ("nil", false),
        ("not nil", true), ("not state.none", true), ("state.none and state.score", false),
        ("state.none or state.score", true),
        ("state.none == nil", false), ("not (state.none or state.missing)", true), ("'' and 0", true),
        ("nodes.classify.status == 'success'", true), ("nodes.classify.update.label == 'bug'", true),
        ("nodes.other == nil", true), ("next(nodes) == 'classify'", true), ("state.score > 0.8 -- good", true),
    ])
    func `a condition is Lua's truth of its expression`(source: String, expected: Bool) throws {
        #expect(try LuaCondition(source).evaluate(scope).get() == expected)
    }

    @Test(arguments: [
        ("state.score > 1", false), ("nodes.a.status == 'error'", true), ("_ENV['no' .. 'des']", true),
        ("#state.items > 0", false),
    ])
    func `it is known whether it reads the nodes`(source: String, expected: Bool) throws {
        #expect(try LuaCondition(source).readsNodes == expected)
    }

    @Test func `a condition that raises says why`() throws {
        let failure = try LuaCondition("state.a.b > 1").evaluate(scope).failure
        #expect(failure?.message == "when:1: attempt to index a nil value (field 'a')")
    }

    @Test func `a condition that does not end is ended`() throws {
        let failure = try LuaCondition("(function() while true do end end)()").evaluate(scope).failure
        #expect(failure?.message.contains("used more than 100 ms of CPU time") == true)
    }

    @Test(arguments: [
        ("state.a != 1", "`~=` for `!=`"), ("state.a && state.b", "`and` for `&&`"), ("state.a || 1", "`or` for `||`"),
        ("!state.a", "`not` for `!`"), ("state.a is None", "`== null`, or `not x`, for `is None`"),
        ("state.a is not None", "`~=` for `is not`"), ("state.a === 1", "`==` for `===`"),
    ])
    func `what other languages write is told in Lua`(source: String, hint: String) throws {
        let error = try #require(throws: LuaSyntaxError.self) { try LuaCondition(source) }
        #expect(error.message.hasPrefix("when:1: ") && error.message.contains("(Lua writes \(hint))"))
    }

    @Test(arguments: ["state.a == '!=' +", "state.a == [[ && ]] x", "state.a -- != \n x"])
    func `what stands in texts and comments is no mistake`(source: String) throws {
        let error = try #require(throws: LuaSyntaxError.self) { try LuaCondition(source) }
        #expect(!error.message.contains("Lua writes"))
    }

    @Test(arguments: ["state.score >", "return true", "x = 1", "", "a b"])
    func `a source that is no expression does not compile`(source: String) {
        #expect(throws: LuaSyntaxError.self) { try LuaCondition(source) }
    }

    @Test func `there is no clock and no chance`() throws {
        #expect(try LuaCondition("os == nil and math.random == nil and print ~= nil").evaluate(scope).get())
    }
}
