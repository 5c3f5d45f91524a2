import Executions
import Graphs
import JSON

/// A JSON value whose strings may be templates.
indirect enum TemplateValue: Sendable {
    case constant(JSONText)
    case template(Template)
    case array([TemplateValue])
    case object([(JSONKey, TemplateValue)])

    /// Whatever holds no expression becomes a constant, as it was written but for `\{{`, which stands for `{{`.
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

    /// What must be run for the value, in the order in which `value` takes the results.
    var items: [LuaSequence.Item] {
        switch self {
        case .constant: []
        case .template(let template): template.items
        case .array(let elements): elements.flatMap(\.items)
        case .object(let members): members.flatMap { $0.1.items }
        }
    }

    /// The value, from the results of its items, which are taken away.
    func value(_ results: inout ArraySlice<[UInt8]>) throws(NodeFailure) -> JSONText {
        switch self {
        case .constant(let value): return value
        case .template(let template): return try template.value(&results)
        case .array(let elements):
            var values: [JSONText] = []
            for element in elements { values.append(try element.value(&results)) }
            return JSONText(array: values)
        case .object(let members):
            var object = JSONObject()
            for (key, value) in members { object[key] = try value.value(&results) }
            return JSONText(object)
        }
    }

    private static func string(_ value: JSONText, at place: JSONPointer) throws(GraphFaults) -> Self {
        // What has no two braces in its text, where they may be written as escapes, stays as it was written.
        guard let text = value.string, text.utf8.contains(UInt8(ascii: "{")), text.contains("{{") else {
            return .constant(value)
        }
        do {
            let template = try Template(text)
            return template.constant.map { .constant(JSONText($0)) } ?? .template(template)
        } catch {
            throw GraphFaults(pointer: place.description, error.message)
        }
    }

    private static func array(_ value: JSONText, at place: JSONPointer) throws(GraphFaults) -> Self {
        let written = value.array ?? []
        var elements: [TemplateValue] = []
        for (index, element) in written.enumerated() {
            elements.append(try TemplateValue(element, at: JSONPointer(place.tokens + [String(index)])))
        }
        let constants = elements.compactMap(\.constant)
        guard constants.count == elements.count else { return .array(elements) }
        return .constant(constants == written ? value : JSONText(array: constants))
    }

    private static func object(_ value: JSONText, at place: JSONPointer) throws(GraphFaults) -> Self {
        let written = value.object ?? [:]
        var members: [(JSONKey, TemplateValue)] = []
        for (key, member) in written {
            members.append((key, try TemplateValue(member, at: JSONPointer(place.tokens + [key.string]))))
        }
        let constants = members.compactMap { key, value in value.constant.map { (key, $0) } }
        guard constants.count == members.count else { return .object(members) }
        let isAsWritten = zip(constants, written).allSatisfy { $0.1 == $1.value }
        return .constant(isAsWritten ? value : JSONText(JSONObject(constants)))
    }
}
