import JSON
import Testing

/// RFC 6901, section 5.
private let example = #"""
    {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8}
    """#

@Test(arguments: [
    ("/foo", #"["bar","baz"]"#), ("/foo/0", #""bar""#), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3"),
    ("/g|h", "4"), ("/i\\j", "5"), ("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8"),
])
func `the pointers of the RFC find their values`(_ string: String, _ value: String) throws {
    let pointer = try JSONPointer(parsing: string)
    #expect(try JSONText(parsing: example)[pointer]?.description == value)
    #expect(pointer.description == string)
}

@Test func `the empty pointer is the whole document`() throws {
    let document = try JSONText(parsing: example)
    #expect(document[try JSONPointer(parsing: "")] == document)
    #expect(JSONPointer.root.description == "")
}

@Test(arguments: [
    "/foo/2", "/foo/-", "/foo/01", "/foo/00", "/foo/+1", "/foo/", "/bar", "/foo/0/x", "//x",
    "/foo/99999999999999999999",
])
func `a pointer to nowhere finds nothing`(_ string: String) throws {
    #expect(try JSONText(parsing: example)[JSONPointer(parsing: string)] == nil)
}

@Test(arguments: ["foo", "/~", "/~2", "/a~", "0"])
func `a malformed pointer is refused`(_ string: String) {
    let error = #expect(throws: JSONError.self) { try JSONPointer(parsing: string) }
    #expect(error?.kind == .patch)
}

@Test func `tokens are escaped once each`() throws {
    let pointer = JSONPointer.root.appending("~1").appending("a/b~").appending(3)
    #expect(pointer.description == "/~01/a~1b~0/3")
    #expect(try JSONPointer(parsing: pointer.description) == pointer)
    #expect(JSONPointer.escape("m~n/o") == "m~0n~1o")
    #expect(JSONPointer(["\u{E9}"]) != JSONPointer(["e\u{301}"]))
}
