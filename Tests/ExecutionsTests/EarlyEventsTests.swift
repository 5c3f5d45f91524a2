import Executions
import Graphs
import JSON
import Testing

@Suite struct EarlyEventsTests {
    @Test(arguments: StateDetail.allCases)
    func `events rendered with the states of the machine are those rendered from the records`(
        detail: StateDetail
    ) throws {
        for seed in 0..<300 as Range<UInt64> {
            let scenario = try RandomScenario(seed: mix(seed, 11))
            var schedule = RandomSchedule(scenario, seed: seed)
            schedule.run()
            let log = log(of: scenario.revision)
            var given = EventRenderer(log: log, detail: detail, statesAreGiven: true)
            var derived = EventRenderer(log: log, detail: detail)
            var text = ByteWriter()
            for (body, state) in zip(schedule.events, schedule.states) {
                let record = EventRecord(timestampMicroseconds: 1_769_851_800_000_250, body: body)
                let early = added(to: &text) { given.render(record, state: state, to: &$0) }
                let late = written { derived.render(record, to: &$0) }
                try #require(early == late, "seed \(seed)")
            }
        }
    }

    @Test func `an update whose keys are written with escapes reads the same early and late`() throws {
        var machine = RunMachine(revision: try manyNodes(1, isChain: true))
        machine.step(.begin(initialState: [:]), at: 0)
        _ = machine.nextStart(at: 0)
        let update = try JSONObject(parsing: Array(#"{"\u0061":1,"b\n":"\u0061"}"#.utf8))
        machine.step(.nodeEnded(rank: 0, attempt: 1, .success(update: update)), at: 1)
        let log = log(of: machine.revision)
        var given = EventRenderer(log: log, detail: .full, statesAreGiven: true)
        var derived = EventRenderer(log: log, detail: .full)
        var text = ByteWriter()
        for case .emit(let body, let state) in machine.effects {
            let record = EventRecord(timestampMicroseconds: 1, body: body)
            var stored = ByteWriter()
            record.encode(to: &stored)
            let early = added(to: &text) { given.render(record, state: state, to: &$0) }
            let late = try stored.withUnsafeBytes { bytes in
                let decoded = try EventRecord(decoding: bytes)
                return written { derived.render(decoded, to: &$0) }
            }
            #expect(early == late)
        }
    }

    @Test func `a stream gets what was rendered early once it is stored, and the rest from the records`() async throws {
        let engine = try Engine(threads: 1, commitsAtOnce: false)
        defer { engine.stop() }
        // Each state is larger than the one before, so that not all events have room.
        let graph = try manyNodes(30, isChain: true) { node in
            quick { _ in .success(update: [JSONKey(node.id): JSONText(String(repeating: "x", count: 100))]) }
        }
        let log = try engine.service.start(graph, initialState: [:]) { $0.renderEarly(.full) }
        await engine.settle()
        #expect(log.takeEarly(.full, from: 1) == nil, "nothing is stored")
        engine.store.commit()
        #expect(log.takeEarly(.update, from: 1) == nil)
        #expect(log.takeEarly(.full, from: 2) == nil)
        let early = lines(try #require(log.takeEarly(.full, from: 1)))
        #expect(log.takeEarly(.full, from: 1) == nil, "it is taken once")
        #expect(log.takeEarly(.full, from: early.count + 1) == nil)
        let all = try rendered(log, in: engine.store)
        #expect(all.count == 62)
        #expect(early.count > 2 && early.count < 62 && early == Array(all[..<early.count]))
        #expect(early.joined().utf8.count <= 32 << 10)
    }

    @Test func `only what is visible is taken`() async throws {
        let engine = try Engine(threads: 1, commitsAtOnce: false)
        defer { engine.stop() }
        let log = try engine.service.start(try manyNodes(3, isChain: true) { _ in quick() }, initialState: [:]) {
            $0.renderEarly(.update)
        }
        await engine.settle()
        log.markStored(through: 3, change: 1)
        let first = lines(try #require(log.takeEarly(.update, from: 1)))
        #expect(log.takeEarly(.update, from: 4) == nil)
        engine.store.commit()
        let rest = lines(try #require(log.takeEarly(.update, from: 4)))
        #expect(first.count == 3 && rest.count == 5)
    }

    private func log(of graph: GraphRevision) -> EventLog {
        let id = ExecutionID("01234567-89ab-7000-8000-000000000001")!
        return EventLog(
            graph: graph,
            summary: ExecutionSummary(
                id: id, graphID: graph.identity.id, graphRevision: 7, nodeCount: 1, createdAtMicroseconds: 0))
    }

    /// What `body` appends.
    private func added(to writer: inout ByteWriter, _ body: (inout ByteWriter) -> Void) -> String {
        let start = writer.count
        body(&writer)
        return String(decoding: writer.bytes[start...], as: UTF8.self)
    }

    private func written(_ body: (inout ByteWriter) -> Void) -> String {
        var writer = ByteWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private func lines(_ events: EarlyEvents) -> [String] {
        var lines: [String] = []
        events.forEach { seq, json in lines.append(String(decoding: json, as: UTF8.self)) }
        return lines
    }

    private func rendered(_ log: EventLog, in store: MemoryStore) throws -> [String] {
        var renderer = EventRenderer(log: log, detail: .full)
        return try store.events(of: log.id).map { record in written { renderer.render(record, to: &$0) } }
    }
}
