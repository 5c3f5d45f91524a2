import Executions
import Graphs
import JSON
import Testing

@testable import Nodes

@Suite struct LuaKindTests {
    private let kind = LuaKind(limits: .node)

    private func run(_ config: JSONObject, _ call: NodeCall) async throws -> NodeOutcome {
        try await kind.compile(config, files: GraphFiles()).run(call)
    }

    @Test func `the table returned is the update`() async throws {
        let outcome = try await run(["code": "return {total = state.a + state.b}"], call(["a": 1, "b": 2]))
        #expect(outcome.update == ["total": 3])
    }

    @Test func `nothing returned is no update`() async throws {
        #expect(try await run(["code": "local x = 1"], call()).update == [:])
    }

    @Test(arguments: [
        ("return 1", "number"), ("return 'x'", "string"), ("return null", "null"), ("return true", "boolean"),
    ])
    func `a value that is no table is a failure`(code: String, type: String) async throws {
        let failure = try await run(["code": JSONText(code)], call()).failure
        #expect(failure?.message == "returned a \(type) instead of a table")
    }

    @Test func `an array is no update`() async throws {
        let failure = try await run(["code": "return {1}"], call()).failure
        #expect(failure?.message == "returned an array instead of a table with string keys")
    }

    @Test func `an expression goes into its key`() async throws {
        let outcome = try await run(["expression": "state.a * 2 -- twice", "key": "b"], call(["a": 4]))
        #expect(outcome.update == ["b": 8])
    }

    @Test func `a long run goes on in slices`() async throws {
        let body = try kind.compile(
            ["code": "local n = 0 for i = 1, 1e7 do n = n + 1 end return {n = n}"], files: GraphFiles())
        guard case .waiting(let work) = body.start(call()) else {
            return #expect(Bool(false), "it does not end at once")
        }
        #expect(await work().update == ["n": 10_000_000])
    }

    @Test func `a cancelled run ends`() async throws {
        let body = try LuaKind(limits: LuaLimits(cpuMilliseconds: 600_000))
            .compile(["code": "while true do end"], files: GraphFiles())
        guard case .waiting(let work) = body.start(call()) else { return #expect(Bool(false), "it waits") }
        let task = Task { await work() }
        task.cancel()
        #expect(await task.value.failure?.message == "cancelled")
    }

    @Test(
        arguments: [
            (["code": "return +"], "/code"), (["expression": "1 +", "key": "k"], "/expression"),
            (["code": "return 1", "key": "k"], "/key"),
        ] as [(JSONObject, String)])
    func `a config that does not compile is a fault`(config: JSONObject, pointer: String) throws {
        let faults = try #require(throws: GraphFaults.self) { try kind.compile(config, files: GraphFiles()) }
        #expect(faults.faults.map(\.pointer) == [pointer])
    }
}
