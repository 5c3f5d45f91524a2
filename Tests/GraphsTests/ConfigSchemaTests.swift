import JSON
import Testing

@testable import Graphs

@Suite struct ConfigSchemaTests {
    private func faults(_ config: String, _ schema: String) throws -> [String] {
        let config = try JSONObject(parsing: Array(config.utf8))
        return try ConfigSchema(JSONText(parsing: schema)).faults(in: config).map { "\($0.pointer): \($0.message)" }
    }

    /// The faults of `{"v": value}` against a schema for `v`.
    private func faults(of value: String, _ schema: String) throws -> [String] {
        try faults("{\"v\":\(value)}", "{\"properties\":{\"v\":\(schema)}}")
    }

    @Test(arguments: [
        ("1", #"{"type":"string"}"#, "must be a string, not a number"),
        ("\"a\"", #"{"type":"integer","minimum":1}"#, "must be a whole number ≥ 1, not a string"),
        ("0", #"{"type":"integer","minimum":1}"#, "must be a whole number ≥ 1, not 0"),
        ("1.5", #"{"type":"integer"}"#, "must be a whole number, not 1.5"),
        ("101", #"{"type":"integer","minimum":1,"maximum":100}"#, "must be a whole number from 1 to 100, not 101"),
        ("0", #"{"type":"number","exclusiveMinimum":0}"#, "must be a number > 0, not 0"),
        ("1", #"{"type":"number","exclusiveMaximum":1,"minimum":0.5}"#, "must be a number ≥ 0.5 and < 1, not 1"),
        ("3", #"{"maximum":2}"#, "must be a number ≤ 2, not 3"),
        ("1e400", #"{"type":"number"}"#, "is too large a number"),
        ("null", #"{"type":["string","array"]}"#, "must be a string or a list, not null"),
        ("[]", #"{"type":"boolean"}"#, "must be true or false, not a list"),
        ("true", #"{"type":"null"}"#, "must be null, not true"),
        ("{}", #"{"type":"array"}"#, "must be a list, not an object"),
        ("\"\"", #"{"minLength":1}"#, "must not be empty"),
        ("\"a\"", #"{"minLength":2}"#, "must have at least 2 characters, has 1"),
        ("\"😀😀\"", #"{"maxLength":1}"#, "must have at most 1 character, has 2"),
        ("[]", #"{"minItems":1}"#, "must not be empty"),
        ("[1]", #"{"minItems":2,"maxItems":2}"#, "must have exactly 2 items, has 1"),
        ("[1,2,3]", #"{"minItems":1,"maxItems":2}"#, "must have 1 to 2 items, has 3"),
        ("{}", #"{"minProperties":1}"#, "must have at least 1 member, has 0"),
        ("\"stat\"", #"{"enum":["state","none"]}"#, #"must be one of "state", "none"; did you mean `state`?"#),
        ("2", #"{"const":1}"#, "must be 1"),
        ("1", "false", "is not allowed here"),
    ])
    func `a misfit is told in words`(value: String, schema: String, expected: String) throws {
        #expect(try faults(of: value, schema) == ["/v: \(expected)"])
    }

    @Test(arguments: [
        ("1", #"{"type":"integer","minimum":1,"maximum":1}"#), ("1.0", #"{"type":"integer"}"#),
        ("1e2", #"{"type":"integer"}"#), ("123456789012345678901", #"{"type":"integer"}"#),
        ("1", #"{"type":"number"}"#), ("0.1", #"{"type":"number","exclusiveMinimum":0}"#),
        ("\"😀\"", #"{"minLength":1,"maxLength":1}"#), ("[1,2]", #"{"minItems":2,"maxItems":2}"#),
        ("{\"b\":1.0,\"a\":2}", #"{"const":{"a":2,"b":1}}"#), ("null", #"{"enum":[1,null]}"#),
        ("1", "true"), ("1", "{}"), ("\"a\"", #"{"minimum":5,"minItems":2,"required":["x"]}"#),
        (#"{"a":1}"#, #"{"dependentRequired":{"b":["a"]}}"#),
        (#"{"x":1}"#, #"{"additionalProperties":{"type":"integer"}}"#),
    ])
    func `a fit has no fault`(value: String, schema: String) throws {
        #expect(try faults(of: value, schema) == [])
    }

    @Test func `members and items are found by pointer, in document order`() throws {
        let schema = #"""
            {"type":"object","required":["z","y"],"additionalProperties":{"type":"integer"},
             "dependentRequired":{"a/b":["c"]},
             "properties":{"a/b":{"type":"array","items":{"type":"string"}},"z":true,"y":true}}
            """#
        #expect(
            try faults(#"{"q":"x","a/b":["s",1,2],"z":0}"#, schema) == [
                ": `y` is missing", ": `a/b` needs `c` beside it", "/q: must be a whole number, not a string",
                "/a~1b/1: must be a string, not a number", "/a~1b/2: must be a string, not a number",
            ])
    }

    @Test func `an unknown key gets a suggestion`() throws {
        let schema = #"{"properties":{"command":{},"input":{}},"additionalProperties":false}"#
        #expect(
            try faults(#"{"comand":1,"other":2}"#, schema) == [
                "/comand: unknown key `comand`; did you mean `command`?", "/other: unknown key `other`",
            ])
    }

    @Test(arguments: [
        ("{}", ["must have one of: `file` · `code`"]),
        (#"{"file":"f"}"#, []),
        (#"{"file":"f","code":"c"}"#, ["must have only one of: `file` · `code`"]),
    ])
    func `exactly one of several branches must fit`(config: String, expected: [String]) throws {
        let schema = #"{"oneOf":[{"required":["file"]},{"required":["code"]}]}"#
        #expect(try faults(config, schema) == expected.map { ": " + $0 })
    }

    @Test func `the nearest branch says what it misses`() throws {
        let schema = #"""
            {"anyOf":[{"title":"an expression with a key","required":["expression","key"]},
                      {"required":["code","a","b"],"properties":{"code":{"type":"string"}}}]}
            """#
        #expect(
            try faults(#"{"expression":"1"}"#, schema) == [
                ": must have one of: an expression with a key · `code` and `a` and `b` (nearest: `key` is missing)"
            ])
        #expect(try faults(#"{"code":"","a":1,"b":2}"#, schema) == [])
    }

    @Test(arguments: [
        (#"{"properties":{"a/b":{"allOf":[]}}}"#, "/properties/a~1b/allOf", "must be a list that is not empty"),
        (#"{"items":{"$ref":"x"}}"#, "/items/$ref", "is not supported"),
        (#"{"type":"text"}"#, "/type", "`text` is not a type"),
        (#"{"type":[1]}"#, "/type", "must be a list of strings"),
        (#"{"minimum":"1"}"#, "/minimum", "must be a number"),
        (#"{"minLength":-1}"#, "/minLength", "must be a whole number ≥ 0"),
        (#"{"title":1}"#, "/title", "must be a string"),
        (#"{"required":"a"}"#, "/required", "must be a list of strings"),
        (#"{"properties":[]}"#, "/properties", "must be an object"),
        (#"{"oneOf":[]}"#, "/oneOf", "must be a list that is not empty"),
        (#"{"enum":[]}"#, "/enum", "must be a list that is not empty"),
        (#"{"items":1}"#, "/items", "a schema is an object or a boolean"),
    ])
    func `a schema that says what is not checked is refused`(schema: String, pointer: String, message: String) throws {
        let json = try JSONText(parsing: schema)
        #expect(throws: ConfigSchemaError(pointer: pointer, message: message)) { try ConfigSchema(json) }
    }

    @Test func `annotations are kept in the JSON and check nothing`() throws {
        let text =
            #"{"title":"T","description":"D","default":{},"examples":[1],"format":"uri","deprecated":true,"$comment":"c"}"#
        let schema = try ConfigSchema(JSONText(parsing: text))
        #expect(schema.json.description == text)
        #expect(schema.faults(in: ["a": 1]) == [])
    }

    @Test func `file names are found wherever the schema has them`() throws {
        let file = #"{"type":"string","format":"graph-file"}"#
        let schema = try ConfigSchema(
            JSONText(
                parsing: """
                    {"properties":{"main":\(file),"all":{"type":"array","items":\(file)}},
                     "additionalProperties":{"type":["object","string"],"properties":{"f":\(file)}},
                     "oneOf":[{"properties":{"either":\(file)},"required":["either"]},{"required":["main"]}]}
                    """))
        let config = #"{"all":["a","b"],"x/y":{"f":"c"},"main":"d","z":"no"}"#
        let names = schema.fileNames(in: try JSONObject(parsing: Array(config.utf8)))
        #expect(names.map { "\($0.pointer) \($0.name)" } == ["/main d", "/all/0 a", "/all/1 b", "/x~1y/f c"])
        #expect(schema.fileNames(in: ["either": "e"]).map(\.name) == ["e"])
    }
}
