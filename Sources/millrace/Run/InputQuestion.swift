import Graphs
import JSON

/// What a graph's `input_schema` says of one key of the state, as a question to a person.
struct InputQuestion: Equatable {
    /// `$ref`s that lead to each other are followed so far.
    private static let referencesMax = 16

    let key: String
    /// What the schema calls it, or says of it.
    private(set) var words: String?
    /// As JSON Schema names them; empty for any.
    private(set) var types: [String] = []
    /// The values that there are to choose from, if it says which.
    private(set) var choices: [JSONText] = []
    private(set) var defaultValue: JSONText?

    /// - Parameters:
    ///   - schema: of the key.
    ///   - root: the whole one, to which its references lead.
    init(_ key: String, _ schema: JSONText?, root: JSONText) {
        self.key = key
        guard let said = schema else { return }
        let schema = Self.resolved(said, root)
        // What stands beside a reference is said of this key, what it leads to of all that are such.
        words = [said, schema].compactMap { $0["description"]?.string ?? $0["title"]?.string }.first
        defaultValue = said["default"] ?? schema["default"]
        // What may be null as well (`Optional` in Python) is asked for as what else it may be.
        let options = schema["anyOf"]?.array ?? schema["oneOf"]?.array ?? []
        for schema in [schema] + options.map({ Self.resolved($0, root) }) {
            types += schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] } ?? []
            choices += schema["enum"]?.array ?? schema["const"].map { [$0] } ?? []
        }
    }

    private static func resolved(_ schema: JSONText, _ root: JSONText) -> JSONText {
        var schema = schema
        for _ in 0..<referencesMax {
            guard let reference = schema["$ref"]?.string, reference.hasPrefix("#"),
                let pointer = try? JSONPointer(parsing: String(reference.dropFirst())), let target = root[pointer]
            else { break }
            schema = target
        }
        return schema
    }

    /// The question in one line: `priority (low, high) [low]: `.
    var text: String {
        var text = key
        if let words, words != key { text += ", \(words)" }
        let kind =
            choices.isEmpty
            ? types.map { $0 == "string" ? "text" : $0 == "boolean" ? "yes or no" : $0 }.joined(separator: " or ")
            : choices.map(Self.shown).joined(separator: ", ")
        if !kind.isEmpty { text += " (\(kind))" }
        if let defaultValue { text += " [\(Self.shown(defaultValue))]" }
        return TerminalText.line(text) + ": "
    }

    /// The value that a line means; nil where it says nothing, or nothing that could be meant.
    func value(of line: String) -> JSONText? {
        let word = line.trimmingSpaces
        if word.isEmpty { return defaultValue }
        if let choice = choices.first(where: { Self.shown($0) == word }) { return choice }
        if choices.isEmpty, types == ["boolean"] {
            switch word.lowercased() {
            case "y", "yes", "true": return true
            case "n", "no", "false": return false
            default: return nil
            }
        }
        // A text is what was typed, whatever else it could be read as.
        if types == ["string"] { return JSONText(line) }
        return (try? JSONText(parsing: word)) ?? JSONText(line)
    }

    private static func shown(_ value: JSONText) -> String { value.string ?? value.description }
}

/// The questions that a start leaves open.
struct InputQuestions {
    private let schema: JSONSchema
    private let documentState: JSONObject

    /// - Parameter document: of the graph, as JSON; nil for one without an `input_schema`, or with one that cannot be used.
    init?(_ document: JSONText) {
        guard let json = document["input_schema"], let schema = try? JSONSchema(json) else { return nil }
        self.schema = schema
        documentState = document["initial_state"]?.object ?? [:]
    }

    /// What has to be said before an execution can begin with a state: keys that are missing, and those of which the
    /// document's own value does not fit. In the order of the schema.
    func open(over state: JSONObject) -> [InputQuestion] {
        let whole = whole(state)
        var keys = schema.json["required"]?.array?.compactMap(\.string).filter { whole[JSONKey($0)] == nil } ?? []
        for fault in schema.faults(in: JSONText(whole)) {
            guard let key = Self.key(of: fault), whole[JSONKey(key)] != nil, state[JSONKey(key)] == nil,
                !keys.contains(key)
            else { continue }
            keys.append(key)
        }
        let order = schema.json["properties"]?.object?.keys.map(\.string) ?? []
        return (order.filter { keys.contains($0) } + keys.filter { !order.contains($0) }).map { key in
            InputQuestion(key, schema.json["properties"]?[JSONKey(key)], root: schema.json)
        }
    }

    /// Why a key's value does not fit, if it does not.
    func fault(of key: String, in state: JSONObject) -> String? {
        let fault = schema.faults(in: JSONText(whole(state))).first { Self.key(of: $0) == key }
        return fault.map { $0.message }
    }

    private func whole(_ state: JSONObject) -> JSONObject {
        var whole = documentState
        for (key, value) in state { whole[key] = value }
        return whole
    }

    private static func key(of fault: GraphFault) -> String? {
        (try? JSONPointer(parsing: fault.pointer))?.tokens.first
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
