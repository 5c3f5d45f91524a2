import Executions
import JSON
import Testing

@testable import Nodes

/// Each test names the attack.
@Suite(.serialized) struct LuaSandboxTests {
    private static let outOfTime = "used more than 300 ms of CPU time"
    private static let outOfMemory = "needed more than 64 MiB of memory"

    @Test(arguments: [
        ("an endless loop", "while true do end"),
        ("a goto loop", "::a:: goto a"),
        ("recursion by tail calls", "local function f() return f() end f()"),
        ("a limit caught in a loop", "while true do pcall(function() while true do end end) end"),
        ("a limit caught at every level", "local function f() pcall(f) while true do pcall(f) end end f()"),
        (
            "a limit caught below a callback",
            "pcall(string.gsub, 'x', 'x', function() while true do end end) while true do end"
        ),
        ("a handler that loops", "xpcall(function() while true do end end, function() while true do end end)"),
        ("a handler that loops over a plain error", "xpcall(error, function() while true do end end)"),
        ("a callback of gsub that loops", "string.gsub('x', 'x', function() while true do end end)"),
        ("a comparison of sort that loops", "table.sort({1, 2}, function() while true do end end)"),
        (
            "bounded pattern bombs without end",
            "while true do pcall(string.find, ('a'):rep(300), ('a-'):rep(100) .. 'b') end"
        ),
        ("a pattern bomb", "return ('a'):rep(300):find(('a-'):rep(100) .. 'b')"),
        ("a frontier with a long set", "return ('a'):rep(2000):find('%f[' .. ('\\1'):rep(1 << 20) .. ']')"),
        (
            "a set that is looked through again and again",
            "return ('a'):rep(1 << 20):find('[' .. ('b'):rep(1 << 20) .. ']+')"
        ),
        ("a long template of gsub", "return ('x'):rep(100):gsub('(y-)x', ('%1'):rep(1000000))"),
        (
            "a plain search for a long text",
            "while true do (('a'):rep(1 << 22)):find(('a'):rep(1 << 20) .. 'b', 1, true) end"
        ),
        ("changes of case", "local s = ('x'):rep(1 << 24) while true do s:upper() end"),
        ("a short form of long texts", "local s = ('x'):rep(1 << 24) while true do string.format('%.3s', s) end"),
        ("quoting", "local s = ('\\1'):rep(1 << 22) while true do pcall(string.format, '%q', s) end"),
        ("counting characters", "local s = ('é'):rep(1 << 22) while true do utf8.len(s) end"),
        (
            "passing over continuation bytes",
            "local s = 'x' .. ('\\128'):rep(1 << 24) while true do utf8.offset(s, -1) end"
        ),
        ("packing by a long format", "while true do pcall(string.packsize, ('b'):rep(1 << 16)) end"),
        (
            "arguments without end",
            "local t = {} for i = 1, 2e5 do t[i] = i end while true do print(select('#', table.unpack(t))) end"
        ),
        ("table.move over nothing", "table.move({}, 1, 1 << 60, 2)"),
        (
            "table.insert at the front of a long list",
            "local t = {} for i = 1, 1e6 do t[i] = i end while true do table.insert(t, 1, 0) end"
        ),
        (
            "comparisons of long strings",
            "local a, b = ('a'):rep(2e7//1|0), ('a'):rep(2e7//1|0) while true do local x = a == b end"
        ),
        (
            "arithmetic on long strings",
            "local a = ('1'):rep(3e7//1|0) while true do pcall(function() return a | 1 end) end"
        ),
        ("concatenations of long strings", "local a = ('a'):rep(1e7//1|0) while true do local b = a .. 'x' end"),
        (
            "sorted iteration without end",
            "local t = {} for i = 1, 1e5 do t['k' .. i] = i end while true do next(t) end"
        ),
    ])
    func `time runs out`(attack: String, source: String) throws {
        let message = try runLua(source, limits: LuaLimits(cpuMilliseconds: 300)).message ?? "nothing"
        #expect(message.contains(Self.outOfTime), "\(attack)")
    }

