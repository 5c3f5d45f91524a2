// Random graphs whose nodes and conditions are pure functions of a seed, so that every schedule of one scenario must lead
// to the same result. Updates and verdicts depend on the whole state that they see: one wrong byte shows in the end.

import Executions
import Graphs
import JSON

struct RandomScenario: Sendable {
    enum Attempt {
        case success(JSONObject)
        case failure
        /// It ends only when it is interrupted.
        case hangs
    }

    let seed: UInt64
    let revision: GraphRevision
    let initialState: JSONObject
    private let document: [UInt8]

    var graph: Graph { revision.graph }
    /// Whether the failure of a node may end the execution, which makes the result depend on the schedule.
    var mayStop: Bool { graph.nodes.contains { $0.onError == .stop } }

    init(seed: UInt64, hasReducers: Bool = true) throws {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        let isLarge = random.oneIn(500)
        let small = min(Int.random(in: 1...12, using: &random), Int.random(in: 2...12, using: &random))
        let count = isLarge ? Int.random(in: 80...140, using: &random) : small
        document = RandomDocument.text(nodes: count, hasReducers: hasReducers, &random)
        revision = try compile(document, seed)
        initialState = random.oneIn(2) ? [:] : ["k0": 1, "list": ["initial"], "sum": 100]
    }

    /// The same graph, whose nodes and conditions come to other results.
    func changed(by salt: UInt64) throws -> RandomScenario {
        try RandomScenario(mix(seed, salt), document, initialState)
    }

    private init(_ seed: UInt64, _ document: [UInt8], _ initialState: JSONObject) throws {
        self.seed = seed
        self.document = document
        self.initialState = initialState
        revision = try compile(document, seed)
    }

    /// What those whom a node asks say, as a function of the state that it gets.
    enum Decision {
        case approval, refusal
        case deadline(ApprovalRules.OnDeadline)
    }

    func decision(_ attempt: Int, ofRank rank: Int, input: JSONText) -> Decision {
        var random = self.random(attempt, rank, input)
        if let approval = revision.bodies[rank].approval, random.oneIn(3) { return .deadline(approval.onDeadline) }
        return random.oneIn(3) ? .refusal : .approval
    }

    private func random(_ attempt: Int, _ rank: Int, _ input: JSONText) -> SeededGenerator {
        SeededGenerator(seed: mix(mix(seed, UInt64(rank)), mix(UInt64(attempt), stableHash(input.bytes))))
    }

    private func decided(_ decision: Decision) -> Attempt {
        switch decision {
        case .deadline(.fail): .failure
        case .approval, .deadline(.approve): .success(["decision": Answer(approved: true).value])
        case .refusal, .deadline(.reject): .success(["decision": Answer(approved: false).value])
        }
    }

    /// What an attempt of a node does, as a function of the state that it gets.
    func attempt(_ attempt: Int, ofRank rank: Int, input: JSONText) -> Attempt {
        if graph.nodes[rank].asks { return decided(decision(attempt, ofRank: rank, input: input)) }
        if graph.nodes[rank].parks { return .success([:]) }
        var random = random(attempt, rank, input)
        if random.oneIn(5) { return .failure }
        if graph.nodes[rank].timeoutMilliseconds != nil, random.oneIn(3) { return .hangs }
        var update = JSONObject()
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let number = JSONText(Int.random(in: 0...99, using: &random))
            switch Int.random(in: 0..<8, using: &random) {
            case 0: update["list"] = random.oneIn(2) ? [number, number] : number
            case 1: update["sum"] = random.oneIn(12) ? "none" : number
            case 2: update["least"] = random.oneIn(12) ? .null : number
            case 3: update["most"] = random.oneIn(12) ? true : number
            case 4: update["object"] = [random.oneIn(2) ? "a" : "b": random.oneIn(3) ? .null : number]
            default: update[JSONKey("k\(Int.random(in: 0..<4, using: &random))")] = number
            }
        }
        return .success(update)
    }
}

private func compile(_ document: [UInt8], _ seed: UInt64) throws -> GraphRevision {
    try revision(document, .json, body: body, condition: { RandomCondition(seed: mix(seed, UInt64($0.documentIndex))) })
}

