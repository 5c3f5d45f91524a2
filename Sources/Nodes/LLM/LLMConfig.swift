import Executions
import Graphs
import JSON

/// A config of an llm node, checked.
struct LLMConfig: Sendable {
    /// Who is asked.
    struct Model: Sendable, Equatable {
        let provider: String
        let name: String
    }

    /// In the order in which they are asked.
    let models: [Model]
    let messages: TemplateValue
    let temperature: JSONText?
    let maxTokens: Int?
    let schema: (text: JSONText, compiled: JSONSchema)?
    let into: JSONKey

    init(_ config: JSONObject) throws(GraphFaults) {
        let first = Model(provider: config["provider"]?.string ?? "", name: config["model"]?.string ?? "")
        let others = (config["fallback"]?.array ?? []).map {
            Model(provider: $0["provider"]?.string ?? "", name: $0["model"]?.string ?? "")
        }
        models = [first] + others
        temperature = config["temperature"]
        maxTokens = config["max_tokens"]?.int
        into = JSONKey(config["into"]?.string ?? "answer")
        schema = try config["schema"].map { text throws(GraphFaults) in (text, try Self.compile(text)) }
        messages = try Self.messages(config)
    }

    private static func compile(_ schema: JSONText) throws(GraphFaults) -> JSONSchema {
        do {
            return try JSONSchema(schema)
        } catch {
            throw GraphFaults(pointer: "/schema" + error.pointer, error.message)
        }
    }

    private static func messages(_ config: JSONObject) throws(GraphFaults) -> TemplateValue {
        switch (config["prompt"], config["messages"]) {
        case (nil, nil): throw GraphFaults(pointer: "", "needs a prompt, or messages")
        case (_?, _?): throw GraphFaults(pointer: "/messages", "there is a prompt already")
        case (let prompt?, nil):
            var messages: [TemplateValue] = []
            if let system = config["system"] { messages.append(try message("system", system, at: "system")) }
            return .array(messages + [try message("user", prompt, at: "prompt")])
        case (nil, let messages?):
            let value = try TemplateValue(messages, at: JSONPointer(["messages"]))
            guard let system = config["system"] else { return value }
            // What a template makes is known only later.
            guard case .string = messages.kind else {
                let first = try message("system", system, at: "system")
                return .array([first] + (try elements(messages)))
            }
            throw GraphFaults(pointer: "/system", "belongs into the messages where a template makes them")
        }
    }

    private static func elements(_ messages: JSONText) throws(GraphFaults) -> [TemplateValue] {
        var elements: [TemplateValue] = []
        for (index, message) in (messages.array ?? []).enumerated() {
            elements.append(try TemplateValue(message, at: JSONPointer(["messages", String(index)])))
        }
        return elements
    }

    private static func message(
        _ role: JSONText, _ content: JSONText, at key: String
    ) throws(GraphFaults) -> TemplateValue {
        let content = try TemplateValue(content, at: JSONPointer([key]))
        let members: [(JSONKey, TemplateValue)] = [("role", .constant(role)), ("content", content)]
        return .object(members)
    }

    /// The messages of one attempt.
    func messages(over call: NodeCall) async throws(NodeFailure) -> [JSONText] {
        let rendered: JSONText
        switch Rendering(messages, over: call.state, in: call.room).first() {
        case .value(let value): rendered = value
        case .failed(let failure): throw failure
        case .goesOn(let rest): rendered = try await rest().get()
        }
        guard let messages = rendered.array, !messages.isEmpty, messages.allSatisfy({ $0["role"]?.string != nil })
        else {
            throw NodeFailure("messages: is no list of objects with a role")
        }
        return messages.map(Self.withTextContent)
    }

    /// A template that is nothing but an expression keeps its type; a model reads text.
    private static func withTextContent(_ message: JSONText) -> JSONText {
        guard var object = message.object, let content = object["content"] else { return message }
        switch content.kind {
        case .string, .array, .null: return message
        case .number, .bool, .object:
            object["content"] = JSONText(content.description)
            return JSONText(object)
        }
    }
}
