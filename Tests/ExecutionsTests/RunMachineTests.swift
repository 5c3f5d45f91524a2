import Executions
import Graphs
import JSON
import Testing

/// One test for each sentence of the contract on how a graph runs.
@Suite struct RunMachineTests {
    private let chain =
        "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]\nedges: [{from: a, to: b}, {from: b, to: c}]"

    @Test func `nodes without incoming edges are ready at once, the others when what they depend on has ended`() throws
    {
        var run = try MachineDriver(chain)
        #expect(run.news() == ["start", "+a 1"])
        run.succeed("a", ["x": 1])
        #expect(run.news() == ["-a 1 success →b", "+b 1"])
        #expect(run.inputs["b"] == #"{"x":1}"#)
        run.succeed("b")
        run.succeed("c")
        #expect(run.news() == ["-b 1 success →c", "+c 1", "-c 1 success", "complete success", "finish success"])
    }

    @Test func `no node waits for a sibling that it does not depend on`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: a2, kind: test}, {id: end, kind: test}]\n"
                + "edges: [{from: a, to: a2}, {from: a2, to: end}, {from: b, to: end}]")
        run.succeed("a")
        #expect(run.news() == ["start", "+a 1", "+b 1", "-a 1 success →a2", "+a2 1"])
        run.succeed("a2")
        #expect(run.news() == ["-a2 1 success →end"], "a join waits for all its edges")
        run.succeed("b")
        #expect(run.news() == ["-b 1 success →end", "+end 1"])
    }

    @Test func `ready nodes run at once, as many as may`() throws {
        var run = try MachineDriver(
            "limits: {max_parallel_nodes: 2}\nnodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]")
        #expect(run.news() == ["start", "+a 1", "+b 1"])
        run.now = 5
        run.succeed("b")
        #expect(run.news() == ["-b 1 success", "+c 1"])
        run.now = 7
        run.succeed("c")
        #expect(run.completion("c")?.queueMicroseconds == 5000)
        #expect(run.completion("c")?.durationMicroseconds == 2000)
    }

    @Test func `a node of whose edges none is taken is skipped, and so on along a chain`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}, {id: d, kind: test}]\n"
                + "edges: [{from: a, to: b, when: 'false'}, {from: b, to: c}, {from: c, to: d}]")
        run.succeed("a")
        #expect(
            run.news() == [
                "start", "+a 1", "-a 1 success", "-b 0 skipped", "-c 0 skipped", "-d 0 skipped", "complete success",
                "finish success",
            ])
    }

    @Test func `one taken edge is enough`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]\n"
                + "edges: [{from: a, to: b, when: 'false'}, {from: b, to: c}, {from: a, to: c}]")
        run.succeed("a", ["x": 1])
        #expect(run.news() == ["start", "+a 1", "-a 1 success →c", "-b 0 skipped", "+c 1"])
        #expect(run.inputs["c"] == #"{"x":1}"#)
    }

    @Test func `a very long chain is skipped without a deep stack`() throws {
        var document = "nodes:\n"
        for index in 0..<5_000 { document += "- {id: n\(index), kind: test}\n" }
        document += "edges:\n- {from: n0, to: n1, when: 'false'}\n"
        for index in 2..<5_000 { document += "- {from: n\(index - 1), to: n\(index)}\n" }
        let revision = try revision(document)
        try onPoolThread {
            var run = MachineDriver(revision)
            run.step(.begin(initialState: [:]))
            run.succeed("n0")
            #expect(run.lines.last == "finish success")
            #expect(run.bodies.count == 2 + 1 + 4_999 + 1)
        }
    }

    @Test func `with on_error continue dependents run on the input of the failed node`() throws {
        var run = try MachineDriver(chain, initialState: ["x": 0])
        run.fail("a")
        #expect(run.news() == ["start", "+a 1", "-a 1 error →b", "+b 1"])
        #expect(run.inputs["b"] == #"{"x":0}"#)
        run.succeed("b")
        run.succeed("c")
        #expect(run.news().suffix(2) == ["complete error a", "finish error"])
    }

    @Test func `with on_error skip dependents are skipped`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test, on_error: skip}, {id: b, kind: test}, {id: c, kind: test}]\nedges: [{from: a, to: b}]"
        )
        run.fail("a")
        #expect(run.news() == ["start", "+a 1", "+c 1", "-a 1 error", "-b 0 skipped"])
        run.succeed("c")
        #expect(run.news() == ["-c 1 success", "complete error a", "finish error"])
    }

    @Test func `with on_error stop the execution ends, and what never started says nothing`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test, on_error: stop}, {id: b, kind: test}, {id: c, kind: test}]\nedges: [{from: a, to: c}]"
        )
        run.fail("a")
        #expect(run.news() == ["start", "+a 1", "+b 1", "-a 1 error", "interrupt b"])
        run.succeed("b", ["late": true])
        #expect(run.news() == ["-b 1 cancelled", "complete error a", "finish error"])
        #expect(run.completion("b")?.update.isEmpty == true)
    }

    @Test func `a condition that breaks ends its target as error, without a start, and names the edge`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]\n"
                + "edges: [{from: a, to: b, when: broken}, {from: b, to: c}]")
        run.succeed("a")
        #expect(run.news() == ["start", "+a 1", "-a 1 success", "-b 0 error →c", "+c 1"])
        let completion = try #require(run.completion("b"))
        #expect(completion.error == "the condition of the edge a → b failed: no such word")
        #expect(completion.details == ["line": 1])
        run.succeed("c")
        #expect(run.news().last == "finish error")
    }

    @Test func `of two broken conditions the edge that stands first is named, whichever source ended first`() throws {
        for order in [["a", "b"], ["b", "a"]] {
            var run = try MachineDriver(
                "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]\n"
                    + "edges: [{from: b, to: c, when: broken}, {from: a, to: c, when: broken}]")
            for id in order { run.succeed(id) }
            #expect(run.completion("c")?.error?.contains("b → c") == true)
        }
    }

    @Test func `a broken condition waits for the other edges and beats them`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test, on_error: stop}, {id: d, kind: test}]\n"
                + "edges: [{from: a, to: c, when: broken}, {from: b, to: c}]")
        run.succeed("a")
        #expect(run.news() == ["start", "+a 1", "+b 1", "+d 1", "-a 1 success"])
        run.succeed("b")
        #expect(run.news() == ["-b 1 success →c", "-c 0 error", "interrupt d"], "its own on_error holds")
    }

    @Test func `the condition of a source that failed with skip is never judged`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test, on_error: skip}, {id: b, kind: test}]\nedges: [{from: a, to: b, when: broken}]"
        )
        run.fail("a")
        #expect(run.news() == ["start", "+a 1", "-a 1 error", "-b 0 skipped", "complete error a", "finish error"])
    }

    @Test func `a condition sees the output of its source`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]\n"
                + "edges: [{from: a, to: b, when: 'has:x'}, {from: a, to: c, when: 'has:y'}]")
        run.succeed("a", ["x": 1])
        #expect(run.news() == ["start", "+a 1", "-a 1 success →b", "-c 0 skipped", "+b 1"])
    }

    @Test func `a condition sees its source and all ancestors, over taken edges or not, and nobody else`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: x, kind: test}, {id: c, kind: test}, {id: d, kind: test}]\n"
                + "edges: [{from: a, to: c}, {from: b, to: c, when: 'false'}, {from: c, to: d, when: 'nodes:a,b,c'}]")
        for id in ["b", "x", "a", "c"] { run.succeed(id) }
        #expect(run.news().contains("+d 1"))
    }

    @Test func `where two ancestors update one key the higher rank wins, whoever finished last`() throws {
        for order in [["a", "b"], ["b", "a"]] {
            var run = try MachineDriver(
                "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]\nedges: [{from: a, to: c}, {from: b, to: c}]",
                initialState: ["i": 0])
            for id in order { run.succeed(id, ["k": JSONText(id), "i": 1, JSONKey("of-\(id)"): true]) }
            #expect(run.inputs["c"] == #"{"i":1,"k":"b","of-a":true,"of-b":true}"#)
        }
    }

    @Test func `each attempt has a start and an end, and says whether another follows`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test, retry: {max_attempts: 3, delay_ms: 100, backoff: 3}}, {id: b, kind: test}]\n"
                + "edges: [{from: a, to: b}]")
        run.fail("a", "first")
        #expect(run.news() == ["start", "+a 1", "-a 1 error again", "retry a in 100"])
        #expect(run.completion("a")?.error == "first")
        run.now = 100
        run.retry("a")
        run.now = 130
        run.fail("a")
        #expect(run.news() == ["+a 2", "-a 2 error again", "retry a in 300"])
        #expect(run.completion("a")?.durationMicroseconds == 30_000)
        #expect(run.completion("a")?.queueMicroseconds == 0, "the wait between attempts is no time in a queue")
        run.retry("a")
        run.succeed("a", ["x": 1])
        #expect(run.news() == ["+a 3", "-a 3 success →b", "+b 1"])
        run.succeed("b")
        #expect(run.news().last == "finish success", "an attempt that was repeated is no failed node")
    }

    @Test func `a failure says when to come again`() throws {
        var limits = ExecutionLimits()
        limits.retryDelayMillisecondsMax = 5000
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test, retry: {max_attempts: 4, delay_ms: 100, backoff: 1}}]", limits: limits)
        for asked in [2000, 0, 60_000] {
            run.fail("a", askingForMilliseconds: Int64(asked))
            run.retry("a")
        }
        let delays = run.lines.filter { $0.hasPrefix("retry") }
        #expect(delays == ["retry a in 2000", "retry a in 100", "retry a in 5000"])
    }

    @Test func `the last attempt's failure counts`() throws {
        var run = try MachineDriver("nodes: [{id: a, kind: test, retry: {max_attempts: 2, delay_ms: 0}}]")
        run.fail("a")
        run.retry("a")
        run.fail("a")
        #expect(run.news().suffix(3) == ["-a 2 error", "complete error a", "finish error"])
    }

    @Test func `backoff ends at its bound`() throws {
        var limits = ExecutionLimits()
        limits.retryDelayMillisecondsMax = 250
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test, retry: {max_attempts: 100, delay_ms: 100, backoff: 100}}]", limits: limits)
        for _ in 1...99 {
            run.fail("a")
            run.retry("a")
        }
        run.fail("a")
        let delays = run.lines.filter { $0.hasPrefix("retry") }
        #expect(delays.count == 99)
        #expect(delays.first == "retry a in 100")
        #expect(delays.dropFirst().allSatisfy { $0 == "retry a in 250" })
    }

    @Test func `a node that waits for its next attempt leaves its place to others`() throws {
        var run = try MachineDriver(
            "limits: {max_parallel_nodes: 1}\n"
                + "nodes: [{id: a, kind: test, retry: {max_attempts: 2}}, {id: b, kind: test}]")
        run.fail("a")
        #expect(run.news() == ["start", "+a 1", "-a 1 error again", "retry a in 200", "+b 1"])
        run.retry("a")
        #expect(run.news() == [])
        run.succeed("b")
        #expect(run.news() == ["-b 1 success", "+a 2"])
    }

    @Test func `a node that takes too long is interrupted and fails, whatever it says then`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test, timeout_ms: 50, retry: {max_attempts: 2, delay_ms: 0}}]")
        run.timeOut("a")
        #expect(run.news() == ["start", "+a 1", "interrupt a"])
        run.succeed("a", ["late": true])
        #expect(run.completion("a")?.error == "the node took longer than its timeout_ms (50 ms)")
        run.retry("a")
        run.succeed("a", ["fine": true])
        #expect(run.news().suffix(3) == ["-a 2 success", "complete success", "finish success"])
    }

    @Test func `a timeout of an attempt that is over changes nothing`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test, timeout_ms: 50, retry: {max_attempts: 2, delay_ms: 0}}]")
        run.fail("a")
        run.retry("a")
        _ = run.news()
        run.step(.nodeTimedOut(rank: 0, attempt: 1))
        run.step(.nodeEnded(rank: 0, attempt: 1, .success(update: [:])))
        #expect(run.news() == [])
        run.succeed("a")
        #expect(run.news().last == "finish success")
    }

    @Test func `an execution that takes too long ends in an error event`() throws {
        var run = try MachineDriver(chain + "\nlimits: {timeout_ms: 1234}")
        run.step(.executionTimedOut)
        #expect(run.news() == ["start", "+a 1", "interrupt a"])
        run.succeed("a")
        #expect(run.news() == ["-a 1 cancelled", "error", "finish failed"])
        guard case .error(let message, _, _) = run.bodies.last else { return #expect(Bool(false)) }
        #expect(message == "the execution took longer than limits.timeout_ms (1234 ms)")
    }

    @Test func `a cancel interrupts what runs and ends once it has ended`() throws {
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test}, {id: b, kind: test}, {id: c, kind: test}]\nedges: [{from: a, to: c}]")
        run.step(.cancel)
        #expect(run.news() == ["start", "+a 1", "+b 1", "interrupt a", "interrupt b"])
        run.step(.cancel)
        run.step(.executionTimedOut)
        #expect(run.news() == [], "the first reason counts")
        run.succeed("a")
        run.fail("b")
        #expect(run.news() == ["-a 1 cancelled", "-b 1 cancelled", "complete cancelled", "finish cancelled"])
        run.step(.cancel)
        #expect(run.news() == [])
    }

    @Test func `a cancel between two attempts ends the execution at once`() throws {
        var run = try MachineDriver("nodes: [{id: a, kind: test, retry: {max_attempts: 2}}]")
        run.fail("a")
        run.step(.cancel)
        #expect(run.news().suffix(2) == ["complete cancelled", "finish cancelled"])
        run.retry("a")
        #expect(run.news() == [])
    }

    @Test func `a queued execution that is cancelled emits start and complete`() throws {
        var run = MachineDriver(try revision(chain))
        run.step(.begin(initialState: [:], isCancelled: true))
        #expect(run.news() == ["start", "complete cancelled", "finish cancelled"])
    }

    @Test func `a cancel that comes before the beginning holds`() throws {
        var run = MachineDriver(try revision(chain))
        run.step(.cancel)
        #expect(run.news() == [])
        run.step(.begin(initialState: [:]))
        #expect(run.news() == ["start", "complete cancelled", "finish cancelled"])
    }

    @Test func `a reducer's refusal is an error of the node`() throws {
        var run = try MachineDriver(
            "reducers: {n: sum}\ninitial_state: {n: 1}\nnodes: [{id: a, kind: test}]", initialState: ["n": 1])
        run.succeed("a", ["n": "two"])
        #expect(run.news().suffix(3) == ["-a 1 error", "complete error a", "finish error"])
        #expect(run.completion("a")?.error == "the update of \"n\" is no number, but its reducer is sum")
        #expect(run.completion("a")?.update.isEmpty == true)
    }

    @Test(arguments: [(0, "success"), (1, "error")])
    func `a state may be as large as its limit and not a byte larger`(excess: Int, status: String) throws {
        var limits = ExecutionLimits()
        limits.stateBytesMax = 1_000
        var run = try MachineDriver(chain, initialState: ["first": "1234"], limits: limits)
        let room = 1_000 - #"{"first":"1234","k":""}"#.utf8.count
        run.succeed("a", ["k": JSONText(String(repeating: "x", count: room + excess))])
        #expect(run.news().contains("-a 1 \(status) →b"))
        if excess > 0 {
            #expect(
                run.completion("a")?.error?.contains("1001 bytes, more than executions.state_bytes_max (1000)") == true)
        }
    }

    @Test func `an update may replace what is large without being counted twice`() throws {
        var limits = ExecutionLimits()
        limits.stateBytesMax = 1_000
        let large = JSONText(String(repeating: "x", count: 900))
        var run = try MachineDriver(chain, initialState: ["k": large], limits: limits)
        run.succeed("a", ["k": large])
        #expect(run.news().last == "+b 1")
    }

    @Test func `the limit of a state is 16 MiB unless configured`() {
        #expect(ExecutionLimits().stateBytesMax == 16 << 20)
    }

    @Test func `a flood of output is cut with a word about it`() throws {
        var limits = ExecutionLimits()
        limits.outputBytesMax = 99
        var run = try MachineDriver(
            "nodes: [{id: a, kind: test, retry: {max_attempts: 2, delay_ms: 0}}]", limits: limits)
        for _ in 0..<5 { run.output("a", "1234") }
        #expect(
            run.news() == [
                "start", "+a 1", #"a log "1234""#, #"a log "1234""#, #"a log "1234""#,
                #"a log "output beyond 99 bytes is dropped""#,
            ])
        run.fail("a")
        run.retry("a")
        run.output("a", "again")
        #expect(run.news().last == #"a log "again""#, "each attempt has its own measure")
    }

    @Test func `output belongs to the attempt that runs`() throws {
        var run = try MachineDriver("nodes: [{id: a, kind: test, retry: {max_attempts: 2, delay_ms: 0}}]")
        run.step(.nodeOutput(rank: 0, attempt: 2, channel: "log", data: 1))
        run.fail("a")
        run.step(.nodeOutput(rank: 0, attempt: 1, channel: "log", data: 1))
        run.retry("a")
        run.step(.nodeOutput(rank: 0, attempt: 1, channel: "log", data: 1))
        #expect(!run.lines.contains { $0.hasPrefix("a log") })
    }

    @Test func `a graph of 10,000 nodes that stand alone runs and can be cancelled`() throws {
        var run = MachineDriver(
            try manyNodes(10_000, isChain: false, extra: #","limits":{"max_parallel_nodes":10000}"#))
        run.step(.begin(initialState: [:]))
        #expect(run.news().count == 10_001)
        for index in 0..<5_000 { run.succeed("n\(index)") }
        run.step(.cancel)
        #expect(run.news().count == 10_000)
        for index in 5_000..<10_000 { run.succeed("n\(index)") }
        #expect(run.news().suffix(3) == ["-n9999 1 cancelled", "complete cancelled", "finish cancelled"])
    }
}
