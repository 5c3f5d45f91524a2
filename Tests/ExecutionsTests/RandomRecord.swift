import Executions
import JSON

extension EventRecord {
    /// Some record of a graph of four nodes and four edges.
    static func random(using random: inout SeededGenerator) -> EventRecord {
        let time = random.oneIn(20) ? Int64.min : Int64.random(in: -1_000_000...4_000_000_000_000_000, using: &random)
        let scope = random.oneIn(2) ? 0 : Int32.random(in: 1...10_000_000, using: &random)
        return EventRecord(timestampMicroseconds: time, scope: scope, body: randomBody(&random))
    }

    private static func randomBody(_ random: inout SeededGenerator) -> Body {
        let rank = Int.random(in: 0..<4, using: &random)
        let attempt = random.oneIn(10) ? Int.max : Int.random(in: 1...300, using: &random)
        let duration = random.oneIn(10) ? Int64.max : Int64.random(in: 0...1_000_000, using: &random)
        switch Int.random(in: 0..<9, using: &random) {
        case 0: return .start(attempt: attempt, initialState: object(&random))
        case 1: return .nodeStart(rank: rank, attempt: attempt)
        case 2: return .nodeOutput(rank: rank, attempt: attempt, channel: text(&random), data: value(&random))
        case 7: return .signalled(rank: rank, attempt: attempt, answer(&random))
        case 3: return .nodeComplete(completion(rank, attempt, duration, &random))
        case 4:
            let status = [ExecutionStatus.success, .error, .cancelled].randomElement(using: &random)!
            return .complete(status, durationMicroseconds: duration, failedRanks: list(&random))
        case 5: return .scopeOpened(opening(rank, attempt, &random))
        case 6: return .scopeClosed(closing(rank, attempt, duration, &random))
        default: return .error(message: text(&random), details: object(&random), durationMicroseconds: duration)
        }
    }

    private static func opening(_ rank: Int, _ attempt: Int, _ random: inout SeededGenerator) -> ScopeOpening {
        if random.oneIn(3) { return hosted(rank, attempt, &random) }
        return ScopeOpening(
            scope: Int32.random(in: 1...Int32.max, using: &random), rank: rank, attempt: attempt,
            index: random.oneIn(2) ? nil : Int.random(in: 0...10_000_000, using: &random),
            topology: random.oneIn(2) ? .nested : .revision(graphID: text(&random), number: rank + 1),
            state: ScopeState(
                hasInput: random.oneIn(2), without: random.oneIn(2) ? [] : [JSONKey(text(&random))],
                values: object(&random)))
    }

    private static func hosted(_ rank: Int, _ attempt: Int, _ random: inout SeededGenerator) -> ScopeOpening {
        let tasks = (0..<Int.random(in: 1...3, using: &random)).map { place in
            HostedTask(name: "\(place) \(text(&random))", input: random.oneIn(2) ? nil : object(&random))
        }
        let kept = HostedKept(space: text(&random), content: random.oneIn(2) ? nil : value(&random))
        return ScopeOpening(
            scope: Int32.random(in: 1...Int32.max, using: &random), rank: rank, attempt: attempt, index: rank,
            topology: .hosted(tasks), state: ScopeState(hasInput: true, values: object(&random)),
            kept: random.oneIn(3) ? nil : kept)
    }

    private static func closing(
        _ rank: Int, _ attempt: Int, _ duration: Int64, _ random: inout SeededGenerator
    ) -> ScopeClosing {
        let failure = random.oneIn(2) ? NodeFailure(text(&random), details: object(&random)) : nil
        return ScopeClosing(
            scope: Int32.random(in: 1...Int32.max, using: &random), rank: rank, attempt: attempt,
            index: random.oneIn(2) ? nil : Int.random(in: 0...10_000_000, using: &random),
            status: NodeStatus.allCases.randomElement(using: &random)!, durationMicroseconds: duration,
            value: random.oneIn(2) ? nil : value(&random), failure: failure)
    }

    private static func answer(_ random: inout SeededGenerator) -> Answer {
        Answer(
            approved: random.oneIn(2), data: random.oneIn(2) ? value(&random) : nil,
            by: random.oneIn(2) ? text(&random) : nil, comment: random.oneIn(2) ? text(&random) : nil,
            voter: random.oneIn(2) ? text(&random) : nil,
            atMicroseconds: random.oneIn(10) ? .min : Int64.random(in: 0...4_000_000_000_000_000, using: &random))
    }

    private static func completion(
        _ rank: Int, _ attempt: Int, _ duration: Int64, _ random: inout SeededGenerator
    ) -> NodeCompletion {
        let hasError = random.oneIn(2)
        return NodeCompletion(
            rank: rank, attempt: attempt, status: NodeStatus.allCases.randomElement(using: &random)!,
            willRetry: random.oneIn(2), durationMicroseconds: duration, queueMicroseconds: duration / 3,
            update: object(&random), taken: list(&random), error: hasError ? text(&random) : nil,
            details: hasError || random.oneIn(4) ? object(&random) : [:], notes: notes(&random))
    }

    private static func notes(_ random: inout SeededGenerator) -> CompletionNotes? {
        var notes = CompletionNotes()
        if random.oneIn(3) {
            notes.broken = [BrokenEdge(edge: 3, failure: NodeFailure(text(&random), details: object(&random)))]
        }
        if random.oneIn(3) { notes.retryDelayMilliseconds = Int64.random(in: 0...10_000, using: &random) }
        if random.oneIn(3) { notes.firstStatus = .error }
        if random.oneIn(3) { notes.judgeMicroseconds = 1_234_567 }
        if random.oneIn(3) { notes.lateQueueMicroseconds = 7 }
        if random.oneIn(3) { notes.waitMicroseconds = Int64.random(in: 0...10_000, using: &random) }
        if random.oneIn(3) {
            let writes = HostedWrites(task: text(&random), content: value(&random))
            notes.hosted = HostedNotes(output: object(&random), writes: random.oneIn(2) ? nil : writes)
        }
        notes.isOversize = random.oneIn(3)
        return notes == CompletionNotes() ? nil : notes
    }

    private static func list(_ random: inout SeededGenerator) -> [Int] {
        (0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 0..<4, using: &random) }
    }

    private static func object(_ random: inout SeededGenerator) -> JSONObject {
        JSONObject((0..<Int.random(in: 0...3, using: &random)).map { _ in (JSONKey(text(&random)), value(&random)) })
    }

    private static func value(_ random: inout SeededGenerator) -> JSONText {
        let values: [JSONText] = [1, -0.5, true, .null, "", [], [:], ["a", [1]], ["key": ["nested": "deep"]]]
        return random.oneIn(3) ? JSONText(text(&random)) : values.randomElement(using: &random)!
    }

    private static func text(_ random: inout SeededGenerator) -> String {
        let texts = ["", "a", "stdout", "\"\\\u{0}\n\u{2028}", "é e\u{301} 🙂", String(repeating: "long", count: 50)]
        return texts.randomElement(using: &random)!
    }
}

extension EventRecord {
    var encoded: [UInt8] {
        var writer = ByteWriter()
        encode(to: &writer)
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws {
        self = try bytes.withUnsafeBytes { try EventRecord(decoding: $0) }
    }
}
