import Graphs
import JSON
import Testing

@testable import Executions

/// A tree of one node whose worker hosts a graph, told word by word.
struct Host {
    private(set) var tree: ExecutionTree
    private(set) var records: [EventRecord] = []
    private var now: UInt64 = 1_000_000
    private(set) var isInterrupted = false
    private(set) var rests = 0
    private(set) var callsGoneOn = 0
    static let graph = try? revision("nodes: [{ id: g, kind: test }]")

    private(set) var left: [ThreadCheckpoint] = []

    init(_ takeover: Takeover = Takeover(), isInThread: Bool = false) throws {
        tree = ExecutionTree(revision: try #require(Self.graph))
        tree.keepsThread = isInThread
        step(.inScope(0, .begin(initialState: ["n": 0], takeover: takeover)))
        _ = tree.nextStart(at: now)
        perform()
    }

    /// The daemon has died.
    mutating func restart() throws {
        tree = ExecutionTree(revision: try #require(Self.graph))
        rests = 0
        let first = try #require(records.first).timestampMicroseconds
        for record in records {
            try tree.restore(record, elapsedMicroseconds: record.timestampMicroseconds - first, graphs: nil)
        }
        let elapsed = Int64(now / 1000) - first
        tree.resume(Resumption(attempt: 2, elapsedMicroseconds: elapsed), at: now)
        perform()
        _ = tree.nextStart(at: now)
        perform()
    }

    mutating func passes(seconds: UInt64) { now += seconds * 1_000_000_000 }

    /// How often clients are told that it begins.
    var starts: Int { records.count { $0.body.isStart } }

    mutating func begins(
        _ index: Int, _ tasks: [(id: String, name: String)], around: String? = nil, channels: JSONObject = [:]
    ) {
        let starts = tasks.map { HostedTaskStart(id: $0.id, name: $0.name, input: ["n": 1]) }
        say(
            .step(
                around: around, index: index, starts,
                kept: HostedKept(space: "", content: ["head": JSONText(index), "channels": JSONText(channels)])))
    }

    mutating func ends(_ task: String) {
        say(.ended(task: task, .success(update: ["by": JSONText(task)], output: [:])))
    }

    mutating func asks(_ task: String) { say(.asked(task: task, prompt: "?", schema: .null)) }

    mutating func answers(_ name: String) -> AnswerVerdict {
        let asking = tree.hosted.values.first?.tasks.first { $0.value.name == name && $0.value.isAsking }
        guard let ref = asking?.key else { return .notWaiting }
        let verdict = tree.take(Answer(approved: true), ref, at: now)
        perform()
        return verdict
    }

    mutating func cancels() { step(.inScope(0, .cancel)) }

    mutating func say(_ news: HostedNews) {
        step(.hosted(NodeRef(scope: 0, rank: 0), attempt: tree.root.attempt(ofRank: 0), news))
    }

    mutating func ends(_ outcome: NodeOutcome = .success(update: [:])) {
        step(.inScope(0, .nodeEnded(rank: 0, attempt: tree.root.attempt(ofRank: 0), outcome)))
    }

    private mutating func step(_ input: ExecutionTree.Input) {
        now += 1000
        tree.step(input, at: now)
        perform()
    }

    private mutating func perform() {
        var all = tree.effects
        tree.effectsWereTaken()
        all += tree.root.effects.map { .inScope(0, $0) }
        while !tree.root.effects.isEmpty { tree.root.effectsWereTaken() }
        for case .rest in all { rests += 1 }
        for case .keepThread(let checkpoint) in all { left.append(checkpoint) }
        for case .inScope(let scope, let effect) in all {
            if case .park = effect { callsGoneOn += 1 }
            if case .emit(let body, _) = effect {
                records.append(EventRecord(timestampMicroseconds: Int64(now / 1000), scope: scope, body: body))
            }
            if case .interrupt = effect { isInterrupted = true }
        }
    }

    /// What clients see of it, in short: `+g/1/a`, `-g/1/a success`.
    func story() throws -> [String] {
        var renderer = EventRenderer(
            executionID: ExecutionID(high: 0, low: 1), revision: try #require(Self.graph), detail: .full)
        return try records.compactMap { record in
            var bytes = ByteWriter()
            var json = ByteWriter()
            record.encode(to: &bytes)
            try bytes.withUnsafeBytes { bytes throws in try renderer.render(bytes, to: &json) }
            let event = try JSONText(parsing: json.bytes)
            let path = (event["path"]?.array ?? []).map { $0.string ?? "\($0)" } + [event["node_id"]?.string ?? ""]
            switch event["type"]?.string {
            case "node_start": return "+" + path.joined(separator: "/") + " \(event["attempt"] ?? .null)"
            case "node_complete": return "-" + path.joined(separator: "/") + " \(event["status"]?.string ?? "")"
            default: return nil
            }
        }
    }

    /// Of its node.
    var end: NodeCompletion? {
        for case .nodeComplete(let end) in records.filter({ $0.scope == 0 }).map(\.body) { return end }
        return nil
    }

    var error: String? { end?.error }
}

struct HostingTests {
    @Test func `steps tasks and graphs within tasks have their paths`() throws {
        var host = try Host()
        host.begins(1, [("1", "a"), ("2", "a"), ("3", "b")])
        host.begins(1, [("4", "inner")], around: "2")
        for task in ["4", "2", "1", "3"] { host.ends(task) }
        host.begins(2, [("5", "a")])
        host.ends("5")
        host.ends()
        #expect(
            try host.story() == [
                "+g 1", "+g/1/a/0/a 1", "+g/1/a/1/a 1", "+g/1/b 1", "+g/1/a/1/a/1/inner 1",
                "-g/1/a/1/a/1/inner success", "-g/1/a/1/a success", "-g/1/a/0/a success", "-g/1/b success", "+g/2/a 1",
                "-g/2/a success", "-g success",
            ])
        #expect(host.tree.hosted.isEmpty && host.tree.hosts.isEmpty)
    }

    @Test func `what runs when the node ends is cancelled before`() throws {
        var host = try Host()
        host.begins(1, [("1", "a"), ("2", "b")])
        host.ends("1")
        host.ends(.failure(NodeFailure("broken")))
        #expect(
            try host.story() == ["+g 1", "+g/1/a 1", "+g/1/b 1", "-g/1/a success", "-g/1/b cancelled", "-g error"])
    }

    @Test func `a task begins once however often it is told`() throws {
        var host = try Host()
        host.begins(1, [("1", "a")])
        host.begins(1, [("1", "a")])
        host.ends("1")
        host.begins(1, [("1", "a")])
        #expect(try host.story() == ["+g 1", "+g/1/a 1", "-g/1/a success"])
        #expect(!host.isInterrupted)
    }

    @Test func `a task that comes to an open step is shown there`() throws {
        var host = try Host()
        host.begins(0, [("1", "flow")])
        host.begins(0, [("2", "call")])
        host.begins(0, [("3", "call")])
        #expect(try host.story() == ["+g 1", "+g/0/flow 1", "+g/0/call 1", "+g/0/call/1/call 1"])
    }

    @Test(
        arguments: [
            .ended(task: "nobody", .success(update: [:], output: [:])),
            .output(task: "nobody", channel: "chunk", "x"),
            .step(around: "nobody", index: 1, [HostedTaskStart(id: "9", name: "a", input: [:])]),
            .step(
                around: nil, index: 1,
                (0...HostedRuns.tasksMax).map { HostedTaskStart(id: "i\($0)", name: "n\($0)", input: [:]) }),
            .fault(.hosted("lies")),
        ] as [HostedNews])
    func `a worker that lies fails its node`(news: HostedNews) throws {
        var host = try Host()
        host.begins(1, [("1", "a")])
        host.say(news)
        #expect(host.isInterrupted)
        // Nothing that it says counts any more.
        host.ends("1")
        host.ends()
        #expect(try host.story() == ["+g 1", "+g/1/a 1", "-g/1/a cancelled", "-g error"])
        #expect(host.error?.hasPrefix("the worker keeps to no rule: ") == true)
    }

    @Test func `a task ends once`() throws {
        var host = try Host()
        host.begins(1, [("1", "a")])
        host.ends("1")
        host.ends("1")
        #expect(host.isInterrupted)
    }

    @Test func `what had ended in a step is not begun again after a restart`() throws {
        var host = try Host()
        host.begins(1, [("1", "a"), ("2", "a"), ("3", "b")])
        host.ends("1")
        host.ends("3")
        try host.restart()
        host.begins(1, [("x", "a"), ("y", "a"), ("z", "b")])
        host.ends("y")
        host.begins(2, [("v", "c")])
        host.ends("v")
        host.ends()
        #expect(
            try host.story() == [
                "+g 1", "+g/1/a/0/a 1", "+g/1/a/1/a 1", "+g/1/b 1", "-g/1/a/0/a success", "-g/1/b success", "+g 2",
                "+g/1/a/1/a 2", "-g/1/a/1/a success", "+g/2/c 1", "-g/2/c success", "-g success",
            ])
    }

