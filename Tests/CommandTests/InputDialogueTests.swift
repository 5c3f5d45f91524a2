import Graphs
import JSON
import Testing

@testable import millrace

@Suite struct InputDialogueTests {
    /// Answers the questions of a schema, line by line.
    private func ask(
        _ schema: JSONText, document: JSONObject = [:], given: JSONObject = [:], _ answers: String...
    ) throws -> (state: JSONText, said: [String]) {
        let document: JSONText = ["input_schema": schema, "initial_state": JSONText(document)]
        let questions = try #require(InputQuestions(document))
        var (rest, said) = (answers[...], [String]())
        let state = InputDialogue.complete(given, questions, readLine: { rest.popFirst() }, say: { said.append($0) })
        #expect(rest.isEmpty)
        return (JSONText(state), said)
    }

    @Test func `what is required and missing is asked for in the order of the schema`() throws {
        let schema: JSONText = [
            "type": "object", "required": ["count", "ticket", "given"],
            "properties": [
                "ticket": ["type": "string", "description": "What it is about"], "count": ["type": "integer"],
                "other": ["type": "string"], "given": ["type": "string"],
            ],
        ]
        let (state, said) = try ask(schema, given: ["given": "x"], "007", "3")
        #expect(state == ["given": "x", "ticket": "007", "count": 3])
        #expect(said == ["ticket, What it is about (text): ", "count (integer): "])
    }

    @Test func `an answer that does not fit is asked for again`() throws {
        let schema: JSONText = ["required": ["n"], "properties": ["n": ["type": "integer", "minimum": 2]]]
        let (state, said) = try ask(schema, "many", "1", "", "2")
        #expect(state == ["n": 2])
        #expect(said.count == 7 && said[5] == "It is needed.\n")
        #expect(said[3].contains("2"))
    }

    @Test(
        arguments: [
            (["enum": ["low", "high", 3]], "x (low, high, 3): ", "high", "high"),
            (["enum": ["low", "high", 3]], "x (low, high, 3): ", "3", 3),
            (["type": "boolean", "default": true], "x (yes or no) [true]: ", "", true),
            (["type": "boolean"], "x (yes or no): ", "No", false),
            (["type": "array"], "x (array): ", "[1, 2]", [1, 2]),
            ([:], "x: ", "plain words", "plain words"),
            (["anyOf": [["type": "number"], ["type": "null"]]], "x (number or null): ", "2.50", 2.50),
            (["$ref": "#/$defs/word"], "x, A word (text) [hi]: ", "", "hi"),
        ] as [(JSONText, String, String, JSONText)])
    func `a question says what can be answered`(
        _ schema: JSONText, _ question: String, _ answer: String, _ value: JSONText
    ) throws {
        let whole: JSONText = [
            "required": ["x"], "properties": ["x": schema],
            "$defs": ["word": ["type": "string", "description": "A word", "default": "hi"]],
        ]
        let (state, said) = try ask(whole, answer)
        #expect(said == [question])
        #expect(state["x"]?.double == value.double && state["x"]?.string == value.string)
        #expect(state["x"]?.kind == value.kind)
    }

    @Test func `a value of the document is asked for only where it does not fit`() throws {
        let schema: JSONText = [
            "required": ["a", "b"],
            "properties": ["a": ["type": "string", "minLength": 1], "b": ["type": "string"]],
        ]
        let (state, said) = try ask(schema, document: ["a": "", "b": ""], "word")
        #expect(state == ["a": "word"])
        #expect(said.count == 1)
        #expect(try ask(schema, document: ["a": "", "b": ""], given: ["a": "x"]).said.isEmpty)
    }

    @Test func `who answers no more leaves the rest as it is`() throws {
        let schema: JSONText = ["required": ["a", "b"], "properties": ["a": ["type": "string"]]]
        let (state, said) = try ask(schema, "1")
        #expect(state == ["a": "1"])
        #expect(said == ["a (text): ", "b: ", "\n"])
    }

    @Test func `nothing that a terminal obeys gets into a question`() throws {
        let schema: JSONText = ["required": ["a"], "properties": ["a": ["title": "\u{1B}[31mred"]]]
        #expect(try ask(schema, "1").said == ["a, [31mred: "])
    }

    @Test func `references in a circle come to an end`() throws {
        let schema: JSONText = ["required": ["a"], "properties": ["a": ["$ref": "#/properties/a"]]]
        _ = InputQuestion("a", schema["properties"]?["a"], root: schema)
    }
}
