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
    private let state: State

    init(_ value: TemplateValue, over state: State) {
        self.value = value
        self.state = state
    }

    /// Runs for one slice.
    func first() -> Step {
        if let constant = value.constant { return .value(constant) }
        var sequence = LuaSequence(value.items, .expression, LuaScope(state: state))
        let step = sequence.step()
        guard case .yielded = step else {
            switch result(step) {
            case .success(let value): return .value(value)
            case .failure(let failure): return .failed(failure)
            }
        }
        return .goesOn { [sequence, self] in result(await sequence.finish()) }
    }

    private func result(_ step: LuaSequence.Step) -> Result<JSONText, NodeFailure> {
        switch step {
        case .yielded: preconditionFailure("what has ended does not yield")
        case .failed(let failure, _): return .failure(failure)
        case .finished(let results):
            var results = results[...]
            return Result { () throws(NodeFailure) in try value.value(&results) }
        }
    }
}
