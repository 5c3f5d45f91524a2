import JSON

/// One schema, ready to check values with: a node of the tree that a `ConfigSchema` is.
final class SchemaNode: Sendable {
    enum ValueType: String, CaseIterable {
        case object, array, string, number, integer, boolean, null
    }

    /// False only for the schema `false`, which nothing fits.
    let isSatisfiable: Bool
    let title: String?
    let isFileName: Bool
    /// Empty if any type will do.
    let types: [ValueType]
    /// The values allowed by `enum` or `const`; nil if any will do.
    let values: [JSONText]?
    let bounds: NumberBounds
    let length: CountBounds
    let itemCount: CountBounds
    let memberCount: CountBounds
    let properties: [(name: String, schema: SchemaNode)]
    let propertyIndex: [JSONKey: Int]
    let additional: SchemaNode?
    let required: [String]
    let dependentRequired: [(name: String, needs: [String])]
    let items: SchemaNode?
    /// Of the first items.
    let prefixItems: [SchemaNode]
    let contains: SchemaNode?
    let containedCount: CountBounds
    let isUnique: Bool
    /// Where the document has another schema that holds too.
    let reference: String?
    let pattern: SchemaPattern?
    let multipleOf: Double?
    let patternProperties: [(pattern: SchemaPattern, schema: SchemaNode)]
    let propertyNames: SchemaNode?
    let dependentSchemas: [(name: String, schema: SchemaNode)]
    let allOf: [SchemaNode]
    let excluded: SchemaNode?
    let condition: SchemaNode?
    let consequence: SchemaNode?
    let alternative: SchemaNode?
    let oneOf: [SchemaNode]
    let anyOf: [SchemaNode]

    convenience init(
        _ json: JSONText, at place: JSONPointer, in document: SchemaDocument
    ) throws(ConfigSchemaError) {
        if let isSatisfiable = json.bool {
            try self.init(SchemaReader([:], at: place, in: document), isSatisfiable: isSatisfiable)
        } else if let object = json.object {
            try self.init(SchemaReader(object, at: place, in: document), isSatisfiable: true)
        } else {
            throw ConfigSchemaError(pointer: place.description, message: "a schema is an object or a boolean")
        }
    }

    private init(_ source: SchemaReader, isSatisfiable: Bool) throws(ConfigSchemaError) {
        var reader = source
        self.isSatisfiable = isSatisfiable
        title = try reader.string("title")
        isFileName = try reader.string("format") == "graph-file"
        types = try reader.types()
        values = try reader.values()
        bounds = NumberBounds(
            minimum: try reader.number("minimum"), maximum: try reader.number("maximum"),
            exclusiveMinimum: try reader.number("exclusiveMinimum"),
            exclusiveMaximum: try reader.number("exclusiveMaximum"))
        length = CountBounds(min: try reader.count("minLength"), max: try reader.count("maxLength"))
        itemCount = CountBounds(min: try reader.count("minItems"), max: try reader.count("maxItems"))
        memberCount = CountBounds(min: try reader.count("minProperties"), max: try reader.count("maxProperties"))
        properties = try reader.schemasByName("properties")
        propertyIndex = Dictionary(uniqueKeysWithValues: properties.enumerated().map { (JSONKey($1.name), $0) })
        additional = try reader.schema("additionalProperties")
        required = try reader.strings("required")
        dependentRequired = try reader.stringsByName("dependentRequired")
        items = try reader.schema("items")
        prefixItems = try reader.schemas("prefixItems")
        contains = try reader.schema("contains")
        containedCount = CountBounds(
            min: try reader.count("minContains") ?? 1, max: try reader.count("maxContains"))
        isUnique = try reader.flag("uniqueItems")
        reference = try reader.reference()
        pattern = try reader.pattern("pattern")
        multipleOf = try reader.number("multipleOf")
        patternProperties = try reader.schemasByPattern("patternProperties")
        propertyNames = try reader.schema("propertyNames")
        dependentSchemas = try reader.schemasByName("dependentSchemas")
        allOf = try reader.schemas("allOf")
        excluded = try reader.schema("not")
        condition = try reader.schema("if")
        consequence = try reader.schema("then")
        alternative = try reader.schema("else")
        oneOf = try reader.schemas("oneOf")
        anyOf = try reader.schemas("anyOf")
        if let multipleOf, multipleOf <= 0 { throw reader.error("multipleOf", "must be greater than 0") }
        try reader.finish()
    }
}

/// A regular expression, and how it was written.
struct SchemaPattern: Sendable {
    let source: String
    let program: LinearPattern
}

/// What `minimum` and its relatives allow.
struct NumberBounds {
    let minimum: Double?
    let maximum: Double?
    let exclusiveMinimum: Double?
    let exclusiveMaximum: Double?

    func allow(_ number: Double) -> Bool {
        number >= minimum ?? -.infinity && number <= maximum ?? .infinity
            && exclusiveMinimum.map { number > $0 } ?? true && exclusiveMaximum.map { number < $0 } ?? true
    }

    /// " ≥ 1", " from 1 to 100", or nothing.
    var words: String {
        if let minimum, let maximum, exclusiveMinimum == nil, exclusiveMaximum == nil {
            return " from \(Self.shown(minimum)) to \(Self.shown(maximum))"
        }
        let parts = [("≥", minimum), (">", exclusiveMinimum), ("≤", maximum), ("<", exclusiveMaximum)]
        let words = parts.compactMap { sign, bound in bound.map { "\(sign) \(Self.shown($0))" } }
        return words.isEmpty ? "" : " " + words.joined(separator: " and ")
    }

    static func shown(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
    }
}

/// What `minLength`, `maxItems` and their relatives allow.
struct CountBounds {
    let min: Int?
    let max: Int?

    func allow(_ count: Int) -> Bool {
        count >= min ?? 0 && count <= max ?? .max
    }

    /// "at least 1 item", "2 to 4 items", "exactly 2 items".
    func words(_ one: String, _ many: String) -> String {
        func counted(_ count: Int) -> String { "\(count) \(count == 1 ? one : many)" }
        return switch (min, max) {
        case (let min?, let max?) where min == max: "exactly \(counted(min))"
        case (let min?, let max?): "\(min) to \(counted(max))"
        case (let min?, nil): "at least \(counted(min))"
        case (nil, let max?): "at most \(counted(max))"
        case (nil, nil): "any number of \(many)"
        }
    }
}
