import Executions
import Graphs
import JSON
import ReactorServices
import Testing

@testable import Nodes

@Suite struct DelayKindTests {
    private let kind = DelayKind(clock: LiveReactor.shared.clock)

    private func body(_ milliseconds: Int) throws -> any NodeBody {
        try kind.compile(["duration_ms": JSONText(milliseconds)], files: GraphFiles())
    }

    @Test func `a delay of nothing is over at once`() throws {
        guard case .finished(.success(let update)) = try body(0).start(call()) else {
            return #expect(Bool(false), "it ends")
        }
        #expect(update == [:])
    }

    @Test func `a delay waits its time and changes nothing`() async throws {
        let clock = LiveReactor.shared.clock
        let began = clock.monotonicNanoseconds
        #expect(try await body(20).run(call()).update == [:])
        #expect(clock.monotonicNanoseconds - began >= 20_000_000)
    }

    @Test func `a cancelled delay ends`() async throws {
        let body = try body(DelayKind.millisecondsMax)
        let task = Task { await body.run(call()) }
        task.cancel()
        #expect(await task.value.failure?.message == "cancelled")
    }

    @Test(arguments: [
        ("0", true), ("604800000", true), ("604800001", false), ("-1", false), ("1.5", false), (#""1""#, false),
    ])
    func `a duration is whole milliseconds up to a week`(duration: String, isAllowed: Bool) throws {
        let schema = try ConfigSchema(kind.configSchema)
        let config: JSONObject = ["duration_ms": try JSONText(parsing: duration)]
        #expect(schema.faults(in: config).isEmpty == isAllowed)
    }
}
