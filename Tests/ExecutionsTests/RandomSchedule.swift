import Executions
import Graphs
import JSON

/// Runs a scenario on a clock of its own, with everything that may happen next happening in an order drawn from a seed.
struct RandomSchedule {
    enum Stop {
        case none, cancel, timeout
        /// The daemon dies, at any moment and any number of times; what was stored is all that the next one knows.
        case crashes
    }

    private let scenario: RandomScenario
    private var machine: RunMachine
    private var random: SeededGenerator
    private var now: UInt64
    private enum Pending {
        case input(RunMachine.Input)
        case answer(rank: Int, Answer)
    }

    private var pending: [Pending] = []
    private var hanging: [Int: RunMachine.Start] = [:]
    private var stopAfter: Int?
    private let stop: Stop
    private let takeover: Takeover
    private(set) var violations: [String] = []

    private(set) var events: [EventRecord.Body] = []
    /// By place in `events`: what came with them.
    private(set) var states: [State?] = []
    /// By place in `events`: microseconds.
    private(set) var times: [Int64] = []
    /// By rank: the input state of each attempt.
    private(set) var inputs: [Int: [JSONText]] = [:]
    private(set) var finished: [ExecutionStatus] = []
    /// By rank: attempts that a crash has cut off.
    private(set) var interruptions: [Int: Int] = [:]
    /// How many events there were when the execution was told to stop.
    private(set) var eventsBeforeStop: Int?

    init(_ scenario: RandomScenario, seed: UInt64, stop: Stop = .none, takeover: Takeover = Takeover()) {
        self.takeover = takeover
        self.scenario = scenario
        self.stop = stop
        machine = RunMachine(revision: scenario.revision)
        random = SeededGenerator(seed: mix(scenario.seed, seed))
        now = UInt64.random(in: 0...1_000_000_000, using: &random)
        if stop == .cancel || stop == .timeout {
            stopAfter = Int.random(in: 0...2 * scenario.graph.nodes.count, using: &random)
        }
    }

    var records: [EventRecord] {
        zip(events, times).map { EventRecord(timestampMicroseconds: $1, body: $0) }
    }

    mutating func run(initialState: JSONObject? = nil) {
        step(.begin(initialState: initialState ?? scenario.initialState, takeover: takeover))
        var steps = 0
        while true {
            if let due = stopAfter, steps >= due, eventsBeforeStop == nil, finished.isEmpty {
                eventsBeforeStop = events.count
                step(stop == .cancel ? .cancel : .executionTimedOut)
            }
            if stop == .crashes, finished.isEmpty, random.oneIn(6) { crash() }
            guard !pending.isEmpty else { break }
            switch pending.remove(at: Int.random(in: pending.indices, using: &random)) {
            case .input(let input):
                if random.oneIn(8) { disturb(after: input) }
                step(input)
            case .answer(let rank, let answer): take(answer, rank)
            }
            steps += 1
        }
        // Whatever still comes after the end changes nothing.
        for input in [.cancel, .executionTimedOut, .retryDue(rank: 0)] as [RunMachine.Input] { step(input) }
    }

    /// A new machine goes on after what was stored, which may be some events short of what has happened.
    private mutating func crash() {
        let lost = min(Int.random(in: 0...3, using: &random), events.count - 1)
        events.removeLast(random.oneIn(2) ? lost : 0)
        times.removeLast(times.count - events.count)
        states.removeLast(states.count - events.count)
        pending = []
        hanging = [:]
        machine = RunMachine(revision: scenario.revision)
        for (event, time) in zip(events, times) { machine.restore(event, elapsedMicroseconds: time - times[0]) }
        let story = EventRules.story(of: events, in: scenario.graph)
        interruptions = story.interruptions
        // The time of the step that follows is drawn here, so that waits can be told how long they have lasted.
        now += UInt64.random(in: 0...50_000_000, using: &random)
        let elapsed = Int64(now / 1000) - times[0]
        step(
            .resume(Resumption(attempt: story.starts + 1, elapsedMicroseconds: elapsed, takeover: takeover)),
            after: 0)
    }

    /// Whoever answers may do so twice.
    private mutating func take(_ answer: Answer, _ rank: Int) {
        now += UInt64.random(in: 0...50_000_000, using: &random)
        for _ in 0..<(random.oneIn(4) ? 2 : 1) {
            let count = events.count
            let verdict = machine.take(answer, rank: rank, at: now)
            goOn()
            if verdict != .taken, events.count != count { violations.append("an answer that does not count is told") }
        }
    }

    /// When a node's next attempt is due, by the record of the one before; microseconds.
    private func due(_ rank: Int) -> Int64? {
        for (event, time) in zip(events, times).reversed() {
            guard case .nodeComplete(let completion) = event, completion.rank == rank else { continue }
            return completion.notes?.retryDelayMilliseconds.map { time + $0 * 1000 }
        }
        return nil
    }

