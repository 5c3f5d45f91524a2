import Executions
import Graphs
import JSON

/// `set`: constants, and values made from the state by templates.
struct SetKind: NodeKind {
    let name = "set"
    let title = "Set"
    let summary = "Writes values to the state, constant ones or made from what is there."
    let runsCode = false
    /// Of all templates of a node together.
    var limits = LuaLimits.expression

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "values": [
                "type": "object", "title": "Values",
                "description": """
                The keys to write and their values, any JSON. A string may hold Lua expressions over the state: \
                `Dear {{ state.name }}`. One that is a single expression and nothing else keeps the type of its value: \
                `{{ state.count + 1 }}` is a number. In longer strings nil is empty, and all but strings is written as \
                JSON. `\\{{` stands for a plain `{{`. null counts as false, as nil does: `{{ state.user or 'nobody' }}`; 0 \
                and "" are true. A number that an expression only hands on keeps its digits.
                """,
            ]
        ],
        "required": ["values"],
        "additionalProperties": false,
    ]

    func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        guard let values = config["values"]?.object else { throw GraphFaults(pointer: "/values", "is missing") }
        var members: [(JSONKey, TemplateValue)] = []
        for (key, value) in values {
            members.append((key, try TemplateValue(value, at: JSONPointer(["values", key.string]))))
        }
        let constants = members.compactMap { key, value in value.constant.map { (key, $0) } }
        // Of what is read from its text, the text is known.
        if constants.count == members.count, let update = JSONObject(constants).text.object {
            return ConstantBody(update: update)
        }
        return SetBody(values: members, limits: limits)
    }
}

private struct ConstantBody: NodeBody {
    let update: JSONObject
    var onlyComputes: Bool { true }
    var constantUpdate: JSONObject? { update }

    func start(_ call: NodeCall) -> NodeStart { .finished(.success(update: update)) }
}

private struct SetBody: NodeBody {
    let values: [(JSONKey, TemplateValue)]
    let limits: LuaLimits
    var onlyComputes: Bool { true }

    func start(_ call: NodeCall) -> NodeStart {
        let items = values.flatMap { $0.1.items }
        var sequence = LuaSequence(items, limits, LuaScope(state: call.state, room: call.room))
        switch sequence.step() {
        case .yielded, .waiting: return .waiting { [sequence] in outcome(of: await sequence.finish()) }
        case let end: return .finished(outcome(of: end))
        }
    }

    private func outcome(of step: LuaSequence.Step) -> NodeOutcome {
        switch step {
        case .yielded, .waiting: preconditionFailure("what has ended does not yield")
        case .failed(let failure, let item):
            return .failure(NodeFailure("\(key(ofItem: item)): \(failure.message)", details: failure.details))
        case .finished(let results):
            var results = results[...]
            var update = JSONObject()
            for (key, value) in values {
                do {
                    update[key] = try value.value(&results)
                } catch {
                    return .failure(NodeFailure("\(key): \(error.message)", details: error.details))
                }
            }
            return .success(update: update)
        }
    }

    private func key(ofItem item: Int) -> JSONKey {
        var count = 0
        for (key, value) in values {
            count += value.items.count
            if item < count { return key }
        }
        preconditionFailure("an item belongs to a value")
    }
}
