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
        // A number that Lua would write in another way does too.
        "1.10", "1.50", "1e3", "1E5", "-0", "1E-2", "1e+2", "100000000000000000000", "[1.10,1.1,[1.100,{\"a\":11e-1}]]",
    ])
    func `a value that passes through comes out as it was written`(text: String) throws {
        let value = try JSONText(parsing: text)
        #expect(try runLua("return {v = state.v}", ["v": value]) == .success("{\"v\":\(text)}"))
    }

    @Test func `a text that has a shorter form comes out in it`() throws {
        #expect(
            try runLua("return state.v", ["v": try JSONText(parsing: #""\u00e9\ud83d\ude00\/""#)])
                == .success(#""é😀/""#))
    }

    @Test(arguments: [
        ("return {x = state.a}", #"{"x":1.10}"#), ("return {x = state.l}", #"{"x":[1.10,1e0,{"c":2.50}]}"#),
        ("return {state.l[1], state.l[2], state.l[3].c}", "[1.10,1e0,2.50]"), ("return state.a + 1", "2.1"),
        ("return state.a == 1.1", "true"), ("return state.e == 100000", "true"),
        ("return math.type(state.e)", #""float""#),
        (
            "local t = {} for k, v in pairs(state) do t[k] = v end return t",
            #"{"a":1.10,"e":1E5,"l":[1.10,1e0,{"c":2.50}]}"#
        ),
        ("local t = {} for i, v in ipairs(state.l) do t[i] = v end return t", #"[1.10,1e0,{"c":2.50}]"#),
        ("state.l[1] = 1.25 return state.l", #"[1.25,1e0,{"c":2.50}]"#),
        ("local n = 0 for i = 1, state.l[2] do n = n + 1 end return n", "1"),
        ("table.insert(state.l, 1, state.e) return state.l", #"[1E5,1.10,1e0,{"c":2.50}]"#),
    ])
    func `a number that is handed on keeps its digits`(source: String, expected: String) throws {
        let state = try JSONObject(parsing: Array(#"{"a":1.10,"e":1E5,"l":[1.10,1e0,{"c":2.50}]}"#.utf8))
        #expect(try runLua(source, state) == .success(expected))
    }

    @Test func `numbers of one value keep their digits where they are told apart`() throws {
        let state = try JSONObject(parsing: Array(#"{"a":1.10,"b":1.1,"l":[1.1,1.10,1.100]}"#.utf8))
        #expect(try runLua("return state", state) == .success(#"{"a":1.10,"b":1.1,"l":[1.1,1.10,1.100]}"#))
        // Taken out of their place, they are only told apart by their names; the value is right in any case.
        #expect(try runLua("return {b = state.b, a = state.a}", state) == .success(#"{"a":1.10,"b":1.1}"#))
    }

    @Test(arguments: [
        ("not state.n", "true"), ("state.n and 1", "null"), ("state.n or 1", "1"), ("not not null", "false"),
        ("1 and state.n or 2", "2"), ("(function() if state.n then return 1 else return 2 end end)()", "2"),
        ("(function() while state.n do return 1 end return 2 end)()", "2"),
        ("(function() local i = 0 repeat i = i + 1 until not state.n return i end)()", "1"),
        ("(function() local i = 0 repeat i = i + 1 until state.n or i > 2 return i end)()", "3"),
        ("(function() local x = state.n x = x or 'a' return x end)()", #""a""#), ("state.n == null", "true"),
        ("state.n == nil", "false"), ("pcall(assert, state.n)", "false"), ("('a'):gsub('a', {a = state.n})", #""a""#),
        ("#state.l", "3"), ("select('#', table.unpack(state.l))", "3"), ("state.l", "[1,null,3]"),
        ("array({null})", "[null]"),
        ("{a = state.n, b = {null}}", #"{"a":null,"b":[null]}"#), ("type(null)", #""userdata""#),
        ("tostring(null)", #""null""#),
        ("(function() local c = 0 for _, v in ipairs(state.l) do c = c + 1 end return c end)()", "3"),
        (
            "(function() local t = {} for k, v in pairs(state) do t[k] = v end return t end)()",
            #"{"l":[1,null,3],"n":null}"#
        ),
        ("(function(...) local a, b = ... return a and b or not a end)(null, 1)", "true"),
        ("(state.n and 1 or 2) + (state.n and 10 or 20)", "22"), ("not (state.n or nil)", "true"),
    ])
    func `null is false and a value`(expression: String, expected: String) throws {
        #expect(try runLua("return (\(expression))", ["n": .null, "l": [1, .null, 3]]) == .success(expected))
    }

    @Test func `null is false in a function with as many names as there may be`() throws {
        let names = (1...198).map { "a\($0)" }.joined(separator: ",")
        let source =
            "local n = null local \(names) = 1 local function f() return n or a198 or a1 end return (not n and a198 or a1) + f()"
        #expect(try runLua(source) == .success("2"))
    }

    @Test func `errors name the line of a test that is false for null`() throws {
        let source = "local n = null\n\nif n then return 1 end\nlocal x = n or\n  n.y\nreturn x"
        #expect(try runLua(source).message == "code:5: attempt to index a null value (local 'n')")
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

    @Test(arguments: [
        ("state.v + 1", "arithmetic with 9223372036854775808 would not be exact: integers have 64 bits"),
        ("-state.v", "arithmetic with 9223372036854775808 would not be exact"), ("1 // state.v", "would not be exact"),
        ("state.v | 1", "would not be exact"), ("state.h * 2", "it is beyond a floating point number"),
        ("state.v.x", "attempt to index a number value (field 'v')"),
    ])
    func `arithmetic that would lose digits is refused`(expression: String, message: String) throws {
        let state = try JSONObject(parsing: Array(#"{"v":9223372036854775808,"h":1e400}"#.utf8))
        #expect(try runLua("return \(expression)", state).message?.contains(message) == true)
    }

    @Test(arguments: [
        ("state.v > 1", "true"), ("state.v == state.v", "true"), ("state.v < state.w", "true"),
        ("state.v <= state.v", "true"),
        ("state.m < state.v", "true"), ("state.m < -5", "true"), ("5 < state.m", "false"),
        ("state.w < state.v", "false"),
        ("state.v .. '!'", #""9223372036854775808!""#), ("tostring(state.v)", #""9223372036854775808""#),
        ("tonumber(state.v)", "9.223372036854776e+18"), ("tonumber(state.v) + 1", "9.223372036854776e+18"),
        ("type(state.v)", #""number""#), ("state.d * 2 > 0.24", "true"), ("state.v == 1", "false"),
    ])
    func `a number that Lua cannot hold is a number all the same`(expression: String, expected: String) throws {
        let state = try JSONObject(
            parsing: Array(
                #"{"v":9223372036854775808,"w":9223372036854775809,"m":-9223372036854775999,"d":0.1234567890123456789012}"#
                    .utf8))
        #expect(try runLua("return \(expression)", state) == .success(expected))
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
