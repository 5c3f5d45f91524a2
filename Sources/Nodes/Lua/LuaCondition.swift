import Executions

/// The `when` of an edge.
struct LuaCondition: EdgeCondition {
    private let program: LuaProgram

    var readsNodes: Bool { program.mentionsNodes }

    init(_ source: String) throws(LuaSyntaxError) {
        program = try LuaProgram.expression(source, name: "when")
    }

    func begin(_ scope: ConditionScope, budgetNanoseconds: UInt64) -> any ConditionRun {
        var limits = LuaLimits.expression
        limits.cpuNanoseconds = max(min(budgetNanoseconds, limits.cpuNanoseconds), 1_000_000)
        return LuaConditionRun(
            run: LuaRun(program, .truth, limits, LuaScope(state: scope.state, nodes: scope.nodes)))
    }
}

private struct LuaConditionRun: ConditionRun {
    let run: LuaRun

    var cpuNanoseconds: UInt64 { run.cpuNanoseconds }

    func step(sliceNanoseconds: UInt64) -> ConditionStep {
        // Zero means none.
        switch run.step(sliceNanoseconds: max(sliceNanoseconds, 1)) {
        case .finished(let bytes): .finished(!bytes.isEmpty)
        case .failed(let failure): .failed(failure)
        case .yielded: .yielded
        }
    }
}
