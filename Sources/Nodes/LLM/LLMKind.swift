import Executions
import Graphs
import JSON
import Synchronization

/// `llm`: asks a language model.
struct LLMKind: NodeKind {
    let name = "llm"
    let title = "Language model"
    let summary = """
        Asks a language model by OpenAI's protocol, of one of the providers under llm.providers of the configuration. What it says \
        comes on channel `chunk` as it is said; details tell the model, its usage and when the first word came.
        """
    let runsCode = false
    let settings: LLMNodeSettings
    let clock: any Clock
    /// Providers that were found to have no structured output.
    private let plain = PlainProviders()

    init(settings: LLMNodeSettings, clock: any Clock) {
        self.settings = settings
        self.clock = clock
    }

    private static let model: JSONText = [
        "type": "string", "minLength": 1, "title": "Model", "description": "As the provider calls it.",
    ]
    private static let provider: JSONText = [
        "type": "string", "minLength": 1, "title": "Provider",
        "description": "The name of one under llm.providers of the configuration.",
    ]

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "provider": provider,
            "model": model,
            "system": [
                "type": "string", "title": "System", "description": "What the model is told first. May be a template.",
            ],
            "prompt": [
                "type": "string", "title": "Prompt",
                "description": "What is asked. May hold Lua expressions over the state: `Summarize {{ state.text }}`",
            ],
            "messages": [
                "type": ["array", "string"], "title": "Messages",
                "description": """
                In place of a prompt: a list of `{"role", "content"}`, whose strings may be templates, or a template that \
                gives one.
                """,
            ],
            "temperature": [
                "type": "number", "minimum": 0, "maximum": 2, "title": "Temperature",
                "description": "How free the model is. Default: as the provider has it.",
            ],
            "max_tokens": [
                "type": "integer", "minimum": 1, "title": "Most tokens", "description": "Of one answer.",
            ],
            "schema": [
                "type": "object", "title": "Schema of the answer",
                "description": """
                A JSON Schema (2020-12): the answer is an object that fits it. One that does not is asked for once more, with \
                what is wrong with it.
                """,
            ],
            "fallback": [
                "type": "array", "title": "Fallback",
                "items": [
                    "type": "object", "properties": ["provider": provider, "model": model],
                    "required": ["provider", "model"], "additionalProperties": false,
                ],
                "description": "Who is asked when the first fails, in this order, within one attempt.",
            ],
            "into": [
                "type": "string", "minLength": 1, "default": "answer", "title": "Into",
                "description": "The key of the state that takes the answer.",
            ],
        ],
        "required": ["provider", "model"],
        "additionalProperties": false,
    ]

    func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        // Whether there is such a provider is for each host to say, not for the document.
        LLMBody(config: try LLMConfig(config), settings: settings, plain: plain, clock: clock)
    }
}

/// Providers that have refused a schema once are asked in words from then on.
final class PlainProviders: Sendable {
    private let names = Mutex<Set<String>>([])

    func contains(_ model: LLMConfig.Model) -> Bool {
        names.withLock { $0.contains("\(model.provider) \(model.name)") }
    }

    func insert(_ model: LLMConfig.Model) { _ = names.withLock { $0.insert("\(model.provider) \(model.name)") } }
}

struct LLMBody: NodeBody {
    let config: LLMConfig
    let settings: LLMNodeSettings
    let plain: PlainProviders
    let clock: any Clock

    func start(_ call: NodeCall) -> NodeStart {
        .waiting {
            do throws(NodeFailure) {
                var attempt = LLMAttempt(self, call)
                return try await attempt.run()
            } catch {
                return .failure(error)
            }
        }
    }
}
