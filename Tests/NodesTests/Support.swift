import Executions
import Graphs
import JSON
import Synchronization
import Testing

@testable import Nodes

/// What a node put out, in order.
final class Outputs: Sendable {
    struct Line: Equatable, Sendable {
        let channel: String
        let data: JSONText
    }
    private let guarded = Mutex<[Line]>([])

    var lines: [Line] { guarded.withLock { $0 } }
    var output: NodeOutput { NodeOutput { channel, data in self.guarded.withLock { $0.append(Line(channel: channel, data: data)) } } }

    func data(on channel: String) -> [JSONText] { lines.filter { $0.channel == channel }.map(\.data) }
}

func state(_ object: JSONObject) -> State { State(initial: object) }

func nodeCall(
    _ object: JSONObject = [:], outputs: Outputs = Outputs(), files: GraphFiles = GraphFiles(), folder: String? = nil,
    graphID: String = "graph"
) -> NodeCall {
    NodeCall(
        executionID: ExecutionID(rowID: 1, low: 1 << 63),
        graph: GraphIdentity(id: graphID, revision: 1, files: files, folder: folder), nodeID: "node", attempt: 1,
        state: state(object), output: outputs.output)
}

extension NodeBody {
    /// Runs one attempt to its end.
    func run(_ call: NodeCall) async -> NodeOutcome {
        switch start(call) {
        case .finished(let outcome): outcome
        case .waiting(let work): await work()
        }
    }
}

extension NodeOutcome {
    var update: JSONText? {
        if case .success(let update) = self { JSONText(update) } else { nil }
    }
    var failure: NodeFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

/// What a chunk returns as JSON, or the message it fails with.
func runLua(
    _ source: String, _ object: JSONObject = [:], form: LuaForm = .json, limits: LuaLimits = .node,
    outputs: Outputs = Outputs()
) throws -> Result<String, NodeFailure> {
    let program = try LuaProgram.chunk(source, name: "code")
    let run = LuaRun(program, form, limits, LuaScope(state: state(object), output: outputs.output))
    while true {
        switch run.step(sliceMilliseconds: 5) {
        case .finished(let bytes): return .success(String(decoding: bytes, as: UTF8.self))
        case .failed(let failure): return .failure(failure)
        case .yielded: continue
        }
    }
}

extension Result where Failure == NodeFailure {
    var failure: NodeFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
    var message: String? {
        if case .failure(let failure) = self { failure.message } else { nil }
    }
}

/// Results are compared by value or message.
func == (left: Result<String, NodeFailure>, right: Result<String, NodeFailure>) -> Bool {
    switch (left, right) {
    case (.success(let left), .success(let right)): left == right
    case (.failure(let left), .failure(let right)): left.message == right.message
    default: false
    }
}
