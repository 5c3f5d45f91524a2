import JSON
import Testing

@Test(arguments: [
    ("{}", JSONKind.object), ("[1]", .array), ("\"a\"", .string), ("-1", .number), ("0", .number), ("true", .bool),
    ("false", .bool), ("null", .null),
])
func `the kind is read from the text`(_ text: String, _ kind: JSONKind) throws {
    #expect(try JSONText(parsing: text).kind == kind)
}

@Test(arguments: [
    (#""""#, ""), (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\u20AC\uD83D\uDE00z""#, "Aé€😀z"),
    (#""\u0000""#, "\0"), (#""\\u0041""#, "\\u0041"), (#""\uDBFF\uDFFF\uE000\uD7FF""#, "\u{10FFFF}\u{E000}\u{D7FF}"),
    (#""déjà 😀""#, "déjà 😀"),
])
func `a string is read with its escapes resolved`(_ text: String, _ string: String) throws {
    #expect(try JSONText(parsing: text).string?.unicodeScalars.elementsEqual(string.unicodeScalars) == true)
}

@Test(
    arguments: [
        ("0", 0), ("-0", 0), ("42", 42), ("9223372036854775807", Int.max), ("-9223372036854775808", .min),
        ("9223372036854775808", nil), ("-9223372036854775809", nil), ("92233720368547758070", nil),
        ("1.0", nil), ("1e2", nil), ("1E0", nil), ("\"1\"", nil), ("null", nil),
    ] as [(String, Int?)])
func `an integer is read where exactly one is written`(_ text: String, _ value: Int?) throws {
    #expect(try JSONText(parsing: text).int == value)
}

@Test(
    arguments: [
        ("1", 1), ("1.5", 1.5), ("-2e3", -2000), ("1e400", nil), ("-1e400", nil), ("1e-400", 0), ("0.1", 0.1),
        ("5e-324", .leastNonzeroMagnitude), ("1.7976931348623157e308", .greatestFiniteMagnitude), ("true", nil),
        ("[1]", nil),
    ] as [(String, Double?)])
func `a double is read where a finite one is near`(_ text: String, _ value: Double?) throws {
    #expect(try JSONText(parsing: text).double == value)
}

@Test func `minus zero keeps its sign as a double`() throws {
    #expect(try JSONText(parsing: "-0").double?.sign == .minus)
}

@Test func `values of another kind read as nil`() throws {
    for text in ["{}", "[]", "\"a\"", "1", "true", "null"] {
        let value = try JSONText(parsing: text)
        #expect((value.object != nil) == (text == "{}"))
        #expect((value.array != nil) == (text == "[]"))
        #expect((value.string != nil) == (text == "\"a\""))
        #expect((value.double != nil) == (text == "1"))
        #expect((value.bool != nil) == (text == "true"))
        #expect(value.isNull == (text == "null"))
    }
}

@Test(arguments: [
    "[]", "[1]", "[1,2,3]", #"["a,b","]","\\","\"]"]"#, "[[],[[]],{},[{}]]",
    #"[{"a":"]"},[","],-1.5e+3,true,false,null]"#,
])
func `an array gives its elements as they were written`(_ text: String) throws {
    let array = try JSONText(parsing: text)
    let elements = try #require(array.array)
    #expect(JSONText(array: elements) == array)
    for element in elements { try #expect(JSONText(parsing: element.bytes) == element) }
}

@Test func `an array gives each of its elements`() throws {
    let array = try JSONText(parsing: #"[1, "a]", {"b": [2]}, [], null]"#)
    #expect(array.array?.map(\.description) == ["1", "\"a]\"", "{\"b\":[2]}", "[]", "null"])
}

@Test func `a member is found without taking the object apart`() throws {
    let object = try JSONText(parsing: #"{"a":{"b":0},"\u0062":[1],"":null}"#)
    #expect(object["a"] == ["b": 0])
    #expect(object["b"] == [1])
    #expect(object[""]?.isNull == true)
    #expect(object["c"] == nil)
    #expect(JSONText("a")["a"] == nil)
}

@Test func `values are made as they read best`() {
    #expect(JSONText("a\"\n\u{1}\u{7F}é").description == #""a\"\n\#u{5C}u0001\#u{7F}é""#)
    #expect(JSONText(Int.min).description == "-9223372036854775808")
    #expect(JSONText(0.1).description == "0.1")
    #expect(JSONText(1.0).description == "1.0")
    #expect(JSONText(false).description == "false")
    #expect(JSONText.null.description == "null")
    #expect(JSONText(array: []) == .emptyArray)
    #expect(JSONObject().text == .emptyObject)
    let document: JSONText = ["count": 1, "rate": 0.5, "tags": ["a", true], "none": .null, "sub": ["x": 2]]
    #expect(document.description == #"{"count":1,"rate":0.5,"tags":["a",true],"none":null,"sub":{"x":2}}"#)
}

@Test(arguments: [0.0, -0.0, 1e22, 1e-7, .leastNonzeroMagnitude, .pi, -1.7976931348623157e308, 123456789012345680])
func `a double reads back as the same`(_ number: Double) throws {
    let text = JSONText(number)
    #expect(try JSONText(parsing: text.bytes) == text)
    #expect(text.double?.bitPattern == number.bitPattern)
}

@Test func `every scalar value reads back from a string`() throws {
    var string = ""
    for value in UInt32(0)...0x10FFFF where value < 0x3000 || value % 97 == 0 || value > 0x10FFF0 {
        if let scalar = Unicode.Scalar(value) { string.unicodeScalars.append(scalar) }
    }
    let text = try JSONText(parsing: JSONText(string).bytes)
    #expect(text == JSONText(string))
    #expect(text.string?.unicodeScalars.elementsEqual(string.unicodeScalars) == true)
}

@Test(arguments: [
    ("1", "1.0", true), ("1e2", "100", true), ("0.10", "1e-1", true), ("-0", "0", true), ("0e99", "0", true),
    ("1e400", "10e399", true), ("100000000000000000001", "100000000000000000002", false), ("1", "-1", false),
    ("1e99999999999999999999", "1e99999999999999999999", true), ("1e99999999999999999999", "1", false),
    (#""\u0061""#, #""a""#, true), ("\"\u{E9}\"", "\"e\u{301}\"", false),
    (#"{"a":1,"b":[2.0]}"#, #"{"b":[2],"\u0061":1}"#, true),
    (#"{"a":1}"#, #"{"a":1,"b":1}"#, false), ("[1,2]", "[2,1]", false), ("[1]", "[1,1]", false),
    ("true", "false", false),
    ("1", "\"1\"", false), ("{}", "[]", false),
])
func `texts are equivalent if they write the same value`(_ left: String, _ right: String, _ same: Bool) throws {
    let (left, right) = (try JSONText(parsing: left), try JSONText(parsing: right))
    #expect(left.isEquivalent(to: right) == same)
    #expect(right.isEquivalent(to: left) == same)
}