    private mutating func checkRetry(_ rank: Int, afterMilliseconds: Int64) {
        guard let due = due(rank) else { return violations.append("a retry of \(rank) without a time in the log") }
        let left = max(due - Int64(now / 1000), 0)
        if abs(afterMilliseconds * 1000 - left) > 1000 {
            violations.append("\(rank) waits \(afterMilliseconds) ms, though \(left) µs are left")
        }
    }

    /// Nothing is judged whose verdict is in the log.
    private mutating func check(_ order: JudgeOrder) {
        let hasEnded = events.contains {
            if case .nodeComplete(let completion) = $0 {
                completion.rank == order.rank && !completion.willRetry
            } else {
                false
            }
        }
        if hasEnded { violations.append("the edges of \(order.rank) are judged again") }
    }

    /// The same input a second time, or one that comes too late or too early.
    private mutating func disturb(after input: RunMachine.Input) {
        switch input {
        case .nodeEnded(let rank, let attempt, _):
            step(.nodeOutput(rank: rank, attempt: attempt, channel: "log", data: "line"))
            step(.nodeOutput(rank: rank, attempt: attempt + 1, channel: "log", data: "of no attempt"))
            step(.nodeEnded(rank: rank, attempt: attempt - 1, .success(update: ["stale": true])))
            step(.nodeTimedOut(rank: rank, attempt: attempt - 1))
        case .retryDue(let rank):
            step(.nodeEnded(rank: rank, attempt: 1, .success(update: ["stale": true])))
        default: break
        }
    }

    private mutating func step(_ input: RunMachine.Input, after nanoseconds: UInt64? = nil) {
        now += nanoseconds ?? UInt64.random(in: 0...50_000_000, using: &random)
        machine.step(input, at: now)
        goOn()
    }

    private mutating func goOn() {
        perform()
        while let start = machine.nextStart(at: now) {
            perform()
            begin(start)
        }
    }

    private mutating func begin(_ start: RunMachine.Start) {
        let input = start.state.text
        inputs[start.rank, default: []].append(input)
        let tries = tries(start)
        let node = scenario.graph.nodes[start.rank]
        if node.asks { return ask(start) }
        if node.parks {
            machine.step(.nodeParked(rank: start.rank, attempt: start.attempt), at: now)
            perform()
        }
        switch scenario.attempt(tries, ofRank: start.rank, input: input) {
        case .success(let update): end(start, .success(update: update))
        case .failure: end(start, .failure(NodeFailure("failed", details: ["rank": JSONText(start.rank)])))
        case .hangs:
            hanging[start.rank] = start
            pending.append(.input(.nodeTimedOut(rank: start.rank, attempt: start.attempt)))
        }
    }

    private func tries(_ start: RunMachine.Start) -> Int {
        start.attempt - interruptions[start.rank, default: 0]
    }

    private mutating func ask(_ start: RunMachine.Start) {
        pending.append(.input(.nodeAsked(rank: start.rank, attempt: start.attempt, data: "?")))
    }

    /// Those whom it asks answer, or nobody does; after a crash, those who have answered before do so again.
    private mutating func awaitAnswer(_ rank: Int, _ attempt: Int) {
        guard let input = inputs[rank]?.last else { return violations.append("\(rank) asks and never began") }
        switch scenario.decision(attempt, ofRank: rank, input: input) {
        case .deadline: pending.append(.input(.deadlinePassed(rank: rank, attempt: attempt, atMicroseconds: 0)))
        case .refusal: pending.append(.answer(rank: rank, Answer(approved: false)))
        case .approval:
            let required = scenario.revision.bodies[rank].approval?.required ?? 1
            for voter in 0..<required {
                pending.append(.answer(rank: rank, Answer(approved: true, voter: "voter \(voter)")))
            }
        }
    }

    private mutating func end(_ start: RunMachine.Start, _ outcome: NodeOutcome) {
        pending.append(.input(.nodeEnded(rank: start.rank, attempt: start.attempt, outcome)))
    }

    private mutating func perform() {
        let effects = machine.effects
        machine.effectsWereTaken()
        for effect in effects {
            switch effect {
            case .emit(let body, let state):
                events.append(body)
                states.append(state)
                times.append(Int64(now / 1000))
            case .scheduleRetry(let rank, let delay):
                checkRetry(rank, afterMilliseconds: delay)
                pending.append(.input(.retryDue(rank: rank)))
            case .park(let start, _):
                if scenario.graph.nodes[start.rank].asks { ask(start) } else { end(start, .success(update: [:])) }
            case .awaitAnswer(let rank, let attempt, _): awaitAnswer(rank, attempt)
            case .judge(let order):
                check(order)
                pending.append(.input(.judged(rank: order.rank, order.verdicts(scenario.revision))))
            case .dismissJudgement(let rank):
                pending.removeAll { if case .input(.judged(rank, _)) = $0 { true } else { false } }
            case .armTimeout, .disarmTimeout: break
            case .finish(let status): finished.append(status)
            case .interrupt(let rank):
                guard let start = hanging.removeValue(forKey: rank) else { continue }
                // An interrupted node may still say that all went well.
                end(start, random.oneIn(2) ? .success(update: ["late": true]) : .failure(NodeFailure("interrupted")))
            }
        }
    }
}
