import JSON

/// Reads the keywords of one schema, and knows at the end which ones nobody asked for.
struct SchemaReader {
    /// Keywords that say something to people only.
    private static let annotations: [JSONKey] = [
        "description", "default", "examples", "deprecated", "$schema", "$comment",
    ]

    /// Those of JSON Schema that would be checked, and are not.
    private static let unsupported: [JSONKey] = [
        "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "dependencies", "additionalItems",
    ]

    private var unread: JSONObject
    private let place: JSONPointer
    private let document: SchemaDocument

    init(_ object: JSONObject, at place: JSONPointer, in document: SchemaDocument) {
        unread = object
        self.place = place
        self.document = document
        for annotation in Self.annotations { unread.removeValue(forKey: annotation) }
    }

    /// Refuses the schema if it has a keyword that was not read.
    func finish() throws(ConfigSchemaError) {
        let refused = document.isLenient ? unread.keys.first(where: Self.unsupported.contains) : unread.keys.first
        guard let key = refused?.string else { return }
        throw error(key, "the keyword \(Suggestion.quoted(key)) is not supported")
    }

    /// The schema that `$ref` names, as a pointer into the document.
    mutating func reference() throws(ConfigSchemaError) -> String? {
        guard let text = try string("$ref") else { return nil }
        do {
            return try document.refer(to: text)
        } catch {
            throw self.error("$ref", error.message)
        }
    }

    mutating func pattern(_ keyword: String) throws(ConfigSchemaError) -> SchemaPattern? {
        guard let source = try string(keyword) else { return nil }
        return try pattern(source, keyword)
    }

    mutating func schemasByPattern(_ keyword: String) throws(ConfigSchemaError) -> [(
        pattern: SchemaPattern, schema: SchemaNode
    )] {
        var schemas: [(pattern: SchemaPattern, schema: SchemaNode)] = []
        for (name, schema) in try schemasByName(keyword) { schemas.append((try pattern(name, keyword), schema)) }
        return schemas
    }

    private func pattern(_ source: String, _ keyword: String) throws(ConfigSchemaError) -> SchemaPattern {
        do {
            return SchemaPattern(source: source, program: try LinearPattern(source))
        } catch {
            throw self.error(keyword, "the pattern \(Suggestion.clipped(source)) \(error.message)")
        }
    }

    mutating func flag(_ keyword: String) throws(ConfigSchemaError) -> Bool {
        guard let value = take(keyword) else { return false }
        guard let flag = value.bool else { throw error(keyword, "must be true or false") }
        return flag
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
        guard let values = value.array, !values.isEmpty else { throw error("enum", "must be a list that is not empty") }
        guard let constant else { return values }
        return values.filter { $0.isEquivalent(to: constant) }
    }

    mutating func schema(_ keyword: String) throws(ConfigSchemaError) -> SchemaNode? {
        guard let value = take(keyword) else { return nil }
        return try SchemaNode(value, at: place.appending(keyword), in: document)
    }

    mutating func schemas(_ keyword: String) throws(ConfigSchemaError) -> [SchemaNode] {
        guard let value = take(keyword) else { return [] }
        guard let elements = value.array, !elements.isEmpty else {
            throw error(keyword, "must be a list that is not empty")
        }
        var schemas: [SchemaNode] = []
        for (index, element) in elements.enumerated() {
            schemas.append(try SchemaNode(element, at: place.appending(keyword).appending(index), in: document))
        }
        return schemas
    }

    mutating func schemasByName(_ keyword: String) throws(ConfigSchemaError) -> [(name: String, schema: SchemaNode)] {
        guard let value = take(keyword) else { return [] }
        guard let object = value.object else { throw error(keyword, "must be an object") }
        var schemas: [(name: String, schema: SchemaNode)] = []
        for (key, value) in object {
            let place = place.appending(keyword).appending(key.string)
            schemas.append((key.string, try SchemaNode(value, at: place, in: document)))
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

    func error(_ keyword: String, _ message: String) -> ConfigSchemaError {
        ConfigSchemaError(pointer: place.appending(keyword).description, message: message)
    }
}
