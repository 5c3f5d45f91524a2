import Executions
import Graphs
import JSON
import Testing

@testable import Nodes

@Suite struct DelayKindTests {
    private let kind = DelayKind()

    private func body(_ milliseconds: Int) throws -> any NodeBody {
        try kind.compile(["duration_ms": JSONText(milliseconds)], files: GraphFiles())
    }

    @Test func `a delay of nothing is over at once`() throws {
        guard case .finished(.success(let update)) = try body(0).start(call()) else {
            return #expect(Bool(false), "it ends")
        }
        #expect(update == [:])
    }

    @Test func `a delay holds nothing but its time`() throws {
        guard case .parked(let wait) = try body(DelayKind.millisecondsMax).start(call()) else {
            return #expect(Bool(false), "it parks")
        }
        #expect(wait == NodeWait(milliseconds: 2_592_000_000))
    }

    @Test(arguments: [
        ("0", true), ("2592000000", true), ("2592000001", false), ("-1", false), ("1.5", false), (#""1""#, false),
    ])
    func `a duration is whole milliseconds up to thirty days`(duration: String, isAllowed: Bool) throws {
        let schema = try ConfigSchema(kind.configSchema)
        let config: JSONObject = ["duration_ms": try JSONText(parsing: duration)]
        #expect(schema.faults(in: config).isEmpty == isAllowed)
    }
}
