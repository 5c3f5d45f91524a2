import JSON
import Testing

private func nested(_ depth: Int, _ open: String, _ close: String) -> String {
    String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
}

@Test(arguments: [("[", "]"), (#"{"a":"#, "}"), (#"[{"a":"#, "}]")])
func `nesting is accepted to the limit and refused one past it`(_ open: String, _ close: String) throws {
    let levels = open.count { "[{".contains($0) }
    let limit = JSONLimits.default.depthMax
    #expect(limit % levels == 0)
    let deepest = nested(limit / levels, open, close)
    #expect(try JSONText(parsing: deepest).description == deepest)
    let error = #expect(throws: JSONError.self) { try JSONText(parsing: "[" + deepest + "]") }
    #expect(error?.kind == .tooDeep)
    #expect(error?.message.contains("128") == true)
}

@Test func `the deepest limit that can be set is kept too`() throws {
    let limits = JSONLimits(depthMax: 1000)
    #expect(try JSONText(parsing: nested(1000, "[", "]"), limits: limits).bytes.count == 2001)
    #expect(throws: JSONError.self) { try JSONText(parsing: nested(1001, "[", "]"), limits: limits) }
    #expect(throws: JSONError.self) { try JSONText(parsing: "[]", limits: JSONLimits(depthMax: 0)) }
    #expect(try JSONText(parsing: "1", limits: JSONLimits(depthMax: 0)) == 1)
}

@Test(arguments: ["[", "{\"a\":", "[{\"a\":"])
func `a million open brackets are refused without harm`(_ open: String) {
    let text = String(repeating: open, count: 1_000_000)
    #expect(throws: JSONError.self) { try JSONText(parsing: text) }
    #expect(throws: JSONError.self) { try JSONText(parsing: text + (open.hasPrefix("{") ? "}" : "]")) }
}

@Test func `a text is accepted to the limit of its size and refused one past it`() throws {
    let limits = JSONLimits(bytesMax: 10)
    #expect(try JSONText(parsing: "[1,2,3,45]", limits: limits).bytes.count == 10)
    let error = #expect(throws: JSONError.self) { try JSONText(parsing: "[1,2,3,45] ", limits: limits) }
    #expect(error?.kind == .tooLarge)
    #expect(error?.message.contains("10") == true)
}

@Test func `the default limit of size is sixteen mebibytes`() throws {
    let spaces = [UInt8](repeating: 0x20, count: 16 * 1024 * 1024 - 1)
    #expect(try JSONText(parsing: spaces + [0x31]) == 1)
    #expect(throws: JSONError.self) { try JSONText(parsing: spaces + [0x31, 0x20]) }
}
