import Executions
import JSON

/// A JSON value with templates, rendered over a state: what is quick at once, the rest beside.
struct Rendering {
    enum Step {
        case value(JSONText)
        case failed(NodeFailure)
        case goesOn(@Sendable () async -> Result<JSONText, NodeFailure>)
    }

    private let value: TemplateValue
    private let scope: LuaScope

    init(_ value: TemplateValue, over state: State, in room: ProgramRoom?) {
        self.value = value
        scope = LuaScope(state: state, room: room)
    }

    /// Runs for one slice.
    func first() -> Step {
        if let constant = value.constant { return .value(constant) }
        var sequence = LuaSequence(value.items, .expression, scope)
        switch sequence.step() {
        case .yielded, .waiting: return .goesOn { [sequence, self] in result(await sequence.finish()) }
        case let end:
            switch result(end) {
            case .success(let value): return .value(value)
            case .failure(let failure): return .failed(failure)
            }
        }
    }

    private func result(_ step: LuaSequence.Step) -> Result<JSONText, NodeFailure> {
        switch step {
        case .yielded, .waiting: preconditionFailure("what has ended does not yield")
        case .failed(let failure, _): return .failure(failure)
        case .finished(let results):
            var results = results[...]
            return Result { () throws(NodeFailure) in try value.value(&results) }
        }
    }
}
