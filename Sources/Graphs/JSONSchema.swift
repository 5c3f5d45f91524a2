import JSON

/// A JSON Schema (2020-12) of somebody's own making, ready to check values with.
///
/// Checked: `type`, `enum`, `const`; `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf`; `minLength`,
/// `maxLength`, `pattern`; `properties`, `required`, `additionalProperties`, `patternProperties`, `propertyNames`,
/// `minProperties`, `maxProperties`, `dependentRequired`, `dependentSchemas`; `items`, `prefixItems`, `contains`,
/// `minContains`, `maxContains`, `minItems`, `maxItems`, `uniqueItems`; `allOf`, `anyOf`, `oneOf`, `not`, `if`, `then`,
/// `else`; `$ref` within the schema; boolean schemas. What JSON Schema has beyond that to check is refused, what it does not
/// know is an annotation.
package struct JSONSchema: Sendable {
    /// The schema as it was written.
    package let json: JSONText
    private let root: SchemaNode
    /// By pointer.
    private let references: [String: SchemaNode]

    package init(_ json: JSONText) throws(ConfigSchemaError) {
        let document = SchemaDocument(json, isLenient: true)
        self.json = json
        root = try SchemaNode(json, at: .root, in: document)
        references = try document.resolve()
    }

    /// What in `value` does not fit, in document order, pointers relative to it; at most as many as `GraphFaults` keeps.
    package func faults(in value: JSONText) -> [GraphFault] {
        let faults = FaultCollector(SchemaRun(references))
        root.check(value, faults)
        return faults.faults.faults
    }
}

extension GraphDocument {
    /// What of the state that an execution would begin with does not fit when this is laid over the document's own; pointers
    /// are relative to it.
    package func inputFaults(over state: JSONObject) -> [GraphFault] {
        guard let inputSchema else { return [] }
        var whole = initialState
        for (key, value) in state { whole[key] = value }
        return inputSchema.faults(in: JSONText(whole))
    }
}

extension JSONSchema: Equatable {
    package static func == (one: JSONSchema, other: JSONSchema) -> Bool { one.json == other.json }
}

/// A schema while it is read: which of its parts others refer to.
final class SchemaDocument {
    /// Parts of one document that are referred to.
    private static let referencesMax = 1_000

    let isLenient: Bool
    private let json: JSONText
    private var open: [String] = []
    private var known: Set<String> = []

    init(_ json: JSONText, isLenient: Bool) {
        self.json = json
        self.isLenient = isLenient
    }

    /// - Returns: the pointer that a `$ref` stands for.
    func refer(to text: String) throws(PatternError) -> String {
        guard isLenient else { throw PatternError("is not supported") }
        guard text.hasPrefix("#"), let pointer = Self.pointer(String(text.dropFirst())) else {
            throw PatternError("must be # and a JSON Pointer: other documents are not read")
        }
        guard known.count < Self.referencesMax else {
            throw PatternError("is one of more than \(Self.referencesMax) references")
        }
        if known.insert(pointer).inserted { open.append(pointer) }
        return pointer
    }

    /// The parts that are referred to, by pointer.
    func resolve() throws(ConfigSchemaError) -> [String: SchemaNode] {
        var schemas: [String: SchemaNode] = [:]
        while let text = open.popLast() {
            guard let pointer = try? JSONPointer(parsing: text), let schema = json[pointer] else {
                throw ConfigSchemaError(pointer: "", message: "there is nothing at \(text), where a $ref leads")
            }
            schemas[text] = try SchemaNode(schema, at: pointer, in: self)
        }
        return schemas
    }

    /// A fragment may be percent-encoded.
    private static func pointer(_ fragment: String) -> String? {
        guard fragment.isEmpty || fragment.hasPrefix("/") else { return nil }
        var bytes: [UInt8] = []
        var rest = fragment.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// One check of a value: what it may still cost, and the parts that are referred to.
final class SchemaRun {
    /// Values times schemas: a tenth of a second.
    private static let stepsMax = 200_000
    private static let patternStepsMax = 10_000_000
    /// Schemas within one another: more than values can be nested, so that only one that refers to itself comes so far.
    private static let depthMax = 512

    private let references: [String: SchemaNode]
    private var stepsLeft = stepsMax
    private var patternStepsLeft = patternStepsMax
    private var depth = 0

    init(_ references: [String: SchemaNode] = [:]) {
        self.references = references
    }

    func schema(at pointer: String) -> SchemaNode? { references[pointer] }

    /// - Returns: false when there is no room for another step.
    func enter() -> Bool {
        guard stepsLeft > 0, depth < Self.depthMax else {
            // Whatever is left is not looked at any more.
            stepsLeft = 0
            return false
        }
        stepsLeft -= 1
        depth += 1
        return true
    }

    func leave() { depth -= 1 }

    /// Nil when it was too much to find out; then nothing more is looked at.
    func fits(_ text: String, _ pattern: SchemaPattern) -> Bool? {
        let result = pattern.program.matches(text, stepsLeft: &patternStepsLeft)
        if result == nil { stepsLeft = 0 }
        return result
    }

    /// The index of the first element that is there before.
    func firstRepeated(_ elements: [JSONText]) -> Int? {
        var strings: Set<JSONKey> = []
        var others: [JSONText] = []
        for (index, element) in elements.enumerated() {
            if let string = element.string {
                if !strings.insert(JSONKey(string)).inserted { return index }
                continue
            }
            stepsLeft -= others.count
            guard stepsLeft > 0 else { return nil }
            if others.contains(where: { $0.isEquivalent(to: element) }) { return index }
            others.append(element)
        }
        return nil
    }
}
