import Executions
import Synchronization

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
        let scope = LuaScope(state: scope.state, nodes: scope.nodes, room: scope.room)
        return LuaConditionRun(LuaSequence([LuaSequence.Item(program: program, form: .truth)], limits, scope))
    }
}

private final class LuaConditionRun: ConditionRun {
    private let sequence: Mutex<LuaSequence>

    init(_ sequence: LuaSequence) {
        self.sequence = Mutex(sequence)
    }

    var cpuNanoseconds: UInt64 { sequence.withLock { $0.cpuNanoseconds } }

    func step(sliceNanoseconds: UInt64) -> ConditionStep {
        // Zero means none.
        switch sequence.withLock({ $0.step(sliceNanoseconds: max(sliceNanoseconds, 1)) }) {
        case .finished(let results): .finished(results.first?.isEmpty == false)
        case .failed(let failure, _): .failed(failure)
        case .yielded: .yielded
        case .waiting: .waiting
        }
    }

    func whenPossible(_ action: @escaping @Sendable () -> Void) {
        sequence.withLock { $0 }.whenPossible(action)
    }
}