    @Test func `a node goes on once all that its tasks ask is answered`() throws {
        var host = try Host()
        host.begins(1, [("1", "a"), ("2", "b")])
        host.asks("1")
        host.asks("2")
        host.ends()
        #expect(host.tree.onlyWaits && host.rests == 1)
        let verdicts = [host.answers("a"), host.answers("a")]
        #expect(verdicts == [.taken, .notWaiting])
        #expect(host.callsGoneOn == 0)
        let last = host.answers("b")
        #expect(last == .taken && host.callsGoneOn == 1)
        let kept = try #require(host.tree.kept(for: NodeRef(scope: 0, rank: 0)))
        #expect(kept["answers"]?["1"]?["values"]?.array?.count == 1)
        host.begins(1, [("1", "a"), ("2", "b")])
        host.ends("1")
        host.ends("2")
        host.ends()
        #expect(
            try host.story() == [
                "+g 1", "+g/1/a 1", "+g/1/b 1", "-g/1/a success", "-g/1/b success", "-g success",
            ])
    }

    @Test func `what waits for answers is interrupted by no restart`() throws {
        var host = try Host()
        host.begins(1, [("1", "a"), ("2", "b"), ("3", "c")])
        host.begins(1, [("4", "inner")], around: "3")
        host.asks("1")
        host.ends("2")
        host.asks("4")
        let before = host.answers("a")
        try host.restart()
        #expect(host.tree.onlyWaits && host.rests == 1 && host.starts == 1)
        let last = host.answers("inner")
        #expect([before, last] == [.taken, .taken] && host.callsGoneOn == 1)
        let kept = try #require(host.tree.kept(for: NodeRef(scope: 0, rank: 0)))
        #expect(kept["answers"]?["4"]?["values"]?.array?.count == 1)
        #expect(kept["answers"]?["1"]?["values"]?.array?.count == 1)
        host.begins(1, [("1", "a"), ("2", "b"), ("3", "c")])
        host.begins(1, [("4", "inner")], around: "3")
        for task in ["4", "1", "3"] { host.ends(task) }
        host.ends()
        #expect(
            try host.story() == [
                "+g 1", "+g/1/a 1", "+g/1/b 1", "+g/1/c 1", "+g/1/c/1/inner 1", "-g/1/b success",
                "-g/1/c/1/inner success", "-g/1/a success", "-g/1/c success", "-g success",
            ])
    }

    @Test func `what ran beside a question is interrupted by a restart, and asks no second time`() throws {
        var host = try Host()
        host.begins(1, [("1", "a"), ("2", "b")])
        host.asks("1")
        try host.restart()
        #expect(host.starts == 2 && host.rests == 0)
        host.begins(1, [("1", "a"), ("2", "b")])
        host.asks("1")
        host.ends("2")
        host.ends()
        #expect(host.rests == 1)
        #expect(try host.story() == ["+g 1", "+g/1/a 1", "+g/1/b 1", "+g 2", "+g/1/b 2", "-g/1/b success"])
    }

    @Test func `a second restart finds what went on behind its answers interrupted`() throws {
        var host = try Host()
        host.begins(1, [("1", "a"), ("2", "b")])
        host.asks("1")
        host.asks("2")
        _ = [host.answers("a"), host.answers("b")]
        try host.restart()
        #expect(host.starts == 2 && host.rests == 0)
        let kept = try #require(host.tree.kept(for: NodeRef(scope: 0, rank: 0)))
        #expect(kept["answers"]?.object?.count == 2)
    }

    @Test func `the time for which people are waited for is no time of the node, across restarts too`() throws {
        var host = try Host()
        host.begins(1, [("1", "a")])
        host.asks("1")
        host.ends()
        host.passes(seconds: 10)
        try host.restart()
        host.passes(seconds: 20)
        _ = host.answers("a")
        host.ends("1")
        host.ends()
        let end = try #require(host.end)
        #expect(end.notes?.waitMicroseconds ?? 0 > 29_990_000 && end.durationMicroseconds < 10_000)
        #expect(end.queueMicroseconds < 10_000)
    }

    @Test func `a node that waits for an answer ends with the execution`() throws {
        var host = try Host()
        host.begins(1, [("1", "a")])
        host.asks("1")
        host.ends()
        host.cancels()
        #expect(host.isInterrupted)
        host.ends(.failure(NodeFailure("cancelled")))
        #expect(try host.story() == ["+g 1", "+g/1/a 1", "-g/1/a cancelled", "-g cancelled"])
    }
}
