import Executions
import Graphs
import JSON
import Testing

@Suite struct EventRendererTests {
    private static let id = ExecutionID("01234567-89ab-7000-8000-000000000001")!
    private static let head = #""execution_id":"01234567-89ab-7000-8000-000000000001","graph_id":"g","seq":"#
    private static let time = #""timestamp":"2026-01-31T09:30:00.000250Z""#

    private func graph() throws -> GraphRevision {
        try revision(
            "reducers: {log: append}\nnodes: [{id: a, name: 'First \"step\"', kind: test}, {id: b, kind: test}, {id: c, kind: test}]\n"
                + "edges: [{from: a, to: b}, {from: a, to: c}, {from: b, to: c}]")
    }

    private static let story: [EventRecord.Body] = {
        let first = NodeCompletion(
            rank: 0, attempt: 1, status: .error, willRetry: true, durationMicroseconds: 1250, error: "not \"yet\"",
            details: ["code": 1])
        let second = NodeCompletion(
            rank: 0, attempt: 2, status: .success, durationMicroseconds: 2_000_000, queueMicroseconds: 1,
            update: ["x": 1, "log": "a"], taken: [0, 1])
        let skipped = NodeCompletion(rank: 1, attempt: 0, status: .skipped)
        let third = NodeCompletion(rank: 2, attempt: 1, status: .success, update: ["log": ["c", "d"]])
        return [
            .start(attempt: 1, initialState: ["i": 0, "log": []]), .nodeStart(rank: 0, attempt: 1),
            .nodeOutput(rank: 0, attempt: 1, channel: "stdout", data: ["line": "hi"]), .nodeComplete(first),
            .nodeStart(rank: 0, attempt: 2), .nodeComplete(second), .nodeComplete(skipped),
            .nodeStart(rank: 2, attempt: 1),
            .nodeComplete(third), .complete(.error, durationMicroseconds: 2_001_250, failedRanks: [0, 2]),
        ]
    }()

    /// The members behind the timestamp, for each event of the story.
    private static let full = [
        #""graph_revision":7,"initial_state":{"i":0,"log":[]},"node_count":3,"attempt":1"#,
        #""node_id":"a","node_name":"First \"step\"","node_kind":"test","attempt":1,"input_state":{"i":0,"log":[]}"#,
        #""node_id":"a","attempt":1,"channel":"stdout","data":{"line":"hi"}"#,
        #""node_id":"a","node_name":"First \"step\"","attempt":1,"status":"error","update":{},"output_state":{"i":0,"log":[]},"duration_ms":1.25,"queue_ms":0,"taken":[],"error":"not \"yet\"","details":{"code":1},"will_retry":true"#,
        #""node_id":"a","node_name":"First \"step\"","node_kind":"test","attempt":2,"input_state":{"i":0,"log":[]}"#,
        #""node_id":"a","node_name":"First \"step\"","attempt":2,"status":"success","update":{"x":1,"log":"a"},"output_state":{"i":0,"log":["a"],"x":1},"duration_ms":2000,"queue_ms":0.001,"taken":["b","c"]"#,
        #""node_id":"b","node_name":"b","attempt":0,"status":"skipped","update":{},"output_state":{"i":0,"log":["a"],"x":1},"duration_ms":0,"queue_ms":0,"taken":[]"#,
        #""node_id":"c","node_name":"c","node_kind":"test","attempt":1,"input_state":{"i":0,"log":["a"],"x":1}"#,
        #""node_id":"c","node_name":"c","attempt":1,"status":"success","update":{"log":["c","d"]},"output_state":{"i":0,"log":["a","c","d"],"x":1},"duration_ms":0,"queue_ms":0,"taken":[]"#,
        #""status":"error","final_state":{"i":0,"log":["a","c","d"],"x":1},"duration_ms":2001.25,"failed_nodes":["a","c"]"#,
    ]
    private static let types = [
        "start", "node_start", "node_output", "node_complete", "node_start", "node_complete", "node_complete",
        "node_start",
        "node_complete", "complete",
    ]

    private static func expected(_ detail: StateDetail) -> [String] {
        zip(types, full).enumerated().map { index, event in
            #"{"type":"\#(event.0)",\#(head)\#(index + 1),\#(time),\#(without(event.1, detail))}"#
        }
    }

    private static func without(_ members: String, _ detail: StateDetail) -> String {
        let hidden: [String] =
            switch detail {
            case .full: []
            case .update: ["input_state", "output_state"]
            case .none: ["input_state", "output_state", "update", "initial_state", "final_state"]
            }
        var object = JSONObject(try! JSONText(parsing: "{\(members)}"))!
        for key in hidden { object[key] = nil }
        return String(object.text.description.dropFirst().dropLast())
    }

