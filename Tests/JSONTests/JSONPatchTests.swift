import JSON
import Testing

/// RFC 6902, appendix A, and cases beside them: document, patch, result.
private let applied: [(String, String, String)] = [
    (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#, #"{"foo":"bar","baz":"qux"}"#),
    (#"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#, #"{"foo":["bar","qux","baz"]}"#),
    (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"remove","path":"/baz"}]"#, #"{"foo":"bar"}"#),
    (#"{"foo":["bar","qux","baz"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#, #"{"foo":["bar","baz"]}"#),
    (
        #"{"baz":"qux","foo":"bar"}"#, #"[{"op":"replace","path":"/baz","value":"boo"}]"#,
        #"{"baz":"boo","foo":"bar"}"#
    ),
    (
        #"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
        #"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
        #"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#
    ),
    (
        #"{"foo":["all","grass","cows","eat"]}"#, #"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
        #"{"foo":["all","cows","eat","grass"]}"#
    ),
    (
        #"{"baz":"qux","foo":["a",2,"c"]}"#,
        #"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2.0}]"#,
        #"{"baz":"qux","foo":["a",2,"c"]}"#
    ),
    (
        #"{"foo":"bar"}"#, #"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
        #"{"foo":"bar","child":{"grandchild":{}}}"#
    ),
    (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#, #"{"foo":"bar","baz":"qux"}"#),
    (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":10}]"#, #"{"/":9,"~1":10}"#),
    (#"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#, #"{"foo":["bar",["abc","def"]]}"#),
    ("[]", #"[{"op":"add","path":"/0","value":1},{"op":"add","path":"/0","value":2}]"#, "[2,1]"),
    (#"{"a":1}"#, #"[{"op":"add","path":"","value":[]}]"#, "[]"),
    (#"{"a":1}"#, #"[{"op":"replace","path":"","value":null}]"#, "null"),
    (#"{"a":{"b":1}}"#, #"[{"op":"move","from":"/a","path":""}]"#, #"{"b":1}"#),
    (#"{"a":{"b":1}}"#, #"[{"op":"copy","from":"/a","path":"/a/c"}]"#, #"{"a":{"b":1,"c":{"b":1}}}"#),
    (#"{"a":1}"#, #"[{"op":"copy","from":"","path":"/b"}]"#, #"{"a":1,"b":{"a":1}}"#),
    (#"{"a":1}"#, #"[{"op":"move","from":"/a","path":"/a"}]"#, #"{"a":1}"#),
    (#"{"a":[1.0,1e2]}"#, #"[{"op":"remove","path":"/a/1"}]"#, #"{"a":[1.0]}"#),
    (#"{"a":[1]}"#, #"[{"op":"remove","path":"/a/0"},{"op":"add","path":"/b","value":{}}]"#, #"{"a":[],"b":{}}"#),
    (#"{"a":{"b":1}}"#, #"[{"op":"remove","path":"/a/b"},{"op":"test","path":"/a","value":{}}]"#, #"{"a":{}}"#),
]

@Test(arguments: applied)
func `a patch turns a document into another`(_ document: String, _ patch: String, _ result: String) throws {
    let patched = try JSONPatch.apply(JSONText(parsing: patch), to: JSONText(parsing: document))
    #expect(patched.description == result)
}

@Test(arguments: [
    (#"{"baz":"qux"}"#, #"[{"op":"test","path":"/baz","value":"bar"}]"#),
    (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz/bat","value":"qux"}]"#),
    (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":"10"}]"#),
    ("{}", #"[{"op":"remove","path":"/a"}]"#),
    ("{}", #"[{"op":"replace","path":"/a","value":1}]"#),
    ("{}", #"[{"op":"remove","path":""}]"#),
    ("[1]", #"[{"op":"add","path":"/2","value":1}]"#),
    ("[1]", #"[{"op":"add","path":"/01","value":1}]"#),
    ("[1]", #"[{"op":"add","path":"/x","value":1}]"#),
    ("[1]", #"[{"op":"replace","path":"/1","value":1}]"#),
    ("[1]", #"[{"op":"remove","path":"/-"}]"#),
    ("[1]", #"[{"op":"add","path":"/0/a","value":1}]"#),
    (#"{"a":{"b":1}}"#, #"[{"op":"move","from":"/a","path":"/a/b"}]"#),
    (#"{"a":1}"#, #"[{"op":"move","from":"","path":"/a"}]"#),
    (#"{"a":1}"#, #"[{"op":"copy","from":"/x","path":"/y"}]"#),
    ("{}", #"[{"op":"add","path":"/a"}]"#),
    ("{}", #"[{"op":"add","value":1}]"#),
    ("{}", #"[{"op":"move","path":"/a"}]"#),
    ("{}", #"[{"op":"spam","path":"/a"}]"#),
    ("{}", #"[{"path":"/a"}]"#),
    ("{}", #"[{"op":"add","path":"a","value":1}]"#),
    ("{}", #"[1]"#),
    ("{}", #"{"op":"add","path":"/a","value":1}"#),
])
func `a patch that does not apply is refused`(_ document: String, _ patch: String) throws {
    let (patch, document) = (try JSONText(parsing: patch), try JSONText(parsing: document))
    let error = #expect(throws: JSONError.self) { try JSONPatch.apply(patch, to: document) }
    #expect(error?.kind == .patch)
}

@Test func `the operation that does not apply is named`() throws {
    let patch: JSONText = [
        ["op": "add", "path": "/a", "value": 1], ["op": "test", "path": "/a", "value": 2],
    ]
    let error = #expect(throws: JSONError.self) { try JSONPatch.apply(patch, to: .emptyObject) }
    #expect(error?.message.hasPrefix("operation 1 ") == true)
}

@Test func `copies that would double a document without end are refused`() throws {
    let double: JSONText = ["op": "copy", "from": "", "path": "/a"]
    let document: JSONText = ["a": 0, "x": JSONText(String(repeating: "x", count: 1000))]
    let wide: JSONText = ["op": "copy", "from": "/x", "path": "/y"]
    let error = #expect(throws: JSONError.self) {
        try JSONPatch.apply(JSONText(array: Array(repeating: double, count: 200)), to: document)
    }
    #expect(error?.kind == .tooDeep)
    let large = #expect(throws: JSONError.self) {
        try JSONPatch.apply(
            JSONText(array: Array(repeating: wide, count: 100)), to: document, limits: JSONLimits(bytesMax: 50_000))
    }
    #expect(large?.kind == .tooLarge)
}

@Test func `a patch nests a document to the limit and not one past it`() throws {
    let limits = JSONLimits(depthMax: 3)
    let document: JSONText = [[0]]
    let fits: JSONText = [["op": "add", "path": "/0/-", "value": [1]]]
    #expect(try JSONPatch.apply(fits, to: document, limits: limits).description == "[[0,[1]]]")
    let tooDeep: JSONText = [["op": "add", "path": "/0/-", "value": [["]"]]]]
    #expect(throws: JSONError.self) { try JSONPatch.apply(tooDeep, to: document, limits: limits) }
}

@Test(arguments: [
    ("{}", "{}", "[]"),
    (#"{"a":1,"b":2}"#, #"{"b":2,"a":1}"#, "[]"),
    (#"{"a":1}"#, #"{"a":1,"b":[2]}"#, #"[{"op":"add","path":"/b","value":[2]}]"#),
    (#"{"a":1,"b":2}"#, #"{"b":2}"#, #"[{"op":"remove","path":"/a"}]"#),
    (#"{"a":1}"#, #"{"a":1.0}"#, #"[{"op":"replace","path":"/a","value":1.0}]"#),
    (
        #"{"a":{"b/c":{"d~":1}},"z":"long enough to stay apart from the change that is made here"}"#,
        #"{"a":{"b/c":{"d~":2}},"z":"long enough to stay apart from the change that is made here"}"#,
        #"[{"op":"replace","path":"/a/b~1c/d~0","value":2}]"#
    ),
    (
        #"{"log":["first line of the log, as it was","second line"]}"#,
        #"{"log":["first line of the log, as it was","second line","third"]}"#,
        #"[{"op":"add","path":"/log/2","value":"third"}]"#
    ),
    (
        #"["an element that is quite long","remove","another element that is long"]"#,
        #"["an element that is quite long","another element that is long"]"#, #"[{"op":"remove","path":"/1"}]"#
    ),
    ("[1,2,3]", "[4,5,6]", #"[{"op":"replace","path":"","value":[4,5,6]}]"#),
    ("1", "2", #"[{"op":"replace","path":"","value":2}]"#),
])
func `a diff names what changed`(_ old: String, _ new: String, _ patch: String) throws {
    #expect(JSONPatch.diff(from: try JSONText(parsing: old), to: try JSONText(parsing: new)).description == patch)
}

@Test func `a diff of members never replaces the whole object, and writes some members as a whole`() throws {
    let old: JSONObject = ["a": ["x": 1, "long": "a value that is long enough"], "b": 1, "c": 2, "~~~~~~~~": 1]
    let new: JSONObject = ["a": ["x": 2, "long": "a value that is long enough"], "b": 1, "~~~~~~~~": 2]
    #expect(
        JSONPatch.diff(from: old, to: new, whole: ["b"]).description
            == #"[{"op":"remove","path":"/c"},{"op":"replace","path":"/a/x","value":2},"#
            + #"{"op":"add","path":"/b","value":1},{"op":"replace","path":"/~0~0~0~0~0~0~0~0","value":2}]"#)
}
