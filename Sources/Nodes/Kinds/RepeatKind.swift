import Executions
import Graphs
import JSON

/// `repeat`: runs a graph again and again, until a condition holds.
struct RepeatKind: ScopeKind {
    static let iterationsMax = 10_000
    static let iterationsUsual = 20

    let name = "repeat"
    let title = "Repeat"
    let summary = """
        Runs a graph again and again, the state flowing from one iteration into the next, until a condition over that state \
        holds; it is judged after each iteration.
        """
    let runsCode = false
    let graphs: (any InnerGraphs)?

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "until": [
                "type": "string", "minLength": 1, "title": "Until",
                "description": "A Lua condition over `state`, such as `state.score > 0.9`.",
            ],
            "max": [
                "type": "integer", "minimum": 1, "maximum": JSONText(iterationsMax),
                "default": JSONText(iterationsUsual),
                "title": "Max", "description": "Iterations at the most.",
            ],
            "graph": ["type": "string", "title": "Graph", "description": "The id of the graph to run."],
            "nodes": [
                "type": "array", "minItems": 1, "title": "Nodes",
                "description": "The nodes to run, in place of a graph.",
            ],
            "edges": ["type": "array", "title": "Edges", "description": "The edges between those nodes."],
            "on_max": [
                "enum": ["error", "continue"], "default": "error", "title": "On max",
                "description": "What follows when the condition does not hold after the last iteration.",
            ],
        ],
        "required": ["until"],
        "additionalProperties": false,
    ]

    func compile(_ config: JSONObject, nested: GraphRevision?) throws(GraphFaults) -> any NodeBody {
        let until: LuaCondition
        do {
            until = try LuaCondition(config["until"]?.string ?? "")
        } catch {
            throw GraphFaults(pointer: "/until", error.message)
        }
        return RepeatBody(
            config: RepeatConfig(
                until: until, choice: try InnerChoice(config, nested: nested, graphs: graphs),
                iterationsMax: config["max"]?.int ?? Self.iterationsUsual,
                mayGoOn: config["on_max"]?.string == "continue"))
    }
}

/// A node's config, checked.
final class RepeatConfig: Sendable {
    let until: LuaCondition
    let choice: InnerChoice
    let iterationsMax: Int
    let mayGoOn: Bool

    init(until: LuaCondition, choice: InnerChoice, iterationsMax: Int, mayGoOn: Bool) {
        self.until = until
        self.choice = choice
        self.iterationsMax = iterationsMax
        self.mayGoOn = mayGoOn
    }
}

struct RepeatBody: ScopeBody {
    let config: RepeatConfig

    func start(_ call: NodeCall) -> NodeStart { .composed(RepeatPlan(config, PlanInput(call)), call.state) }

    func emptyPlan() -> any ScopePlan { RepeatPlan(config) }
}

/// One scope after the other.
private struct RepeatPlan: ScopePlan {
    private let config: RepeatConfig
    /// Nil for a plan that only learns what earlier daemons did.
    private let call: PlanInput?
    private var revision: GraphRevision?
    /// Iterations that have ended well.
    private var count = 0
    private var isDone = false
    /// Keys that iterations have changed, with their values now.
    private var state = JSONObject()
    /// Of keys with a reducer: what each iteration gave.
    private var given: [JSONKey: [JSONText]] = [:]
    private var failure: NodeFailure?

    init(_ config: RepeatConfig, _ call: PlanInput? = nil) {
        self.config = config
        self.call = call
    }

    mutating func takeOver(_ earlier: any ScopePlan) {
        guard let earlier = earlier as? RepeatPlan else { return }
        revision = earlier.revision
        count = earlier.count
        isDone = earlier.isDone
        state = earlier.state
        given = earlier.given
        failure = earlier.failure
    }

    mutating func attemptEnded() { failure = nil }

    mutating func next(openCount: Int) -> PlanStep {
        if let failure { return .failed(failure) }
        if openCount > 0 { return .wait }
        if isDone { return finish() }
        guard count < config.iterationsMax else {
            guard config.mayGoOn else {
                return .failed(NodeFailure("`until` did not hold after \(count) iterations"))
            }
            return finish()
        }
        guard let revision else { return find() }
        return .open(
            ScopeDraft(
                index: count, total: config.iterationsMax, revision: revision,
                topology: config.choice.topology(revision), state: ScopeState(hasInput: true, values: state)))
    }

    private mutating func find() -> PlanStep {
        switch config.choice.find() {
        case .found(let found): revision = found
        case .failed(let failure): return .failed(failure)
        case .work(let work): return .work(work)
        }
        return next(openCount: 0)
    }

    mutating func learned(_ news: Result<any Sendable, NodeFailure>) {
        switch news {
        case .success(let found as GraphRevision): revision = found
        case .success: preconditionFailure("a plan learns what it asked for")
        case .failure(let failure): self.failure = failure
        }
    }

    /// What is kept of an iteration: the verdict, the values of the keys that it changed, and what it gave to those with a
    /// reducer.
    func conclude(_ end: ScopeEnd) -> ScopeConclusion {
        let reducers = call?.state.reducers ?? [:]
        var (state, given) = (JSONObject(), JSONObject())
        for (key, value) in end.changes {
            state[key] = end.final[key]
            if reducers[key] != nil { given[key] = value }
        }
        let kept: JSONObject = ["state": JSONText(state), "given": JSONText(given)]
        let run = config.until.begin(ConditionScope(state: end.final), budgetNanoseconds: .max)
        if let result = Self.verdict(run.step(sliceNanoseconds: LuaRun.sliceNanoseconds), kept) {
            switch result {
            case .success(let value): return .value(value)
            case .failure(let failure): return .failed(failure)
            }
        }
        return .work {
            while !Task.isCancelled {
                await Task.yield()
                let step = run.step(sliceNanoseconds: LuaRun.sliceNanoseconds)
                if let result = Self.verdict(step, kept) { return result }
            }
            return .failure(NodeFailure("cancelled"))
        }
    }

    private static func verdict(_ step: ConditionStep, _ kept: JSONObject) -> Result<JSONText, NodeFailure>? {
        switch step {
        case .yielded, .waiting: return nil
        case .failed(let failure):
            return .failure(NodeFailure("until: \(failure.message)", details: failure.details))
        case .finished(let isTrue):
            var value = kept
            value["until"] = JSONText(isTrue)
            return .success(JSONText(value))
        }
    }

    mutating func opened(_ opening: ScopeOpening, _ revision: GraphRevision) { self.revision = revision }

    mutating func closed(_ closing: ScopeClosing) {
        guard closing.status == .success, let value = closing.value else {
            guard closing.status == .error else { return }
            let reason = closing.failure
            failure = NodeFailure(
                "iteration \(closing.index ?? count): \(reason?.message ?? "failed")", details: reason?.details ?? [:])
            return
        }
        count += 1
        isDone = value["until"]?.bool == true
        for (key, value) in value["state"]?.object ?? [:] { state[key] = value }
        for (key, value) in value["given"]?.object ?? [:] { given[key, default: []].append(value) }
    }

    private func finish() -> PlanStep {
        let reducers = call?.state.reducers ?? [:]
        var update = state
        for (key, values) in given {
            guard let reducer = reducers[key] else { continue }
            guard let folded = reducer.fold(values) else {
                return .failed(NodeFailure("the sum of \"\(key.string)\" is beyond all doubles"))
            }
            update[key] = folded
        }
        return .done(update: update)
    }
}
