import Executions
import Graphs
import JSON

/// `approval`: asks people, and goes on with what they decide.
struct ApprovalKind: NodeKind {
    static let requiredMax = 100
    /// Ten years.
    static let deadlineMillisecondsMax = 3650 * 24 * 60 * 60 * 1000

    let name = "approval"
    let title = "Approval"
    let summary = """
        Asks people, and goes on with what they decide: `{into: {"approved", "data", "by", "comment", "at"}}`, those of the \
        answer that decided. Waits without a thread and without memory, across restarts. Answered by \
        `POST /api/executions/{id}/nodes/{node_id}/resolve`; `GET /api/approvals` lists what waits.
        """
    let runsCode = false

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "prompt": [
                "type": "string", "minLength": 1, "title": "Prompt",
                "description": "What is asked. May hold Lua expressions over the state: `Pay {{ state.sum }} €?`",
            ],
            "schema": [
                "type": ["object", "boolean"], "title": "Schema of the data",
                "description": """
                A JSON Schema (2020-12) of the data that comes with an answer: an approval without data that fits is \
                refused, and so is a refusal with data that does not. `$ref` within the schema only.
                """,
            ],
            "required": [
                "type": "integer", "minimum": 1, "maximum": JSONText(requiredMax), "default": 1, "title": "Required",
                "description": "How many must approve; each token counts once. One refusal decides.",
            ],
            "exclude_starter": [
                "type": "boolean", "default": false, "title": "Not the starter",
                "description": "Whether the token that started the execution may not answer. Needs tokens.",
            ],
            "deadline_ms": [
                "type": "integer", "minimum": 1, "maximum": JSONText(deadlineMillisecondsMax), "title": "Deadline",
                "description":
                    "How long an answer is waited for, in milliseconds from the question on, across restarts.",
            ],
            "on_deadline": [
                "enum": ["fail", "reject", "approve"], "default": "fail", "title": "At the deadline",
                "description": "What becomes of it if nobody has decided by then: an error, a refusal or an approval.",
            ],
            "into": [
                "type": "string", "minLength": 1, "default": "decision", "title": "Into",
                "description": "The key of the state that takes the decision.",
            ],
        ],
        "required": ["prompt"],
        "additionalProperties": false,
    ]

    func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        guard let prompt = config["prompt"]?.string else { throw GraphFaults(pointer: "/prompt", "is missing") }
        var rules = ApprovalRules(into: JSONKey(config["into"]?.string ?? "decision"))
        rules.required = config["required"]?.double.map { Int($0) } ?? 1
        rules.excludesStarter = config["exclude_starter"]?.bool ?? false
        rules.deadlineMilliseconds = config["deadline_ms"]?.double.map { Int64($0) }
        rules.onDeadline = config["on_deadline"]?.string.flatMap { ApprovalRules.OnDeadline(rawValue: $0) } ?? .fail
        if let schema = config["schema"] { rules.schema = try compile(schema) }
        do {
            return ApprovalBody(rules: rules, prompt: try Template(prompt))
        } catch {
            throw GraphFaults(pointer: "/prompt", error.message)
        }
    }

    private func compile(_ schema: JSONText) throws(GraphFaults) -> JSONSchema {
        do {
            return try JSONSchema(schema)
        } catch {
            throw GraphFaults(pointer: "/schema" + error.pointer, error.message)
        }
    }
}

private struct ApprovalBody: NodeBody {
    let rules: ApprovalRules
    let prompt: Template

    var approval: ApprovalRules? { rules }

    func start(_ call: NodeCall) -> NodeStart {
        if let constant = prompt.constant { return .finished(.asks(Question(JSONText(constant), rules))) }
        return .waiting { [prompt, rules, state = call.state] in
            switch await prompt.render(state) {
            case .success(let text): .asks(Question(JSONText(text), rules))
            case .failure(let failure): .failure(NodeFailure("prompt: \(failure.message)", details: failure.details))
            }
        }
    }
}
