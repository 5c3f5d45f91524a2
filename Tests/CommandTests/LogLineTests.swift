import Config
import Executions
import Graphs
import JSON
import Testing

@testable import millrace

/// The lines about executions, byte by byte.
@Suite struct LogLineTests {
    private static let id = "019b2f5a-7c00-7000-8000-000000000001"
    private static let other = "019b2f5a-7c00-7001-8000-000000000001"

    private struct Vocabulary: NodeVocabulary {
        let anything: ConfigSchema
        var kindNames: [String] { ["test"] }
        func schema(ofKind name: String) -> ConfigSchema? { anything }
        func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault] { [] }
        func fault(inCondition source: String) -> String? { nil }
    }

    private struct NoBody: NodeBody {
        func start(_ call: NodeCall) -> NodeStart { .finished(.success(update: [:])) }
    }

    private func log(_ id: String = id) throws -> EventLog {
        let document = Array(#"{"id":"some-graph","nodes":[{"id":"a","kind":"test"},{"id":"b-2","kind":"test"}]}"#.utf8)
        let content = try Graph.parse(
            document, format: .json, vocabulary: Vocabulary(anything: ConfigSchema(["type": "object"])),
            files: GraphFiles())
        let revision = GraphRevision(
            graph: content.graph,
            identity: GraphIdentity(id: "some-graph", revision: 7, files: GraphFiles(), folder: nil),
            createdAtMicroseconds: 0, bodies: [NoBody(), NoBody()], conditions: [])
        let summary = ExecutionSummary(
            id: try #require(ExecutionID(id)), graphID: "some-graph", graphRevision: 7, nodeCount: 2,
            createdAtMicroseconds: 0)
        return EventLog(graph: revision, summary: summary)
    }

    private func completion(
        _ rank: Int, attempt: Int, _ status: NodeStatus, microseconds: Int64 = 0, error: String? = nil
    ) -> EventRecord.Body {
        .nodeComplete(
            NodeCompletion(
                rank: rank, attempt: attempt, status: status, durationMicroseconds: microseconds, error: error))
    }

    /// An event each quarter of a second.
    private func events(_ bodies: [EventRecord.Body]) -> ObservedEvents {
        var events = ObservedEvents()
        for (index, body) in bodies.enumerated() {
            let time = 1_769_851_800_000_250 + Int64(index) * 250_000
            events.append(EventRecord(timestampMicroseconds: time, body: body))
        }
        return events
    }

    private func wholeExecution() -> ObservedEvents {
        events([
            .start(attempt: 1, initialState: [:]), .nodeStart(rank: 0, attempt: 1),
            .nodeOutput(rank: 0, attempt: 1, channel: "log", data: "not logged"),
            completion(0, attempt: 1, .error, microseconds: 1_250, error: "no \"luck\" = bad\n"),
            .nodeStart(rank: 0, attempt: 12), completion(0, attempt: 12, .success, microseconds: 12_000),
            .nodeStart(rank: 1, attempt: 1), completion(1, attempt: 1, .cached, microseconds: 7),
            .complete(.success, durationMicroseconds: 1_500_120, failedRanks: []),
        ])
    }

    private func text(_ rendering: LogRendering, _ write: (inout LogLine) throws -> Void) rethrows -> [String] {
        var line = LogLine(rendering)
        try write(&line)
        return String(decoding: line.take(), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func `a line of text says what has happened, to which execution and node`() throws {
        let lines = try text(.text) { $0.write(wholeExecution(), of: try log(), 0) }
        let about = "execution=\(Self.id) graph=some-graph"
        #expect(
            lines == [
                "2026-01-31T09:30:00.000250Z info execution started \(about) revision=7",
                "2026-01-31T09:30:00.250250Z info node started \(about) node=a attempt=1",
                "2026-01-31T09:30:00.750250Z warning node ended \(about) node=a attempt=1 status=error duration_ms=1.25 "
                    + #"error="no \"luck\" = bad\n""#,
                "2026-01-31T09:30:01.000250Z info node started \(about) node=a attempt=12",
                "2026-01-31T09:30:01.250250Z info node ended \(about) node=a attempt=12 status=success duration_ms=12",
                "2026-01-31T09:30:01.500250Z info node started \(about) node=b-2 attempt=1",
                "2026-01-31T09:30:01.750250Z info node ended \(about) node=b-2 attempt=1 status=cached duration_ms=0.007",
                "2026-01-31T09:30:02.000250Z info execution ended \(about) status=success duration_ms=1500.12",
            ])
    }

    @Test func `a line of JSON says the same`() throws {
        let lines = try text(.json) { $0.write(wholeExecution(), of: try log(), 0) }
        let about = #""execution":"\#(Self.id)","graph":"some-graph""#
        func line(_ time: String, _ level: String, _ message: String, _ fields: String) -> String {
            #"{"time":"2026-01-31T09:30:0\#(time)0250Z","level":"\#(level)","message":"\#(message)",\#(about),\#(fields)}"#
        }
        #expect(
            lines == [
                line("0.00", "info", "execution started", #""revision":7"#),
                line("0.25", "info", "node started", #""node":"a","attempt":1"#),
                line(
                    "0.75", "warning", "node ended",
                    #""node":"a","attempt":1,"status":"error","duration_ms":1.25,"error":"no \"luck\" = bad\n""#),
                line("1.00", "info", "node started", #""node":"a","attempt":12"#),
                line(
                    "1.25", "info", "node ended", #""node":"a","attempt":12,"status":"success","duration_ms":12"#),
                line("1.50", "info", "node started", #""node":"b-2","attempt":1"#),
                line(
                    "1.75", "info", "node ended", #""node":"b-2","attempt":1,"status":"cached","duration_ms":0.007"#),
                line("2.00", "info", "execution ended", #""status":"success","duration_ms":1500.12"#),
            ])
    }

    @Test func `an entry of the journal has its message, and who it is about as fields`() throws {
        var line = LogLine(.journal)
        line.write(wholeExecution(), of: try log(), 0)
        var entries: [[String]] = []
        line.take().withUnsafeBytes { bytes in
            LogLine.forEachEntry(of: bytes) { fields in
                entries.append(fields.map { String(decoding: $0, as: UTF8.self) })
            }
        }
        let about = "execution=\(Self.id) graph=some-graph"
        let messages = entries.map { $0.first { $0.hasPrefix("MESSAGE=") } }
        #expect(
            messages == [
                "MESSAGE=execution started \(about) revision=7",
                "MESSAGE=node started \(about) node=a attempt=1",
                "MESSAGE=node ended \(about) node=a attempt=1 status=error duration_ms=1.25 "
                    + #"error="no \"luck\" = bad\n""#,
                "MESSAGE=node started \(about) node=a attempt=12",
                "MESSAGE=node ended \(about) node=a attempt=12 status=success duration_ms=12",
                "MESSAGE=node started \(about) node=b-2 attempt=1",
                "MESSAGE=node ended \(about) node=b-2 attempt=1 status=cached duration_ms=0.007",
                "MESSAGE=execution ended \(about) status=success duration_ms=1500.12",
            ])
        let nodes = entries.map { $0.first { $0.hasPrefix("NODE_ID=") } }
        #expect(nodes == [nil] + ["a", "a", "a", "a", "b-2", "b-2"].map { "NODE_ID=\($0)" } + [nil])
        for entry in entries {
            #expect(entry.contains("EXECUTION_ID=\(Self.id)") && entry.contains("GRAPH_ID=some-graph"))
            #expect(entry.filter { $0.hasPrefix("PRIORITY=") || $0.hasPrefix("MESSAGE_ID=") }.count == 2)
        }
    }

    @Test func `executions that take turns are told apart, and each attempt after the first is said`() throws {
        let lines = try text(.text) { line in
            for log in [try log(), try log(Self.other), try log()] {
                line.write(
                    events([.start(attempt: 2, initialState: [:]), .nodeStart(rank: 0, attempt: 1)]), of: log, 0)
            }
        }
        #expect(lines.map { $0.contains(Self.other) } == [false, false, true, true, false, false])
        #expect(lines.map { $0.hasSuffix(" revision=7 attempt=2") } == [true, false, true, false, true, false])
    }

    @Test func `what is less severe is left out`() throws {
        let all = events([
            .nodeStart(rank: 0, attempt: 1), completion(0, attempt: 1, .error, error: "bad"),
            completion(1, attempt: 0, .skipped),
            .error(message: "worse", details: [:], durationMicroseconds: 5),
        ])
        let execution = try log()
        let warnings = text(.text) { $0.write(all, of: execution, LogLevel.warning.severity) }
        #expect(warnings.map { $0.split(separator: " ")[1] } == ["warning", "error"])
        let errors = text(.text) { $0.write(all, of: execution, LogLevel.error.severity) }
        #expect(errors.count == 1)
        #expect(errors.first?.hasSuffix(" status=failed duration_ms=0.005 error=worse") == true)
        #expect(text(.text) { $0.write(all, of: execution, LogLevel.critical.severity) }.isEmpty)
    }
}