/// Approvals of all sorts.
private func body(_ node: GraphNode) -> any NodeBody {
    guard node.asks else { return NoBody() }
    return AskingBody { rules in
        rules.required = node.config["required"]?.int ?? 1
        rules.deadlineMilliseconds = 1_000
        rules.onDeadline = node.config["on_deadline"]?.string.flatMap { .init(rawValue: $0) } ?? .fail
    }
}

/// Judges by all that it sees.
struct RandomCondition: QuickCondition {
    let seed: UInt64
    var readsNodes: Bool { seed % 3 == 0 }

    func evaluate(_ scope: ConditionScope) -> Result<Bool, NodeFailure> {
        var nodes: [String: (NodeStatus, JSONObject)] = [:]
        for (id, node) in scope.nodes.all { nodes[id] = (node.status, node.update) }
        return verdict(state: scope.state.text, nodes: nodes)
    }

    func verdict(state: JSONText, nodes: [String: (NodeStatus, JSONObject)]) -> Result<Bool, NodeFailure> {
        var hash = mix(seed, stableHash(state.bytes))
        if readsNodes {
            for (id, node) in nodes.sorted(by: { $0.key < $1.key }) {
                hash = mix(hash, stableHash(Array("\(id) \(node.0) \(node.1)".utf8)))
            }
        }
        switch hash % 8 {
        case 0: return .failure(NodeFailure("broken \(hash)"))
        case 1, 2: return .success(false)
        default: return .success(true)
        }
    }
}

private enum RandomDocument {
    private static let reducers =
        #","reducers":{"list":"append","sum":"sum","least":"min","most":"max","object":"merge","k3":"replace"}"#

    static func text(nodes count: Int, hasReducers: Bool, _ random: inout SeededGenerator) -> [UInt8] {
        let order = Array(0..<count).shuffled(using: &random)
        let stops = random.oneIn(6)
        let nodes = (0..<count).map { node($0, stops: stops, &random) }
        var edges: [String] = []
        let density = UInt64.random(in: 1...6, using: &random)
        for to in 1..<max(count, 2) where to < count {
            for from in max(0, to - 8)..<to where random.oneIn(density + (count > 20 ? 3 : 0)) {
                let when = random.oneIn(3) ? #","when":"random""# : ""
                edges.append(#"{"from":"n\#(order[from])","to":"n\#(order[to])"\#(when)}"#)
            }
        }
        edges.shuffle(using: &random)
        let parallel = random.oneIn(3) ? 16 : Int.random(in: 1...3, using: &random)
        return Array(
            #"""
            {"id":"g","nodes":[\#(nodes.joined(separator: ","))],"edges":[\#(edges.joined(separator: ","))],
            "initial_state":{"ignored":true},"limits":{"max_parallel_nodes":\#(parallel),"timeout_ms":1000}
            \#(hasReducers ? reducers : "")}
            """#.utf8)
    }

    private static func node(_ index: Int, stops: Bool, _ random: inout SeededGenerator) -> String {
        if random.oneIn(8) { return #"{"id":"n\#(index)","kind":"delay"}"# }
        var node = #"{"id":"n\#(index)","kind":"test""#
        if random.oneIn(8) {
            let deadlines = ApprovalRules.OnDeadline.allCases.map(\.rawValue)
            let required = Int.random(in: 1...3, using: &random)
            node = #"{"id":"n\#(index)","kind":"approval","config":{"required":\#(required)"#
            node += #","on_deadline":"\#(deadlines.randomElement(using: &random)!)"}"#
        }
        let policies = stops ? ["continue", "skip", "stop"] : ["continue", "skip"]
        node += #","on_error":"\#(policies.randomElement(using: &random)!)""#
        if random.oneIn(3) { node += #","timeout_ms":50"# }
        if random.oneIn(3) {
            node += #","retry":{"max_attempts":\#(Int.random(in: 1...4, using: &random)),"delay_ms":10,"backoff":3.0}"#
        }
        return node + "}"
    }
}
