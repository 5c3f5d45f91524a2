import Executions
import Glibc
import JSON
import Nodes

/// Runs a program that the bytes choose from a grammar of Lua's library, with hostile sizes. However it ends, no step may hold its
/// thread for long, nor the whole go far beyond its limit. CPU time of the thread decides, so that a loaded machine does not.
package func fuzzLua(_ bytes: UnsafeRawBufferPointer) {
    var grammar = LuaGrammar(Array(bytes))
    let source = grammar.program()
    guard let program = try? LuaProgram.chunk(source, name: "code") else { return }
    let limits = LuaLimits(cpuMilliseconds: 100, memoryBytes: 32 << 20)
    let run = LuaRun(
        program, .json, limits, LuaScope(state: State(initial: LuaGrammar.state), output: NodeOutput { _, _ in }))
    let began = threadMilliseconds()
    while true {
        let start = threadMilliseconds()
        let step = run.step()
        let taken = threadMilliseconds() - start
        precondition(taken <= LuaGrammar.stepMillisecondsMax, "a step took \(taken) ms:\n\(source)")
        guard case .yielded = step else { break }
    }
    let total = threadMilliseconds() - began
    precondition(total <= 3 * Double(limits.cpuMilliseconds), "the run took \(total) ms:\n\(source)")
}

private func threadMilliseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
}

