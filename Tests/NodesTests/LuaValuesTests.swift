import Executions
import JSON
import Testing

@testable import Nodes

/// JSON to Lua and back.
@Suite struct LuaValuesTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "0.1", "-0.0", "1.5e+300",
        "5e-324",
        "1.7976931348623157e+308", #""""#, #""héllo 😀""#, #""\"\\\b\f\n\r\t\u0001""#, "[]", "{}", "[[],{}]",
        #"{"a":[1,2.5,"x",null,{"b":[]}]}"#,
        // Numbers that fit neither 64 bits nor a double stay as they were written.
        "9223372036854775808", "-123456789012345678901234567890", "1e400", "0.1234567890123456789012",
        "1.00000000000000000001",
    ])
    func `a value that passes through comes out as it was written`(text: String) throws {
        let value = try JSONText(parsing: text)
        #expect(try runLua("return {v = state.v}", ["v": value]) == .success("{\"v\":\(text)}"))
    }

    @Test(arguments: [
        ("1.50", "1.5"), ("1e3", "1000.0"), ("-0", "-0.0"), ("1E-2", "0.01"), (#""\u00e9\ud83d\ude00\/""#, #""é😀/""#),
    ])
    func `a value that has a shorter form comes out in it`(text: String, expected: String) throws {
        #expect(try runLua("return state.v", ["v": try JSONText(parsing: text)]) == .success(expected))
    }

    @Test(arguments: [
        ("return 1 // 1", "1"), ("return 10 / 2", "5.0"), ("return 1 / 3", "0.3333333333333333"),
        ("return 2^53", "9007199254740992.0"),
        ("return {}", "{}"), ("return array()", "[]"), ("return array({1, 2})", "[1,2]"),
        ("return {1, {2}}", "[1,[2]]"),
        ("return {b = 1, a = 2, ['é'] = 3, A = 4}", #"{"A":4,"a":2,"b":1,"é":3}"#), ("return null", "null"),
        ("return", "null"),
        ("local t = state.list t[1] = nil return t", "[]"), ("return state", #"{"list":[1],"n":null}"#),
        ("state.list = nil return state", #"{"n":null}"#), ("state.x = 1 return state.x", "1"),
        ("state.list = nil return state.list == nil", "true"), ("return state.n == null and state.m == nil", "true"),
        ("local k = {} for key in pairs(state) do k[#k + 1] = key end return k", #"["list","n"]"#),
        ("return next(state)", #""list""#), ("return #state.list", "1"), ("return type(state)", #""table""#),
    ])
    func `values are written as JSON`(source: String, expected: String) throws {
        #expect(try runLua(source, ["list": [1], "n": .null]) == .success(expected))
    }

    @Test(arguments: [
        ("return {a = {b = 0/0}}", "the result.a.b is NaN, which JSON does not have"),
        ("return {a = {1, 1/0}}", "the result.a[2] is infinite"),
        ("return {a = print}", "the result.a is a function"),
        ("return {1, nil, 3}", "the result is an array with holes"),
        ("return {1, x = 2}", "the result mixes keys of an array with keys of an object"),
        ("return {[1.5] = 1}", "the result has keys that are neither strings nor 1, 2, 3, ..."),
        ("return {[true] = 1}", "the result has keys that are neither strings nor 1, 2, 3, ..."),
        ("local t = array() t.x = 1 return t", "the result has keys that are neither strings nor 1, 2, 3, ..."),
        (
            "local t = {} t.t = t return t",
            "the result.t.t.t.t.t.t.t.t.t.t.t.t... is nested too deep, or contains itself"
        ),
        (#"return {a = "\xff"}"#, "the result.a is no valid UTF-8"),
        (#"return "\xed\xa0\x80""#, "the result is no valid UTF-8"),
    ])
    func `what has no place in JSON is refused with its path`(source: String, message: String) throws {
        #expect(try runLua(source).message == message)
    }

    @Test func `nesting is bounded both ways`() throws {
        func nested(_ depth: Int) -> String { "local t = 1 for i = 1, \(depth) do t = {t} end return t" }
        #expect(try runLua(nested(128)).message == nil)
        #expect(try runLua(nested(129)).message?.contains("nested too deep") == true)
        let deepest = try JSONText(parsing: String(repeating: "[", count: 128) + String(repeating: "]", count: 128))
        #expect(try runLua("return #state.v", ["v": deepest]) == .success("1"))
    }

    @Test func `a kept number takes part in arithmetic as a double`() throws {
        let object: JSONObject = ["v": try JSONText(parsing: "9223372036854775808")]
        let source = "local v = state.v return {v + 1, v > 1, v == v, -v, v .. '!', tostring(v), tonumber(v)}"
        let expected =
            #"[9.223372036854776e+18,true,true,-9.223372036854776e+18,"9223372036854775808!","9223372036854775808","#
            + "9.223372036854776e+18]"
        #expect(try runLua(source, object) == .success(expected))
    }

    @Test func `iteration is ordered`() throws {
        let source = """
            local t, keys = {z = 1, a = 1, [3] = 1, [-1] = 1, [2.5] = 1}, {}
            for k in pairs(t) do keys[#keys + 1] = tostring(k) end
            return table.concat(keys, " ")
            """
        #expect(try runLua(source) == .success(#""-1 2.5 3 a z""#))
    }

    @Test func `keys may be removed during iteration`() throws {
        let source = "local t, n = {a = 1, b = 2, c = 3}, 0 for k in pairs(t) do t.b = nil n = n + 1 end return n"
        #expect(try runLua(source) == .success("2"))
    }

    @Test func `sorting is stable and takes a comparison`() throws {
        let source = """
            local t = {}
            for i = 1, 1000 do t[i] = {key = i * 7919 % 10, index = i} end
            table.sort(t, function(a, b) return a.key < b.key end)
            for i = 2, 1000 do
                local a, b = t[i - 1], t[i]
                assert(a.key < b.key or a.key == b.key and a.index < b.index)
            end
            local words = {"b", "c", "a"}
            table.sort(words)
            return words
            """
        #expect(try runLua(source) == .success(#"["a","b","c"]"#))
    }

    @Test(arguments: [
        (#"return ("x=1, y=2"):gsub("(%w)=(%w)", "%2=%1")"#, #""1=x, 2=y""#),
        (#"return ("hello"):gsub("l", {l = "L"})"#, #""heLLo""#),
        (#"return ("abc"):gsub("", "-")"#, #""-a-b-c-""#),
        (#"return ("abc"):gsub("%w", function(c) return c:upper() end, 2)"#, #""ABc""#),
        (#"return {("key = value"):match("^(%w+)%s*=%s*(%w+)$")}"#, #"["key","value"]"#),
        (#"return {("f(a(b)c)d"):find("%b()")}"#, "[2,8]"), (#"return {("a.b"):find(".", 1, true)}"#, "[2,2]"),
        (#"return {("THE (quick) fox"):find("%f[%a]%a+%f[%A]", 5)}"#, "[6,10]"),
        (#"return {("  x"):match("()%S()")}"#, "[3,4]"), (#"return ("aXb"):match("[^%u]-%u")"#, #""aX""#),
        (#"return ("[]]"):match("[]]+")"#, #""]]""#), (#"return ("a-z"):match("[a%-z]+")"#, #""a-z""#),
        (#"return ("abab"):match("(ab)%1")"#, #""ab""#), (#"return ("x"):match("y?x")"#, #""x""#),
        (#"local r = {} for w in ("one two"):gmatch("%a+") do r[#r + 1] = w end return r"#, #"["one","two"]"#),
        (#"return {string.format("%5.2f|%s|%q|%d", 1.5, {}, "a", 3)}"#, #"[" 1.50|table|\"a\"|3"]"#),
    ])
    func `strings are matched as in Lua`(source: String, expected: String) throws {
        #expect(try runLua(source) == .success(expected))
    }

    @Test func `output goes to its channels`() throws {
        let outputs = Outputs()
        _ = try runLua(#"print("a", 1, nil, {}) print("\xff") emit({x = 1}) emit("y")"#, outputs: outputs)
        #expect(outputs["log"] == ["a\t1\tnil\ttable", "\u{FFFD}"])
        #expect(outputs["chunk"] == [["x": 1], "y"])
    }

    @Test func `an error names its line and its way`() throws {
        let failure = try #require(try runLua("\n\nlocal x\nreturn x.y").failure)
        #expect(failure.message == "code:4: attempt to index a nil value (local 'x')")
        #expect(failure.details["traceback"]?.string?.contains("code:4:") == true)
    }

    @Test(arguments: [
        ("error({})", "raised a table"), ("error('x', 0)", "x"), ("error(5)", "5"), ("error()", "raised a nil"),
    ])
    func `anything can be raised`(source: String, message: String) throws {
        #expect(try runLua(source).message == message)
    }
}
