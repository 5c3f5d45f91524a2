import Executions
import JSON

@testable import Nodes

extension LuaLimits {
    /// For what has to do with another bound: on a busy machine a debug build takes its time.
    static let unhurried = LuaLimits(cpuMilliseconds: 60_000)
}

/// What a chunk returns, in the form asked for, or the failure that it ends with.
func runLua(
    _ source: String, _ object: JSONObject = [:], form: LuaForm = .json, limits: LuaLimits = .unhurried,
    outputs: Outputs = Outputs()
) throws -> Result<String, NodeFailure> {
    let program = try LuaProgram.chunk(source, name: "code")
    let scope = LuaScope(state: State(initial: object), output: outputs.door)
    let run = LuaRun(program, form, limits, scope)
    while true {
        let step = run.step()
        run.sendOutputs()
        switch step {
        case .finished(let bytes): return .success(String(decoding: bytes, as: UTF8.self))
        case .failed(let failure): return .failure(failure)
        case .yielded, .short: continue
        }
    }
}

extension Result where Failure == NodeFailure {
    var failure: NodeFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }

    var message: String? { failure?.message }
}

/// Results are compared by value or message.
func == (left: Result<String, NodeFailure>, right: Result<String, NodeFailure>) -> Bool {
    switch (left, right) {
    case (.success(let left), .success(let right)): left == right
    case (.failure(let left), .failure(let right)): left.message == right.message
    default: false
    }
}

extension EdgeCondition {
    /// Its verdict, however many slices it takes.
    func evaluate(_ scope: ConditionScope) -> Result<Bool, NodeFailure> {
        let run = begin(scope, budgetNanoseconds: .max)
        while true {
            switch run.step(sliceNanoseconds: 2_000_000) {
            case .finished(let isTrue): return .success(isTrue)
            case .failed(let failure): return .failure(failure)
            case .yielded, .waiting: continue
            }
        }
    }
}