/// A program, made by choices that are read from bytes; once there are none left, the first alternative is taken.
struct LuaGrammar {
    /// Single operations of Lua itself, such as making a table of half a million keys larger, cannot be left.
    static let stepMillisecondsMax = 150.0
    static let state: JSONObject = ["list": [1, .null, 2.5, "x"], "text": "some text", "none": .null]

    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        self.bytes = bytes[...]
    }

    private mutating func choose(_ alternatives: [String]) -> String {
        alternatives[Int(bytes.popFirst() ?? 0) % alternatives.count]
    }

    mutating func program() -> String {
        var text = """
            local function list(n, v)
                local t = {}
                for i = 1, n < 3e5 and n or 3e5 do t[i] = v or i end
                return t
            end
            local s, t, n = \(string()), \(table()), \(number())\n
            """
        for _ in 0..<1 + Int((bytes.popFirst() ?? 0) % 4) { text += statement() + "\n" }
        return text + "return \(choose(["t", "s", "n", "{s, t, n}", "state", "{[s] = t}"]))"
    }

    private mutating func statement() -> String {
        let call = "pcall(\(function()))"
        return switch choose(["call", "loop", "keep", "nest", "string"]) {
        case "loop": "for i = 1, 1e9 do \(call) end"
        case "keep": "local _, v = \(call) if type(v) == type(s) then s = v elseif type(v) == type(t) then t = v end"
        case "nest": "\(choose(["pcall", "xpcall"]))(function() \(call) end, function() \(call) end)"
        case "string": "pcall(function() \(operation()) end)"
        default: call
        }
    }

    private mutating func operation() -> String {
        choose([
            "s = s .. s", "s = s .. \(number())", "n = n + (\(string()))", "return s < \(string())",
            "return s == \(string())",
            "t[s] = s", "t[#t + 1] = t", "for k, v in pairs(t) do t[k] = nil end", "for k in next, t do n = k end",
            "return #t, #s", "for i = 1, 1e9 do t[i] = {} end", "for i = 1, 1e9 do t['k' .. i] = i end", "return s | 1",
            "for i = 1, 1e9 do t[i + 0.5] = i end", "while not null do s = s:sub(2) .. s end", "return ~n, -n, n // 0",
            "local function f(...) return f(1, ...) end return f()", "local function f() return 1 + f() end return f()",
            "for k, v in pairs(state) do t[k] = v end", "return (s):rep(3) .. (s):rep(3)",
            "goto a ::b:: goto b ::a:: goto b",
        ])
    }

    private mutating func number() -> String {
        choose([
            "1", "0", "-1", "3", "100", "65536", "1048576", "10000000", "1 << 40", "math.maxinteger", "math.mininteger",
            "1e15",
            "0.5", "1e308", "'7'", "nil", "#state.list",
        ])
    }

    private mutating func string() -> String {
        choose([
            "'a'", "''", "('a'):rep(300)", "('ab'):rep(1 << 16)", "('a'):rep(5 << 20)", "('1'):rep(3 << 20)", "'%1'",
            "('%1'):rep(1 << 19)", "('(a)'):rep(30)", "('a-'):rep(100) .. 'b'", "('%d%s'):rep(1 << 16)",
            "('é'):rep(1 << 18)",
            "('\\128'):rep(1 << 20)", "'[' .. ('\\1'):rep(1 << 20) .. ']'", "'%f[' .. ('\\1'):rep(1 << 16) .. ']'",
            "'.-.-.-x'",
            "'(' .. ('a?'):rep(60) .. ')'", "'%b()'", "('('):rep(1 << 18)", "'!8' .. ('i8'):rep(1 << 14)", "s",
        ])
    }

    private mutating func table() -> String {
        choose([
            "{}", "list(100)", "list(3e5)", "list(200, ('x'):rep(1 << 20))", "list(1e5, {})", "state",
            "array({1, null, 3})", "t",
        ])
    }

    private mutating func function() -> String {
        switch choose(["string", "pattern", "table", "base", "utf8"]) {
        case "pattern": pattern()
        case "table": tableFunction()
        case "base": base()
        case "utf8":
            "utf8."
                + choose([
                    "len, \(string())", "codepoint, \(string()), 1, \(number())", "offset, \(string()), \(number())",
                    "char, table.unpack(\(table()))", "codes(\(string())), \(string()), \(number())",
                    "len, \(string()), 1, -1, true",
                ])
        default:
            "string."
                + choose([
                    "rep, \(string()), \(number())", "rep, \(string()), \(number()), \(string())",
                    "format, \(string()), \(string())",
                    "format, '%q', \(string())", "format, ('%.9s'):rep(200), table.unpack(\(table()))",
                    "upper, \(string())",
                    "reverse, \(string())", "byte, \(string()), 1, \(number())", "char, table.unpack(\(table()))",
                    "pack, \(string()), \(number()), \(string())", "unpack, \(string()), \(string())",
                    "packsize, \(string())",
                    "sub, \(string()), \(number()), \(number())", "format, '%99.99f', \(number())",
                    "pack, 'c16000000', ''",
                ])
        }
    }

    private mutating func pattern() -> String {
        "string."
            + choose([
                "find, \(string()), \(string())", "find, \(string()), \(string()), \(number()), true",
                "match, \(string()), \(string())",
                "gsub, \(string()), \(string()), \(string())", "gsub, \(string()), '.', function(c) return c .. s end",
                "gsub, \(string()), '(.)', \(table())", "gmatch(\(string()), \(string())), 1",
                "gsub, \(string()), '', \(string())",
            ])
    }

    private mutating func tableFunction() -> String {
        "table."
            + choose([
                "concat, \(table()), \(string())", "insert, \(table()), 1, 0", "remove, \(table()), 1",
                "move, \(table()), 1, \(number()), \(number())", "unpack, \(table()), 1, \(number())",
                "sort, \(table())",
                "sort, \(table()), function(a, b) return true end", "pack, table.unpack(\(table()))",
                "concat, \(table()), s, \(number()), \(number())", "move, {}, 1, 1 << 60, 2",
            ])
    }

    private mutating func base() -> String {
        choose([
            "print, table.unpack(\(table()))", "print, \(string())", "emit, \(table())", "emit, \(string())",
            "tostring, \(string())",
            "tonumber, \(string())", "tonumber, \(string()), 16", "next, \(table())", "error, \(string())",
            "error, \(table())",
            "select, \(number()), table.unpack(\(table()))", "select, '#', table.unpack(\(table()))",
            "assert, null, \(string())",
            "rawequal, \(string()), \(string())", "array, \(table())", "math.max, table.unpack(\(table()))",
            "ipairs, \(table())",
            "rawlen, \(string())", "pairs, \(table())", "pcall, pcall, pcall, error, \(string())",
        ])
    }
}
