import JSON
import Testing

@testable import Graphs

/// Schemas of people's own making. What they share with the configs of kinds is tested there (ConfigSchemaTests).
@Suite struct JSONSchemaTests {
    private func faults(_ value: String, _ schema: String) throws -> [String] {
        try JSONSchema(JSONText(parsing: schema)).faults(in: JSONText(parsing: value))
            .map { "\($0.pointer): \($0.message)" }
    }

    @Test(arguments: [
        ("[1,\"a\",true]", #"{"prefixItems":[{"type":"integer"},{"type":"string"}]}"#),
        ("[1,2]", #"{"prefixItems":[{"type":"integer"}],"items":{"type":"integer"}}"#),
        ("\"2026-01\"", #"{"pattern":"^\\d{4}-\\d\\d$"}"#), ("0.3", #"{"multipleOf":0.1}"#),
        ("9", #"{"multipleOf":3}"#),
        ("[1,2]", #"{"uniqueItems":true}"#), ("[\"1\",1]", #"{"uniqueItems":true}"#),
        ("[1,\"a\"]", #"{"contains":{"type":"string"}}"#), ("[]", #"{"contains":{"type":"string"},"minContains":0}"#),
        ("5", #"{"allOf":[{"minimum":1},{"maximum":9}]}"#), ("5", #"{"not":{"type":"string"}}"#),
        (#"{"kind":"a","a":1}"#, #"{"if":{"properties":{"kind":{"const":"a"}}},"then":{"required":["a"]}}"#),
        (#"{"kind":"b"}"#, #"{"if":{"properties":{"kind":{"const":"a"}}},"then":{"required":["a"]}}"#),
        (#"{"x-1":"a"}"#, #"{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}"#),
        (#"{"ab":1}"#, #"{"propertyNames":{"maxLength":2}}"#), ("1", #"{"enum":[1,2],"const":1}"#),
        (#"{"next":{"next":null}}"#, ##"{"properties":{"next":{"anyOf":[{"type":"null"},{"$ref":"#"}]}}}"##),
        (#"{"n":1}"#, ##"{"$defs":{"n/a":{"type":"integer"}},"properties":{"n":{"$ref":"#/$defs/n~1a"}}}"##),
        (#"{"n":1}"#, ##"{"$defs":{"a b":{"type":"integer"}},"properties":{"n":{"$ref":"#/$defs/a%20b"}}}"##),
        ("1", #"{"$id":"https://example.org/x","x-ui":{"widget":"slider"},"format":"email","readOnly":true}"#),
    ])
    func `a fit has no fault`(value: String, schema: String) throws {
        #expect(try faults(value, schema) == [])
    }

    @Test(arguments: [
        ("[\"a\"]", #"{"prefixItems":[{"type":"integer"}]}"#, "/0: must be a whole number, not a string"),
        ("[1,2]", #"{"prefixItems":[{}],"items":false}"#, "/1: is not allowed here"),
        ("\"x\"", #"{"pattern":"^\\d+$"}"#, ": must match the pattern ^\\d+$"),
        ("10", #"{"multipleOf":3}"#, ": must be a multiple of 3, not 10"),
        ("[1,{\"a\":1},1.0]", #"{"uniqueItems":true}"#, "/2: must not be there twice"),
        ("[\"a\",\"a\"]", #"{"uniqueItems":true}"#, "/1: must not be there twice"),
        ("[1]", #"{"contains":{"type":"string"}}"#, ": must have at least 1 item that are a string, has 0"),
        ("0", #"{"allOf":[{"minimum":1},{"minimum":2}]}"#, ": must be a number ≥ 1, not 0"),
        ("\"a\"", #"{"not":{"type":"string"}}"#, ": must not be a string"),
        (
            #"{"kind":"a"}"#, #"{"if":{"properties":{"kind":{"const":"a"}}},"then":{"required":["a"]}}"#,
            ": `a` is missing"
        ),
        ("{}", #"{"if":{"required":["a"]},"then":true,"else":{"required":["b"]}}"#, ": `b` is missing"),
        (#"{"x-1":1}"#, #"{"patternProperties":{"^x-":{"type":"string"}}}"#, "/x-1: must be a string, not a number"),
        (
            #"{"abc":1}"#, #"{"propertyNames":{"title":"two letters","maxLength":2}}"#,
            "/abc: must have a name that is two letters"
        ),
        (#"{"a":1}"#, #"{"dependentSchemas":{"a":{"required":["b"]}}}"#, ": `b` is missing"),
        (
            #"{"list":[{"n":"x"}]}"#,
            ##"{"$defs":{"item":{"properties":{"n":{"type":"number"}}}},"properties":{"list":{"items":{"$ref":"#/$defs/item"}}}}"##,
            "/list/0/n: must be a number, not a string"
        ),
    ])
    func `a misfit is told by pointer`(value: String, schema: String, expected: String) throws {
        #expect(try faults(value, schema).first == expected)
    }

    @Test(arguments: [
        ("[]", "", "a schema is an object or a boolean"), (#"{"type":"text"}"#, "/type", "`text` is not a type"),
        (
            #"{"unevaluatedProperties":false}"#, "/unevaluatedProperties",
            "the keyword `unevaluatedProperties` is not supported"
        ),
        (##"{"$ref":"#/$defs/none"}"##, "", "there is nothing at /$defs/none, where a $ref leads"),
        (#"{"$ref":"other.json"}"#, "/$ref", "must be # and a JSON Pointer: other documents are not read"),
        (
            #"{"properties":{"a":{"pattern":"("}}}"#, "/properties/a/pattern",
            "the pattern ( has a ( without ) behind it"
        ),
        (#"{"multipleOf":0}"#, "/multipleOf", "must be greater than 0"),
    ])
    func `a schema that cannot be checked is refused`(schema: String, pointer: String, message: String) throws {
        let json = try JSONText(parsing: schema)
        #expect(throws: ConfigSchemaError(pointer: pointer, message: message)) { try JSONSchema(json) }
    }

    @Test func `a schema that refers to itself without end ends`() throws {
        #expect(try faults("1", ##"{"$ref":"#"}"##).first == ": is too much to check against its schema")
        let loop = ##"{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"}"##
        #expect(try !faults("1", loop).isEmpty)
    }

    @Test func `a check is bounded, whatever the schema and the value are`() throws {
        var schema = #"{"type":"string"}"#
        for _ in 0..<30 {
            schema = #"{"anyOf":[\#(schema),{"allOf":[\#(schema.count < 4000 ? schema : "true"),false]}]}"#
        }
        #expect(try !faults("[1]", schema).isEmpty)
        let many = "[\((0..<3_000).map { "{\"n\":\($0)}" }.joined(separator: ","))]"
        _ = try faults(many, #"{"uniqueItems":true}"#)
        let text = "\"\(String(repeating: "a", count: 1 << 20))\""
        _ = try faults(text, #"{"allOf":[{"pattern":"(a{900}){5}b"},{"pattern":"(a{900}){5}c"}]}"#)
    }
}