    @Test(arguments: [
        ("a growing table", "local t = {} while true do t[#t + 1] = {} end"),
        ("a string that doubles", "local s = 'x' while true do s = s .. s end"),
        ("string.rep", "return ('x'):rep(1 << 30)"),
        ("string.rep with a separator", "return ('x'):rep(1 << 20, ('y'):rep(1000))"),
        ("string.rep, caught", "while true do pcall(string.rep, 'x', 1 << 30) end"),
        ("endless recursion", "local function f() return 1 + f() end return f()"),
        ("table.concat", "local t = {} for i = 1, 100 do t[i] = ('x'):rep(1 << 20) end return table.concat(t)"),
        ("a gsub that grows", "return (('x'):rep(1 << 20):gsub('x', ('y'):rep(1000)))"),
        (
            "string.rep, caught below a callback",
            "pcall(string.gsub, 'x', 'x', function() return ('x'):rep(1 << 30) end) return 1"
        ),
        ("closures in a chain", "local f while true do local g = f f = function() return g end end"),
    ])
    func `memory runs out`(attack: String, source: String) throws {
        #expect(try runLua(source).message == Self.outOfMemory, "\(attack)")
    }

    @Test(arguments: [
        (
            "a nested pattern", "return ('a'):rep(50000):find(('a?'):rep(30000) .. ('a'):rep(30000))",
            "pattern too complex"
        ),
        ("string.rep beyond all sizes", "return ('x'):rep(1 << 62, 'xx')", "resulting string too large"),
        (
            "string.rep of nothing with a separator, without end", "return (''):rep(1 << 62, 'xx')",
            "resulting string too large"
        ),
        ("unpacking millions", "return table.unpack({}, 1, 1e7)", "too many results to unpack"),
        ("recursion through C", "local function f() return (('x'):gsub('x', f)) end return f()", "stack overflow"),
        (
            "a table of tables that doubles", "local t = {} for i = 1, 100 do t = {t, t} end return t",
            "makes the JSON longer than 16777216 bytes"
        ),
        (
            "output without end", "local s = ('x'):rep(1 << 20) while true do print(s) end",
            "sent more than 16777216 bytes of output"
        ),
        ("a long result", "return ('x'):rep(17 << 20)", "makes the JSON longer than 16777216 bytes"),
        ("a changed library", "string.format = nil", "the libraries cannot be changed"),
        ("a new function in a library", "math.x = 1", "the libraries cannot be changed"),
        ("a closed variable", "local x <close> = {}", "variable 'x' got a non-closable value"),
        ("an address in a format", "return string.format('%p', {})", "invalid conversion '%p' to 'format'"),
        (
            "an address in a format with flags", "return string.format('%-10p', {})",
            "invalid conversion '%p' to 'format'"
        ),
    ])
    func `a bound is an error`(attack: String, source: String, message: String) throws {
        let found = try runLua(source).message ?? "nothing"
        #expect(found.contains(message), "\(attack)")
    }

    @Test(arguments: [
        "io", "os", "package", "debug", "coroutine", "load", "loadstring", "loadfile", "dofile", "require",
        "collectgarbage",
        "setmetatable", "getmetatable", "rawset", "rawget", "warn", "_G", "string.dump", "math.random",
        "math.randomseed",
    ])
    func `what reaches outside is not there`(name: String) throws {
        #expect(try runLua("return \(name) == nil") == .success("true"))
    }

    @Test func `bytecode is refused as source`() throws {
        let program = try LuaProgram.chunk("return 1", name: "code")
        let bytecode = String(decoding: program.bytecode, as: UTF8.self)
        #expect(throws: LuaSyntaxError.self) { try LuaProgram.chunk(bytecode, name: "code") }
        let escape = try #require(throws: LuaSyntaxError.self) { try LuaProgram.chunk("\u{1B}Lua", name: "code") }
        #expect(escape.message.contains("attempt to load a binary chunk"))
    }

    @Test func `values show no addresses`() throws {
        let source = "return tostring({}) .. tostring(print) .. tostring(function() end) .. string.format('%s', state)"
        #expect(try runLua(source) == .success(#""tablefunctionfunctiontable""#))
    }

    @Test func `nothing leaks from one run to the next`() throws {
        let attack = """
            leaked = 1
            _ENV.print = nil
            state.leaked = 1
            state.list[1] = "changed"
            local t = array()
            t.leaked = 1
            pcall(function() string.upper = nil end)
            """
        let look = "return {leaked == nil, print ~= nil, state.leaked == nil, state.list[1], ('x'):upper(), #array()}"
        // More runs than interpreters are kept, so that each kept one is met again.
        for _ in 0..<40 {
            _ = try runLua(attack, ["list": [1]])
            #expect(try runLua(look, ["list": [1]]) == .success(#"[true,true,true,1,"X",0]"#))
        }
    }

