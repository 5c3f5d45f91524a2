import JSON
import Testing

@testable import Graphs

@Suite struct DocumentSchemaTests {
    private let schema = DocumentSchema(Kinds()).json

    private func keys(_ pointer: String) throws -> [String] {
        let place = try JSONPointer(parsing: pointer)
        return schema[place]?.object?.keys.map(\.string) ?? []
    }

    @Test func `it has the keys that the reader knows, and no others`() throws {
        #expect(try keys("/properties") == documentKeys.map(\.string))
        #expect(try keys("/properties/limits/properties") == limitKeys.map(\.string))
        #expect(try keys("/$defs/node/properties") == nodeKeys.map(\.string))
        #expect(try keys("/$defs/node/properties/retry/properties") == retryKeys.map(\.string))
        #expect(try keys("/$defs/node/properties/position/properties") == positionKeys.map(\.string))
        #expect(try keys("/$defs/edge/properties") == edgeKeys.map(\.string))
    }

    @Test(arguments: [
        "/properties", "/properties/limits/properties", "/$defs/node/properties", "/$defs/edge/properties",
    ])
    func `it says something of each key`(pointer: String) throws {
        let members = try #require(schema[try JSONPointer(parsing: pointer)]?.object)
        for (key, value) in members { #expect(value["type"] != nil, "\(key)") }
    }

    @Test func `each kind stands there with its own schema, and says whether it needs a config`() throws {
        #expect(
            try keys("/$defs") == ["node", "edge", "config_delay", "config_process", "config_python", "config_noop"])
        let conditions = schema["$defs"]?["node"]?["allOf"]?.array ?? []
        let needing = conditions.filter { $0["then"]?["required"] != nil }.map {
            $0["if"]?["properties"]?["kind"]?["const"]?.string
        }
        #expect(needing == ["delay", "process", "python"])
    }

    @Test func `what is for Python is for Python`() throws {
        let conditions = schema["$defs"]?["node"]?["allOf"]?.array ?? []
        #expect(conditions.map { $0["then"]?["properties"]?["python"]?.bool } == [false, false, nil, false])
    }

    @Test func `a document may say which schema it goes by`() throws {
        #expect(faults(##"{"$schema": "x", "id": "g", "nodes": [{"id": "a", "kind": "noop"}]}"##, .json) == [])
        #expect(
            faults("{$schema: 1, id: g, nodes: [{id: a, kind: noop}]}") == ["/$schema: must be a string, not a number"])
    }
}
