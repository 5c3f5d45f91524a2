import Executions
import Graphs
import JSON

/// Kinds, `test` above all, whose config may be anything; conditions are judged by the tests themselves.
struct TestVocabulary: NodeVocabulary {
    private static let anything: ConfigSchema = {
        do {
            return try ConfigSchema(["type": "object"])
        } catch {
            fatalError("\(error)")
        }
    }()

    /// `delay` and `approval` are names that the engine knows: they wait; and `map`, in which nodes may stand.
    var kindNames: [String] { ["test", "delay", "approval", "map"] }
    func schema(ofKind name: String) -> ConfigSchema? { kindNames.contains(name) ? Self.anything : nil }
    func faults(inConfig config: JSONObject, ofKind name: String, files: GraphFiles) -> [GraphFault] { [] }
    func fault(inCondition source: String) -> String? { nil }
}

/// A body for tests that drive the machine by hand, where no body ever runs.
struct NoBody: NodeBody {
    func start(_ call: NodeCall) -> NodeStart { .finished(.success(update: [:])) }
}

/// A body that asks, for tests that drive the machine by hand.
struct AskingBody: NodeBody {
    var approval: ApprovalRules?

    init(_ change: (inout ApprovalRules) -> Void = { _ in }) {
        var rules = ApprovalRules(into: "decision")
        change(&rules)
        approval = rules
    }

    func start(_ call: NodeCall) -> NodeStart {
        guard let approval else { preconditionFailure("a body that asks has rules") }
        return .finished(.asks(Question(JSONText("\(call.nodeID)?"), approval)))
    }
}

struct ClosureBody: NodeBody {
    var onlyComputes = false
    let run: @Sendable (NodeCall) -> NodeStart
    func start(_ call: NodeCall) -> NodeStart { run(call) }
}

/// A condition that is judged in one go.
protocol QuickCondition: EdgeCondition {
    func evaluate(_ scope: ConditionScope) -> Result<Bool, NodeFailure>
}

extension QuickCondition {
    func begin(_ scope: ConditionScope, budgetNanoseconds: UInt64) -> any ConditionRun {
        QuickConditionRun(verdict: evaluate(scope))
    }
}

private struct QuickConditionRun: ConditionRun {
    let verdict: Result<Bool, NodeFailure>
    let cpuNanoseconds: UInt64 = 0

    func step(sliceNanoseconds: UInt64) -> ConditionStep {
        switch verdict {
        case .success(let isTrue): .finished(isTrue)
        case .failure(let failure): .failed(failure)
        }
    }
}

struct ClosureCondition: QuickCondition {
    var readsNodes = false
    let judge: @Sendable (ConditionScope) -> Result<Bool, NodeFailure>
    func evaluate(_ scope: ConditionScope) -> Result<Bool, NodeFailure> { judge(scope) }
}

/// The conditions that directed tests write: `true`, `false`, `broken`, and `has:key` on the state.
struct WordCondition: QuickCondition {
    let word: String
    var readsNodes: Bool { word.hasPrefix("nodes:") }

    func evaluate(_ scope: ConditionScope) -> Result<Bool, NodeFailure> {
        switch word {
        case "true": .success(true)
        case "false": .success(false)
        case let word where word.hasPrefix("has:"): .success(scope.state[JSONKey(String(word.dropFirst(4)))] != nil)
        case let word where word.hasPrefix("nodes:"):
            .success(scope.nodes.all.map(\.id).sorted().joined(separator: ",") == word.dropFirst(6))
        default: .failure(NodeFailure("no such word", details: ["line": 1]))
        }
    }
}

/// Makes a revision of a document in YAML; `id: g` is put before it.
func revision(
    _ document: String, body: (GraphNode) -> any NodeBody = { _ in NoBody() },
    condition: (Graph.Edge) -> any EdgeCondition = { WordCondition(word: $0.when ?? "") }
) throws -> GraphRevision {
    try revision(Array(("id: g\n" + document).utf8), .yaml, body: body, condition: condition)
}

func revision(
    _ document: [UInt8], _ format: GraphFormat, body: (GraphNode) -> any NodeBody = { _ in NoBody() },
    condition: (Graph.Edge) -> any EdgeCondition = { WordCondition(word: $0.when ?? "") }
) throws -> GraphRevision {
    let content = try Graph.parse(document, format: format, vocabulary: TestVocabulary(), files: GraphFiles())
    let graph = content.graph
    return GraphRevision(
        graph: graph,
        identity: GraphIdentity(id: graph.document.id, revision: 7, files: content.files, folder: nil),
        createdAtMicroseconds: 0, bodies: graph.nodes.map(body),
        conditions: graph.edges.map { $0.when == nil ? nil : condition($0) })
}

/// A chain `n0 → n1 → …`, or with `isChain` false as many nodes that stand alone.
func manyNodes(
    _ count: Int, isChain: Bool, extra: String = "", body: (GraphNode) -> any NodeBody = { _ in NoBody() }
) throws -> GraphRevision {
    let nodes = (0..<count).map { #"{"id":"n\#($0)","kind":"test"}"# }.joined(separator: ",")
    let edges =
        isChain ? (1..<max(count, 1)).map { #"{"from":"n\#($0 - 1)","to":"n\#($0)"}"# }.joined(separator: ",") : ""
    let document = #"{"id":"g","nodes":[\#(nodes)],"edges":[\#(edges)]\#(extra)}"#
    return try revision(Array(document.utf8), .json, body: body)
}