    @Test(arguments: StateDetail.allCases)
    func `every event has its fields in the order of the contract`(detail: StateDetail) throws {
        let lines = try rendered(Self.story, detail)
        let expected = Self.expected(detail)
        for (line, expected) in zip(lines, expected) { #expect(line == expected) }
        #expect(lines.count == expected.count)
    }

    @Test(arguments: StateDetail.allCases)
    func `a critical fault is an event of its own`(detail: StateDetail) throws {
        let lines = try rendered([.error(message: "lost", details: ["why": "gone"], durationMicroseconds: 5)], detail)
        #expect(lines == [#"{"type":"error",\#(Self.head)1,\#(Self.time),"error":"lost","details":{"why":"gone"}}"#])
    }

    @Test(arguments: StateDetail.allCases)
    func `skipping to any event gives the same bytes as rendering all`(detail: StateDetail) throws {
        let all = try rendered(Self.story, detail)
        for skipped in Self.story.indices {
            var renderer = EventRenderer(executionID: Self.id, revision: try graph(), detail: detail)
            for body in Self.story[..<skipped] { try record(body).encoded.withUnsafeBytes { try renderer.skip($0) } }
            #expect(renderer.nextSeq == skipped + 1)
            #expect(try render(Self.story[skipped...], with: &renderer) == Array(all[skipped...]))
        }
    }

    @Test(arguments: StateDetail.allCases)
    func `a copy is a checkpoint`(detail: StateDetail) throws {
        let all = try rendered(Self.story, detail)
        var renderer = EventRenderer(executionID: Self.id, revision: try graph(), detail: detail)
        for index in Self.story.indices {
            var copy = renderer
            #expect(try render(Self.story[index...], with: &copy) == Array(all[index...]))
            _ = try render(Self.story[index...index], with: &renderer)
        }
    }

    @Test(arguments: StateDetail.allCases)
    func `a start after a restart keeps the states`(detail: StateDetail) throws {
        var story = Self.story
        story.insert(.start(attempt: 2, initialState: ["i": 0, "log": []]), at: 7)
        let lines = try rendered(story, detail)
        #expect(lines[7].contains(#""seq":8"#) && lines[7].hasSuffix(#""attempt":2}"#))
        let expected = Self.expected(detail)
        for index in 8..<story.count { #expect(members(lines[index]) == members(expected[index - 1])) }
    }

    @Test func `the end of a run that was cancelled shows the states it had reached`() throws {
        let cancelled = NodeCompletion(rank: 0, attempt: 1, status: .cancelled, durationMicroseconds: 999)
        let lines = try rendered(
            [
                .start(attempt: 1, initialState: ["i": 0]), .nodeStart(rank: 0, attempt: 1), .nodeComplete(cancelled),
                .complete(.cancelled, durationMicroseconds: 1000, failedRanks: []),
            ], .full)
        #expect(
            members(lines[2])
                == #""node_id":"a","node_name":"First \"step\"","attempt":1,"status":"cancelled","update":{},"output_state":{"i":0},"duration_ms":0.999,"queue_ms":0,"taken":[]}"#
        )
        #expect(members(lines[3]) == #""status":"cancelled","final_state":{"i":0},"duration_ms":1,"failed_nodes":[]}"#)
    }

    @Test func `damaged records are refused`() throws {
        var renderer = EventRenderer(executionID: Self.id, revision: try graph(), detail: .full)
        var bytes = record(Self.story[0]).encoded
        bytes[3] ^= 1
        #expect(throws: RecordError.self) {
            try bytes.withUnsafeBytes {
                var writer = ByteWriter()
                try renderer.render($0, to: &writer)
            }
        }
    }

    @Test func `what is rendered of random executions is what the contract says`() throws {
        for seed in 0..<150 as Range<UInt64> {
            let scenario = try RandomScenario(seed: mix(seed, 5))
            guard !scenario.mayStop else { continue }
            let reference = ReferenceEvaluator(scenario, initial: scenario.initialState)
            var schedule = RandomSchedule(scenario, seed: seed)
            schedule.run()
            var renderer = EventRenderer(executionID: Self.id, revision: scenario.revision, detail: .full)
            for line in try render(schedule.events[...], with: &renderer) {
                let event = try JSONObject(parsing: Array(line.utf8))
                let node = event["node_id"]?.string.flatMap { scenario.graph.rank(ofNode: $0) }.map(reference.node)
                if let input = event["input_state"] { #expect(input == node?.input, "seed \(seed): \(line)") }
                if let final = event["final_state"] { #expect(final == reference.finalState, "seed \(seed)") }
                if let output = event["output_state"] {
                    #expect(
                        output == (event["will_retry"] == nil ? node?.output : node?.input), "seed \(seed): \(line)")
                }
            }
        }
    }

    private func members(_ line: String) -> String {
        String(line[line.firstRange(of: #"Z","#)!.upperBound...])
    }

    private func record(_ body: EventRecord.Body) -> EventRecord {
        EventRecord(timestampMicroseconds: 1_769_851_800_000_250, body: body)
    }

    private func rendered(_ story: [EventRecord.Body], _ detail: StateDetail) throws -> [String] {
        var renderer = EventRenderer(executionID: Self.id, revision: try graph(), detail: detail)
        return try render(story[...], with: &renderer)
    }

    private func render(_ story: ArraySlice<EventRecord.Body>, with renderer: inout EventRenderer) throws -> [String] {
        try story.map { body in
            var writer = ByteWriter()
            try record(body).encoded.withUnsafeBytes { try renderer.render($0, to: &writer) }
            return String(decoding: writer.bytes, as: UTF8.self)
        }
    }
}
