import JSON
import Testing

@testable import millrace

@Suite struct ProfileChartTests {
    private func node(_ id: String, at ready: Int, critical: Bool, _ segments: [(String, Int, Int)]) -> JSONText {
        let parts = segments.map { kind, start, length -> JSONText in
            ["kind": JSONText(kind), "attempt": 1, "start_ms": JSONText(start), "duration_ms": JSONText(length)]
        }
        func total(_ kind: String) -> JSONText {
            JSONText(segments.reduce(0) { $0 + ($1.0 == kind ? $1.2 : 0) })
        }
        return [
            "node_id": JSONText(id), "node_name": JSONText(id.uppercased()), "node_kind": "lua",
            "status": segments.isEmpty ? "skipped" : "success",
            "attempts": JSONText(segments.count { $0.0 == "run" }), "ready_at_ms": JSONText(ready),
            "queue_ms": total("queue"), "run_ms": total("run"), "retry_wait_ms": total("retry_wait"), "slack_ms": 0,
            "on_critical_path": JSONText(critical), "segments": JSONText(array: parts),
        ]
    }

    private var profile: JSONObject {
        let nodes = [
            node("a", at: 0, critical: true, [("run", 0, 400)]), node("b", at: 0, critical: false, [("run", 0, 100)]),
            node(
                "c", at: 400, critical: true,
                [("queue", 400, 200), ("run", 600, 200), ("retry_wait", 800, 100), ("run", 900, 100)]),
            node("d", at: 400, critical: false, []),
        ]
        return [
            "execution_id": "E", "graph_id": "g", "status": "success", "wall_ms": 1000, "is_final": true,
            "nodes": JSONText(array: nodes),
            "critical_path": [
                ["node_id": "a", "kind": "run", "start_ms": 0, "duration_ms": 400],
                ["node_id": "c", "kind": "queue", "start_ms": 400, "duration_ms": 200],
                ["node_id": "c", "kind": "run", "start_ms": 600, "duration_ms": 400],
            ],
            "bottleneck": ["node_id": "c", "run_ms": 300, "share": 0.6, "reason": "it is slow"],
        ]
    }

    private func lines(_ profile: JSONObject, columns: Int = 54, rowsMax: Int = .max) -> [String] {
        ProfileChart(profile: profile, columns: columns, isPlain: true, rowsMax: rowsMax).lines.map {
            $0.rendered(usesColor: false)
        }
    }

    @Test func `a chart shows when each node waited and ran`() {
        #expect(
            lines(profile) == [
                "g  E  success  1.00 s", "", "        0             1.00 s",
                "* A     ========              400.0 ms",
                "  B     ==                    100.0 ms",
                "* C             ....====~~==  300.0 ms  attempt 2",
                "  D                           skipped", "",
                "critical path  A 400.0 ms -> C 600.0 ms",
                "bottleneck     C, 60.0 % of the time: it is slow",
                "= run   x interrupted   ~ retry wait   . queue   * on the critical path",
            ])
    }

    @Test func `of too many nodes those on the critical path stay`() {
        let shown = lines(profile, rowsMax: 2)
        #expect(shown[3].hasPrefix("* A") && shown[4].hasPrefix("* C"))
        #expect(shown[5] == "  2 more; --all shows them")
    }

    @Test func `nothing that a graph says reaches the terminal as a command`() throws {
        let evil = "\u{1B}[2J\u{9B}1m\u{202E}\r\n"
        var profile = profile
        var node = try #require(self.profile["nodes"]?.array?.first?.object)
        node["node_name"] = JSONText(evil)
        profile["nodes"] = JSONText(array: [JSONText(node)])
        profile["graph_id"] = JSONText(evil)
        profile["bottleneck"] = ["node_id": "a", "share": 1, "reason": JSONText(evil)]
        for scalar in lines(profile).joined().unicodeScalars {
            #expect(scalar.value >= 0x20 && !(0x7F...0x9F ~= scalar.value) && scalar.value != 0x202E)
        }
    }

    @Test func `an execution without a start has a chart as well`() {
        let profile: JSONObject = [
            "execution_id": "E", "graph_id": "g", "status": "queued", "wall_ms": 0, "is_final": false,
            "nodes": [], "critical_path": [], "bottleneck": .null,
        ]
        #expect(lines(profile)[0] == "g  E  queued  0.00 ms  so far")
    }

    @Test func `a difference of states names what was added, changed, removed and confirmed`() throws {
        let patch: JSONText = [
            ["op": "add", "path": "/new", "value": [1]], ["op": "replace", "path": "/a/b", "value": 2],
            ["op": "remove", "path": "/list/1"], ["op": "add", "path": "/same", "value": true],
            ["op": "add", "path": "/a~1b", "value": "x"],
        ]
        let diff = StateDiff(patch: patch, old: ["a": ["b": 1], "list": [1, 2], "same": true])
        #expect(
            diff.lines.map { $0.rendered(usesColor: false) } == [
                "  + new  [1]", "  ~ a.b  1 → 2", "  - list.1  2", "  = same  true", #"  + /a~1b  "x""#,
            ])
    }
}
