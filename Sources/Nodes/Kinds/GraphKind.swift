import Executions
import Graphs
import JSON

/// `graph`: runs another graph.
struct GraphKind: NodeKind {
    let name = "graph"
    let title = "Graph"
    let summary = """
        Runs another graph within the execution, by the revision that is current when it starts or by one that is named. Its \
        nodes show in the same events, with a path.
        """
    let runsCode = false
    let graphs: (any InnerGraphs)?

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "graph": ["type": "string", "title": "Graph", "description": "The id of the graph."],
            "revision": [
                "type": "integer", "minimum": 1, "title": "Revision",
                "description": "Without it: the one that is current when the node starts.",
            ],
            "state": [
                "type": "object", "title": "State",
                "description": """
                What the graph begins with, over its own initial state; strings may be templates. Without it: the node's \
                input state.
                """,
            ],
            "into": [
                "type": "string", "title": "Into",
                "description":
                    "The key that takes the final state of the graph. Without it, the update is what the graph changed.",
            ],
        ],
        "required": ["graph"],
        "additionalProperties": false,
    ]

    func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        guard let id = config["graph"]?.string else { throw GraphFaults(pointer: "/graph", "is missing") }
        guard GraphDocument.isID(id) else { throw GraphFaults(pointer: "/graph", "is no id of a graph") }
        let state = try config["state"].map { value throws(GraphFaults) in
            try TemplateValue(value, at: JSONPointer(["state"]))
        }
        return GraphBody(
            config: GraphBody.Config(
                id: id, revision: config["revision"]?.int, state: state,
                into: config["into"]?.string.map { JSONKey($0) }),
            graphs: graphs)
    }
}

struct GraphBody: ScopeBody {
    final class Config: Sendable {
        let id: String
        let revision: Int?
        let state: TemplateValue?
        let into: JSONKey?

        init(id: String, revision: Int?, state: TemplateValue?, into: JSONKey?) {
            self.id = id
            self.revision = revision
            self.state = state
            self.into = into
        }
    }

    let config: Config
    let graphs: (any InnerGraphs)?

    func start(_ call: NodeCall) -> NodeStart {
        .composed(GraphPlan(self, input: call.state, room: call.room), call.state)
    }

    func emptyPlan() -> any ScopePlan { GraphPlan(self, input: State()) }
}

/// One scope, and what came of it.
private struct GraphPlan: ScopePlan {
    private let body: GraphBody
    private let input: State
    private let room: ProgramRoom?
    private var revision: GraphRevision?
    private var state: JSONObject?
    private var failure: NodeFailure?
    private var update: JSONObject?

    init(_ body: GraphBody, input: State, room: ProgramRoom? = nil) {
        self.body = body
        self.input = input
        self.room = room
    }

    mutating func takeOver(_ earlier: any ScopePlan) {
        guard let earlier = earlier as? GraphPlan else { return }
        revision = earlier.revision
        update = earlier.update
        failure = earlier.failure
    }

    mutating func attemptEnded() { failure = nil }

    mutating func next(openCount: Int) -> PlanStep {
        if let failure { return .failed(failure) }
        if let update { return .done(update: update) }
        if openCount > 0 { return .wait }
        guard let revision else { return find() }
        guard let template = body.config.state else {
            return .open(draft(revision, ScopeState(hasInput: true)))
        }
        guard let state else { return render(template) }
        return .open(draft(revision, ScopeState(hasInput: false, values: state)))
    }

    private func draft(_ revision: GraphRevision, _ state: ScopeState) -> ScopeDraft {
        ScopeDraft(
            index: nil, revision: revision,
            topology: .revision(graphID: revision.identity.id, number: revision.identity.revision), state: state)
    }

    private mutating func find() -> PlanStep {
        let id = body.config.id
        guard let graphs = body.graphs else { return .failed(NodeFailure("there are no other graphs here")) }
        let current = graphs.current(id)
        guard let number = body.config.revision, number != current?.identity.revision else {
            guard let current else { return .failed(NodeFailure("there is no graph \(id)")) }
            revision = current
            return next(openCount: 0)
        }
        return .work { await graphs.find(number, of: id).map { $0 as any Sendable } }
    }

    private mutating func render(_ template: TemplateValue) -> PlanStep {
        switch Rendering(template, over: input, in: room).first() {
        case .value(let value):
            state = value.object ?? [:]
            return next(openCount: 0)
        case .failed(let failure): return .failed(failure)
        case .goesOn(let rest): return .work { await rest().map { $0 as any Sendable } }
        }
    }

    mutating func learned(_ news: Result<any Sendable, NodeFailure>) {
        switch news {
        case .success(let found as GraphRevision): revision = found
        case .success(let value as JSONText): state = value.object ?? [:]
        case .success: preconditionFailure("a plan learns what it asked for")
        case .failure(let failure): self.failure = failure
        }
    }

    func conclude(_ end: ScopeEnd) -> ScopeConclusion {
        if body.config.into != nil { return .value(end.final.text) }
        return .value(JSONText(end.changes(for: input.reducers)))
    }

    mutating func opened(_ opening: ScopeOpening, _ revision: GraphRevision) { self.revision = revision }

    mutating func closed(_ closing: ScopeClosing) {
        switch closing.status {
        case .success:
            let value = closing.value ?? .emptyObject
            update = body.config.into.map { [$0: value] } ?? value.object ?? [:]
        default: failure = closing.failure ?? NodeFailure("cancelled")
        }
    }
}

extension ScopeEnd {
    /// What an enclosing node contributes: of a key that has a reducer there, what the inner nodes gave to it; of any other one
    /// the value that it ended with.
    func changes(for reducers: [JSONKey: Reducer]) -> JSONObject {
        var changes = changes
        for key in changes.keys where reducers[key] == nil { changes[key] = final[key] }
        return changes
    }
}
