import Executions
import Graphs
import JSON

/// `set`: constants, and values made from the state by templates.
struct SetKind: NodeKind {
    let name = "set"
    let title = "Set"
    let summary = "Writes values to the state, constant ones or made from what is there."
    let runsCode = false

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "values": [
                "type": "object", "title": "Values",
                "description": """
                The keys to write and their values, any JSON. A string may hold Lua expressions over the state: \
                `Dear {{ state.name }}`. One that is a single expression and nothing else keeps the type of its value: \
                `{{ state.count + 1 }}` is a number. In longer strings nil is empty, and all but strings is written as \
                JSON. `\\{{` stands for a plain `{{`.
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
        return SetBody(values: members)
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
    var onlyComputes: Bool { true }

    func start(_ call: NodeCall) -> NodeStart {
        var budget = LuaBudget(.expression)
        var update = JSONObject()
        for (key, value) in values {
            do {
                update[key] = try value.evaluate(call.state, &budget)
            } catch {
                return .finished(.failure(NodeFailure("\(key): \(error.message)", details: error.details)))
            }
        }
        return .finished(.success(update: update))
    }
}

/// A JSON value whose strings may be templates.
indirect enum TemplateValue: Sendable {
    case constant(JSONText)
    case template(Template)
    case array([TemplateValue])
    case object([(JSONKey, TemplateValue)])

    /// Whatever holds no expression becomes a constant, as it was written.
    init(_ value: JSONText, at place: JSONPointer) throws(GraphFaults) {
        switch value.kind {
        case .string: self = try Self.string(value, at: place)
        case .array: self = try Self.array(value, at: place)
        case .object: self = try Self.object(value, at: place)
        case .number, .bool, .null: self = .constant(value)
        }
    }

    var constant: JSONText? {
        if case .constant(let value) = self { value } else { nil }
    }

    func evaluate(_ state: State, _ budget: inout LuaBudget) throws(NodeFailure) -> JSONText {
        switch self {
        case .constant(let value): return value
        case .template(let template): return try template.value(state, &budget).get()
        case .array(let elements):
            var values: [JSONText] = []
            for element in elements { values.append(try element.evaluate(state, &budget)) }
            return JSONText(array: values)
        case .object(let members):
            var object = JSONObject()
            for (key, value) in members { object[key] = try value.evaluate(state, &budget) }
            return JSONText(object)
        }
    }

    private static func string(_ value: JSONText, at place: JSONPointer) throws(GraphFaults) -> Self {
        guard let text = value.string, text.utf8.contains(UInt8(ascii: "{")) else { return .constant(value) }
        do {
            let template = try Template(text)
            return template.constant.map { .constant(JSONText($0)) } ?? .template(template)
        } catch {
            throw GraphFaults(pointer: place.description, error.message)
        }
    }

    private static func array(_ value: JSONText, at place: JSONPointer) throws(GraphFaults) -> Self {
        var elements: [TemplateValue] = []
        for (index, element) in (value.array ?? []).enumerated() {
            elements.append(try TemplateValue(element, at: JSONPointer(place.tokens + [String(index)])))
        }
        let constants = elements.compactMap(\.constant)
        return constants.count == elements.count ? .constant(JSONText(array: constants)) : .array(elements)
    }

    private static func object(_ value: JSONText, at place: JSONPointer) throws(GraphFaults) -> Self {
        var members: [(JSONKey, TemplateValue)] = []
        for (key, member) in value.object ?? [:] {
            members.append((key, try TemplateValue(member, at: JSONPointer(place.tokens + [key.string]))))
        }
        let constants = members.compactMap { key, value in value.constant.map { (key, $0) } }
        return constants.count == members.count ? .constant(value) : .object(members)
    }
}
