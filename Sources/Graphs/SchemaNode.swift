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
    let oneOf: [SchemaNode]
    let anyOf: [SchemaNode]

    convenience init(_ json: JSONText, at place: JSONPointer) throws(ConfigSchemaError) {
        if let isSatisfiable = json.bool {
            try self.init(SchemaReader([:], at: place), isSatisfiable: isSatisfiable)
        } else if let object = json.object {
            try self.init(SchemaReader(object, at: place), isSatisfiable: true)
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
        oneOf = try reader.schemas("oneOf")
        anyOf = try reader.schemas("anyOf")
        try reader.finish()
    }
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
