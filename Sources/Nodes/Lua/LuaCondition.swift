import Executions

/// The `when` of an edge.
struct LuaCondition: EdgeCondition {
    private let program: LuaProgram

    var readsNodes: Bool { program.mentionsNodes }

    init(_ source: String) throws(LuaSyntaxError) {
        program = try LuaProgram.expression(source, name: "when")
    }

    func evaluate(_ scope: ConditionScope) -> Result<Bool, NodeFailure> {
        let run = LuaRun(program, .truth, .expression, LuaScope(state: scope.state, nodes: scope.nodes))
        switch run.step(sliceNanoseconds: 0) {
        case .finished(let bytes): return .success(!bytes.isEmpty)
        case .failed(let failure): return .failure(failure)
        case .yielded: preconditionFailure("a run without slices does not yield")
        }
    }
}