    @Test func `a failed run leaves nothing to the next`() throws {
        for attack in ["leaked = 1 error('x')", "leaked = 1 local t = {} while true do t[#t + 1] = {} end"] {
            #expect(try runLua(attack).message != nil)
            #expect(try runLua("return leaked == nil") == .success("true"))
        }
    }

    @Test func `a run that is given up leaves nothing to the next`() throws {
        let program = try LuaProgram.chunk("leaked = 1 while true do end", name: "code")
        do {
            let run = LuaRun(program, .json, .node, LuaScope(state: State(initial: [:])))
            guard case .yielded = run.step(sliceNanoseconds: 1_000_000) else {
                return #expect(Bool(false), "the run yields")
            }
        }
        #expect(try runLua("return leaked == nil") == .success("true"))
    }

    @Test func `a caught error lets the program go on`() throws {
        let source = """
            local ok, message = pcall(error, "x")
            local handled, shown = xpcall(function() error("y", 0) end, function(m) return m .. "!" end)
            return {ok, message, handled, shown, pcall(function(...) return ... end, 1, 2)}
            """
        #expect(try runLua(source) == .success(#"[false,"x",false,"y!",true,1,2]"#))
    }

    @Test func `a slice ends also inside pcall and sort`() throws {
        for source in [
            "pcall(function() for i = 1, 3e6 do end end) return 1",
            "table.sort({1, 2}, function() for i = 1, 3e6 do end end) return 1",
        ] {
            let run = LuaRun(try .chunk(source, name: "code"), .json, .node, LuaScope(state: State(initial: [:])))
            guard case .yielded = run.step(sliceNanoseconds: 1_000_000) else {
                return #expect(Bool(false), "\(source)")
            }
            while case .yielded = run.step(sliceNanoseconds: 1_000_000) {}
        }
    }

    @Test func `nothing repeated is nothing, however often`() throws {
        #expect(
            try runLua("return {#(''):rep(1e15 // 1 | 0), (''):rep(5, ','), ('a'):rep(0, 'b')}")
                == .success(#"[0,",,,,",""]"#))
    }

    @Test(arguments: [
        "('x'):rep(1 << 22):gsub('x', 'y')", "('a'):rep(100):find(('a-'):rep(4) .. 'b')",
        "('x'):rep(1 << 24):upper():lower()",
        "utf8.len(('é'):rep(1 << 22))",
        "table.concat((function() local t = {} for i = 1, 3e5 do t[i] = 'x' end return t end)())",
    ])
    func `a slice ends also inside functions of C`(expression: String) throws {
        let program = try LuaProgram.chunk("local x = \(expression) return 1", name: "code")
        let run = LuaRun(program, .json, LuaLimits(cpuMilliseconds: 60_000), LuaScope(state: State(initial: [:])))
        var slices = 1
        while case .yielded = run.step(sliceNanoseconds: 200_000) { slices += 1 }
        #expect(slices > 4)
    }

    @Test(arguments: [200, 2_000, 200_000])
    func `output is refused where it passes its bound`(count: Int) throws {
        let source = "local s, t = ('x'):rep(1 << 20), {} for i = 1, \(count) do t[i] = s end print(table.unpack(t))"
        #expect(try runLua(source).message == "code:1: sent more than 16777216 bytes of output")
    }

    @Test func `compiling ends at its limit of time`() throws {
        let chain = "return " + [String](repeating: "a", count: 200_000).joined(separator: " or ")
        let error = try #require(throws: LuaSyntaxError.self) { try LuaProgram.chunk(chain, name: "code") }
        #expect(error.message == "code: used more than 500 ms of CPU time to compile")
    }

    @Test func `a condition's source is bounded`() throws {
        let longest = "1" + String(repeating: " ", count: LuaLimits.expressionBytesMax - 1)
        _ = try LuaCondition(longest)
        let error = try #require(throws: LuaSyntaxError.self) { try LuaCondition(longest + " ") }
        #expect(error.message == "when: longer than 65536 bytes")
    }

    @Test func `source text is bounded`() throws {
        let longest = "return 1" + String(repeating: " ", count: LuaLimits.sourceBytesMax - 8)
        _ = try LuaProgram.chunk(longest, name: "code")
        #expect(throws: LuaSyntaxError.self) { try LuaProgram.chunk(longest + " ", name: "code") }
    }

    @Test func `more programs than an interpreter keeps still run`() throws {
        for number in 0..<600 { #expect(try runLua("return \(number)") == .success("\(number)")) }
    }
}
