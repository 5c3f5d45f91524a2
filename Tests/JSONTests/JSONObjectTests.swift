import JSON
import Testing

@Test(arguments: [0, 1, 8, 15, 16, 17, 200])
func `an object keeps its members in order`(_ count: Int) throws {
    let members = (0..<count).map { #""key\#(count - $0)":[\#($0),{"a":"}"}]"# }
    let text = try JSONText(parsing: "{" + members.joined(separator: ",") + "}")
    let object = try #require(text.object)
    #expect(object.text == text)
    #expect(object.byteCount == text.bytes.count)
    #expect(object.count == count)
    #expect(object.isEmpty == (count == 0))
    #expect(object.keys == (0..<count).map { JSONKey("key\(count - $0)") })
    for index in 0..<count { #expect(object["key\(count - index)"]?.array?.first?.int == index) }
}

@Test func `members are set, replaced in place and removed`() {
    var object: JSONObject = ["a": 1, "b": 2, "c": 3]
    object["b"] = ["x"]
    object["d"] = 4
    object["a"] = nil
    #expect(object.description == #"{"b":["x"],"c":3,"d":4}"#)
    #expect(object.removeValue(forKey: "c") == 3)
    #expect(object.removeValue(forKey: "c") == nil)
    object[JSONKey("a")] = .null
    #expect(object.map(\.key.string) == ["b", "d", "a"])
    #expect(object["a"] == .null)
}

@Test func `keys that begin and end alike are told apart`() {
    let keys = ["aaaaaaaa1aaaaaaaa", "aaaaaaaa2aaaaaaaa", "aaaaaaaa12aaaaaaaa", "a", "b", "ab", "ba", ""].map {
        JSONKey($0)
    }
    for (index, key) in keys.enumerated() { #expect(keys.filter { $0 == key } == [keys[index]]) }
}

@Test func `keys are compared by code points`() throws {
    let composed = "\u{E9}", decomposed = "e\u{301}"
    #expect(composed == decomposed)
    #expect(JSONKey(composed) != JSONKey(decomposed))
    var object = try JSONObject(parsing: Array("{\"\(composed)\":1,\"\(decomposed)\":2}".utf8))
    #expect(object.count == 2)
    #expect(object[composed] == 1)
    #expect(object[decomposed] == 2)
    object[decomposed] = nil
    #expect(object.text.description.unicodeScalars.elementsEqual("{\"\u{E9}\":1}".unicodeScalars))
}

@Test(arguments: [
    (#""\u0061""#, #""a""#), (#""\/""#, #""/""#), (#""\u000a""#, #""\n""#), (#""\u001F""#, #""\u001f""#),
    (#""\u0022""#, #""\"""#),
    (#""\uD83D\uDE00""#, "\"😀\""), (#""\\""#, #""\\""#),
])
func `a key has one form whatever its escapes`(_ written: String, _ token: String) throws {
    let object = try JSONObject(parsing: Array("{\(written):1}".utf8))
    #expect(object.keys.first?.token == Array(token.utf8))
    #expect(object.keys.first.map { JSONKey($0.string) } == object.keys.first)
    #expect(object.text.description == "{\(token):1}")
}

@Test func `an object is expected where one is parsed`() {
    let error = #expect(throws: JSONError.self) { try JSONObject(parsing: Array("[]".utf8)) }
    #expect(error?.kind == .wrongKind)
    #expect(JSONText(1).object == nil)
}

@Test func `the last of equal keys stands where members are given in code`() {
    #expect(JSONObject([("a", 1), ("b", 2), ("a", 3)]) == ["a": 3, "b": 2])
}
