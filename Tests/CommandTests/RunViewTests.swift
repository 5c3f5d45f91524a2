import JSON
import Testing

@testable import millrace

@Suite struct RunViewTests {
    @Test func `a frame shows each node, what it says and why it failed`() {
        let events = [
            Events.start(6), Events.nodeStart("a", at: 0), Events.nodeComplete("a", at: 12),
            Events.nodeStart("b", at: 12), Events.output("b", at: 20, #""one\ntwo\n""#),
            Events.nodeStart("c", at: 12), Events.nodeComplete("c", at: 24, "error", #","error":"it broke""#),
            Events.nodeComplete("d", at: 24, "skipped"), Events.nodeStart("e", at: 24),
            Events.nodeComplete("e", at: 30, "error", #","error":"once","will_retry":true"#),
            Events.nodeStart("e", at: 40, attempt: 2), Events.nodeComplete("f", at: 50, "cached"),
        ]
        #expect(
            Events.frame(events, at: 1540) == [
                "g  E",
                "  ✓ A  lua  12.3 ms",
                "  ⠋ B  lua  1.53 s",
                "      two",
                "  ✗ C  lua  12.3 ms",
                "      it broke",
                "  ⏭ D       skipped",
                "  ⠋ E  lua  1.50 s  attempt 2",
                "  ✓ F       cached",
                "4/6 nodes done  1.54 s",
            ])
    }

    @Test func `before the first event a frame says so`() {
        #expect(Events.frame([], at: 0) == ["waiting for the start", "0/0 nodes done"])
    }

    @Test func `a frame is never higher than the terminal, and shows first what runs`() {
        var events = [Events.start(200)]
        for index in 0..<100 {
            events += [Events.nodeStart("n\(index)", at: 0), Events.nodeComplete("n\(index)", at: 1)]
        }
        events += [Events.nodeStart("bad", at: 1), Events.nodeComplete("bad", at: 2, "error", #","error":"no""#)]
        events += (0..<3).map { Events.nodeStart("r\($0)", at: 2) }
        #expect(
            Events.frame(events, at: 2, rows: 11) == [
                "g  E", "  … 99 more have ended", "  ✓ N99  lua  12.3 ms", "  ✗ BAD  lua  12.3 ms", "      no",
                "  ⠋ R0   lua  0.00 ms", "  ⠋ R1   lua  0.00 ms", "  ⠋ R2   lua  0.00 ms",
                "101/200 nodes done  2.00 ms",
            ])
        events += (3..<60).map { Events.nodeStart("r\($0)", at: 2) }
        for rows in [1, 2, 3, 4, 8, 24, 63, 64, 65, 66, 67, 68, 80] {
            #expect(Events.frame(events, at: 2, rows: rows).count <= max(3, rows - 1), "\(rows) rows")
        }
        #expect(Events.frame(events, at: 2, rows: 8).contains { $0.hasSuffix("more are running") })
    }

    @Test func `nodes inside of others stand beneath them while they run`() {
        let events = [
            Events.start(2), Events.nodeStart("each", at: 0), Events.nodeStart("other", at: 0),
            Events.nodeStart("in", at: 1, path: #","path":["each",0]"#),
            Events.nodeStart("in", at: 1, path: #","path":["each",1]"#),
            Events.nodeComplete("in", at: 2, "success", #","path":["each",0]"#),
        ]
        #expect(
            Events.frame(events, at: 1000) == [
                "g  E", "  ⠋ EACH      lua  1.00 s", "  ⠋   [1]/in  lua  999.0 ms", "  ⠋ OTHER     lua  1.00 s",
                "0/2 nodes done  1.00 s",
            ])
    }

    private static func item(_ channel: String, _ data: String) -> JSONText {
        Events.event(
            "node_output", at: 1, #""node_id":"each","attempt":1,"channel":"\#(channel)","data":\#(data)"#)
    }

    private static func start(_ kind: String, attempt: Int = 1) -> JSONText {
        Events.event(
            "node_start", at: 0,
            #""node_id":"each","node_name":"EACH","node_kind":"\#(kind)","attempt":\#(attempt)"#)
    }

    @Test func `a map is one line with a bar, and its failed items stand below`() {
        var events = [Events.start(1), Self.start("map")]
        for index in 0..<8 { events.append(Self.item("scope", #"{"status":"running","index":\#(index),"total":10}"#)) }
        events.append(Events.nodeStart("in", at: 1, path: #","path":["each",0]"#))
        for index in 0..<5 {
            events.append(
                Self.item("item", #"{"index":\#(index),"status":"error","duration_ms":1,"error":"no \#(index)"}"#))
        }
        events.append(Self.item("item", #"{"index":5,"status":"success","duration_ms":1}"#))
        events.append(Self.item("item", #"{"index":6,"status":"cancelled","duration_ms":1}"#))
        #expect(
            Events.frame(events, at: 1000, columns: 100) == [
                "g  E", "  ⠋ EACH  map  1.00 s  ████████████░░░░░░░░ 6/10, 1 running, 5 failed", "      [0] no 0",
                "      [1] no 1", "      [2] no 2", "      … 2 more failed", "0/1 nodes done  1.00 s",
            ])
        for rows in 1...9 { #expect(Events.frame(events, at: 1, rows: rows).count <= max(3, rows - 1), "\(rows) rows") }
        // A further attempt keeps what has succeeded.
        events += [Self.start("map", attempt: 2), Self.item("scope", #"{"status":"running","index":0,"total":10}"#)]
        #expect(
            Events.frame(events, at: 1000, columns: 100)[1]
                == "  ⠋ EACH  map  1.00 s  ██░░░░░░░░░░░░░░░░░░ 1/10, 1 running  attempt 2")
        events.append(Self.item("item", #"{"index":0,"status":"cached","duration_ms":1}"#))
        events.append(Events.nodeComplete("each", at: 2, attempt: 2))
        #expect(Events.frame(events, at: 1000, columns: 100)[1] == "  ✓ EACH  map  12.3 ms  2 items  attempt 2")
    }

    @Test func `a repeat tells its iteration, a graph within a node nothing of the kind`() {
        var events = [Events.start(1), Self.start("repeat")]
        events.append(Self.item("scope", #"{"status":"running","index":0,"total":20}"#))
        events.append(Self.item("item", #"{"index":0,"status":"success","duration_ms":1}"#))
        events.append(Self.item("scope", #"{"status":"running","index":1,"total":20}"#))
        #expect(Events.frame(events, at: 1000)[1] == "  ⠋ EACH  repeat  1.00 s  iteration 2 of at most 20")
        events.append(Self.item("item", #"{"index":1,"status":"success","duration_ms":1}"#))
        events.append(Events.nodeComplete("each", at: 2))
        #expect(Events.frame(events, at: 1000)[1] == "  ✓ EACH  repeat  12.3 ms  2 iterations")
        let graph = [Events.start(1), Self.start("graph"), Self.item("scope", #"{"status":"running","graph":"g"}"#)]
        #expect(Events.frame(graph, at: 1000)[1] == "  ⠋ EACH  graph  1.00 s")
    }

    @Test func `no more nodes are kept than a graph may have, and of those inside of others few`() {
        var events = [Events.start(1), Events.nodeStart("each", at: 0)]
        for index in 0...RunViewModel.nestedMax {
            events.append(Events.nodeStart("in", at: 1, path: #","path":["each",\#(index)]"#))
        }
        #expect(Events.model(events).nested.count == RunViewModel.nestedMax)
        let many = (0...10_000).map { Events.nodeStart("n\($0)", at: 0) }
        #expect(Events.model(many).nodes.count == 10_000)
        let failures = (0...RunViewModel.failuresMax).map { Events.nodeComplete("n\($0)", at: 0, "error") }
        let model = Events.model(failures)
        #expect(model.failures.count == RunViewModel.failuresMax)
        #expect(RunViewSummary(model: model).failures.last?.rendered(usesColor: false) == "and 1 more")
    }

    @Test func `a restart of the daemon interrupts what runs`() {
        let events = [Events.start(2), Events.nodeStart("a", at: 0), Events.start(2)]
        #expect(Events.frame(events, at: 5)[1] == "  ↻ A  lua  interrupted")
    }

    @Test func `a summary says how it ended, why, and with what`() {
        let failure = #","error":"it broke","details":{"traceback":"Traceback:\n  line 1\n  line 2\n"}"#
        let events = [
            Events.start(1), Events.nodeComplete("c", at: 24, "error", failure),
            Events.complete(at: 2500, "error", #","final_state":{"k":[1,2],"long key":"text"},"failed_nodes":["c"]"#),
        ]
        let lines = RunViewSummary(model: Events.model(events)).lines.map { $0.rendered(columns: 40, usesColor: false) }
        #expect(
            lines == [
                "error in 2.50 s; failed: c", "c: it broke", "    Traceback:", "      line 1", "      line 2",
                "final state", "  k         [1,2]", #"  long key  "text""#,
            ])
        let failed = Events.model([Events.start(1), Events.event("error", at: 9, #""error":"timed out","details":{}"#)])
        #expect(RunViewSummary(model: failed).lines.map { $0.rendered(usesColor: false) } == ["failed: timed out"])
    }

    @Test func `plain lines tell each event`() {
        let events = [
            Events.start(2), Events.nodeStart("a", at: 1), Events.output("a", at: 2, #"{"n":1}"#),
            Events.nodeComplete("a", at: 1234, "error", attempt: 2, #","error":"it broke","will_retry":true"#),
            Events.nodeComplete("b", at: 1235, "skipped"),
            Events.complete(at: 1236, "error", #","failed_nodes":["a"]"#),
            Events.event("gap", at: 0, #""from":2,"to":5"#),
        ]
        let model = Events.model(events)
        #expect(
            events.map { RunViewLines.line($0, model) } == [
                "+0.000s  start          g  E  revision 1, 2 nodes",
                "+0.001s  node_start     a                 lua",
                #"+0.002s  node_output    a                 log: {"n":1}"#,
                "+1.234s  node_complete  a                 error 12.3 ms attempt 2, will be tried again: it broke",
                "+1.235s  node_complete  b                 skipped",
                "+1.236s  complete       error 1.24 s; failed: a",
                "+0.000s  gap            events 2 to 5 are no longer kept",
            ])
    }

    @Test func `nothing that a graph says reaches the terminal as a command`() {
        let evil = #"\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\r\n"#
        let events = [
            Events.start(1),
            Events.event(
                "node_start", at: 0, #""node_id":"\#(evil)","node_name":"\#(evil)","node_kind":"\#(evil)","attempt":1"#),
            Events.event("node_output", at: 0, #""node_id":"\#(evil)","channel":"\#(evil)","data":"\#(evil)x""#),
            Events.event(
                "node_complete", at: 0,
                #""node_id":"\#(evil)","status":"error","error":"\#(evil)","details":{"traceback":"\#(evil)"}"#),
            Events.event(
                "complete", at: 0,
                #""status":"\#(evil)","final_state":{"\#(evil)":"\#(evil)"},"failed_nodes":["\#(evil)"]"#),
        ]
        for count in 1...events.count {
            let shown = Array(events.prefix(count))
            let model = Events.model(shown)
            let lines =
                Events.frame(shown, at: 0) + RunViewSummary(model: model).lines.map { $0.rendered(usesColor: false) }
                + shown.map { RunViewLines.line($0, model) }
            for scalar in lines.joined().unicodeScalars {
                #expect(scalar.value >= 0x20 && !(0x7F...0x9F ~= scalar.value) && scalar.value != 0x202E)
            }
        }
    }

    @Test func `a redraw goes up over what was drawn and erases the rest`() {
        #expect(RunViewLive.redraw(["a", "b"], over: 0) == "\ra\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(RunViewLive.redraw(["c"], over: 2) == "\u{1B}[2A\rc\u{1B}[K\n\u{1B}[J")
    }
}
