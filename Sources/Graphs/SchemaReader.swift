import JSON

/// Reads the keywords of one schema, and knows at the end which ones nobody asked for.
struct SchemaReader {
    /// Keywords that say something to people only.
    private static let annotations: [JSONKey] = [
        "description", "default", "examples", "deprecated", "$schema", "$comment",
    ]

    private var unread: JSONObject
    private let place: JSONPointer

    init(_ object: JSONObject, at place: JSONPointer) {
        unread = object
        self.place = place
        for annotation in Self.annotations { unread.removeValue(forKey: annotation) }
    }

    /// Refuses the schema if it has a keyword that was not read.
    func finish() throws(ConfigSchemaError) {
        guard let key = unread.keys.first?.string else { return }
        throw error(key, "the keyword \(Suggestion.quoted(key)) is not supported")
    }

    mutating func string(_ keyword: String) throws(ConfigSchemaError) -> String? {
        guard let value = take(keyword) else { return nil }
        guard let string = value.string else { throw error(keyword, "must be a string") }
        return string
    }

    mutating func number(_ keyword: String) throws(ConfigSchemaError) -> Double? {
        guard let value = take(keyword) else { return nil }
        guard let number = value.double else { throw error(keyword, "must be a number") }
        return number
    }

    mutating func count(_ keyword: String) throws(ConfigSchemaError) -> Int? {
        guard let value = take(keyword) else { return nil }
        guard let count = value.int, count >= 0 else { throw error(keyword, "must be a whole number ≥ 0") }
        return count
    }

    mutating func strings(_ keyword: String) throws(ConfigSchemaError) -> [String] {
        guard let value = take(keyword) else { return [] }
        return try strings(value, keyword)
    }

    mutating func stringsByName(_ keyword: String) throws(ConfigSchemaError) -> [(name: String, needs: [String])] {
        guard let value = take(keyword) else { return [] }
        guard let object = value.object else { throw error(keyword, "must be an object") }
        var result: [(name: String, needs: [String])] = []
        for (key, value) in object { result.append((key.string, try strings(value, keyword))) }
        return result
    }

    mutating func types() throws(ConfigSchemaError) -> [SchemaNode.ValueType] {
        guard let value = take("type") else { return [] }
        var types: [SchemaNode.ValueType] = []
        let names = if let name = value.string { [name] } else { try strings(value, "type") }
        for name in names {
            guard let type = SchemaNode.ValueType(rawValue: name) else {
                throw error("type", "\(Suggestion.quoted(name)) is not a type")
            }
            types.append(type)
        }
        return types
    }

    mutating func values() throws(ConfigSchemaError) -> [JSONText]? {
        let constant = take("const")
        guard let value = take("enum") else { return constant.map { [$0] } }
        guard let values = value.array, !values.isEmpty, constant == nil else {
            throw error("enum", "must be a list that is not empty, without `const` beside it")
        }
        return values
    }

    mutating func schema(_ keyword: String) throws(ConfigSchemaError) -> SchemaNode? {
        guard let value = take(keyword) else { return nil }
        return try SchemaNode(value, at: place.appending(keyword))
    }

    mutating func schemas(_ keyword: String) throws(ConfigSchemaError) -> [SchemaNode] {
        guard let value = take(keyword) else { return [] }
        guard let elements = value.array, !elements.isEmpty else {
            throw error(keyword, "must be a list that is not empty")
        }
        var schemas: [SchemaNode] = []
        for (index, element) in elements.enumerated() {
            schemas.append(try SchemaNode(element, at: place.appending(keyword).appending(index)))
        }
        return schemas
    }

    mutating func schemasByName(_ keyword: String) throws(ConfigSchemaError) -> [(name: String, schema: SchemaNode)] {
        guard let value = take(keyword) else { return [] }
        guard let object = value.object else { throw error(keyword, "must be an object") }
        var schemas: [(name: String, schema: SchemaNode)] = []
        for (key, value) in object {
            schemas.append((key.string, try SchemaNode(value, at: place.appending(keyword).appending(key.string))))
        }
        return schemas
    }

    private mutating func take(_ keyword: String) -> JSONText? {
        unread.removeValue(forKey: JSONKey(keyword))
    }

    private func strings(_ value: JSONText, _ keyword: String) throws(ConfigSchemaError) -> [String] {
        guard let elements = value.array else { throw error(keyword, "must be a list of strings") }
        let strings = elements.compactMap(\.string)
        guard strings.count == elements.count else { throw error(keyword, "must be a list of strings") }
        return strings
    }

    private func error(_ keyword: String, _ message: String) -> ConfigSchemaError {
        ConfigSchemaError(pointer: place.appending(keyword).description, message: message)
    }
}
