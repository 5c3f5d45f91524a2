import CLua

/// One interpreter of the C core. A single run uses it at a time, from one thread at a time.
// because the engine hands an interpreter to one run only, and a run is stepped by one task
final class LuaInterpreter: @unchecked Sendable {
    private let lua: OpaquePointer

    /// Nil if there is no memory for it.
    init?() {
        guard let lua = mr_lua_open() else { return nil }
        self.lua = lua
    }

    deinit { mr_lua_close(lua) }

    /// The bytecode of a source text, or why it does not compile.
    func compile(_ source: String, name: String, cpuMilliseconds: Int) throws(LuaSyntaxError) -> [UInt8] {
        var source = source
        source.withUTF8 { text in
            text.withMemoryRebound(to: CChar.self) { text in
                // "=" keeps Lua from adorning the name.
                mr_lua_compile(lua, text.baseAddress, text.count, "=\(name)", UInt64(cpuMilliseconds) * 1_000_000)
            }
        }
        guard mr_lua_resume(lua, 0) == MR_LUA_FINISHED else {
            throw LuaSyntaxError(message: String(decoding: result, as: UTF8.self))
        }
        return result
    }

    func begin(_ program: LuaProgram, _ form: LuaForm, _ limits: LuaLimits, seesNodes: Bool, _ host: mr_lua_host) {
        program.bytecode.withUnsafeBytes { bytecode in
            var parameters = mr_lua_program(
                identity: program.identity, bytecode: bytecode.assumingMemoryBound(to: CChar.self).baseAddress,
                bytecode_length: bytecode.count, form: form.rawForm, sees_nodes: seesNodes,
                cpu_nanoseconds_max: limits.cpuNanoseconds, memory_bytes_max: limits.memoryBytes,
                result_bytes_max: LuaLimits.resultBytesMax)
            var host = host
            mr_lua_begin(lua, &parameters, &host)
        }
    }

    /// What it may use until more is granted.
    func grant(_ bytes: Int) { mr_lua_grant(lua, bytes) }

    func resume(sliceNanoseconds: UInt64) -> mr_lua_status { mr_lua_resume(lua, sliceNanoseconds) }

    /// Whether it is fit for another run.
    func end() -> Bool { mr_lua_end(lua) }

    var cpuNanoseconds: UInt64 { mr_lua_cpu_nanoseconds(lua) }

    var result: [UInt8] {
        var count = 0
        let bytes = mr_lua_result(lua, &count)
        return [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
    }

    var traceback: String {
        var count = 0
        let bytes = mr_lua_traceback(lua, &count)
        return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}

/// Why a program does not compile: `code:3: unexpected symbol near '}'`.
package struct LuaSyntaxError: Error, Sendable {
    package let message: String
}

/// What a run makes of the value that its program returns.
package enum LuaForm: Sendable {
    /// JSON of any value; nil is null.
    case json
    /// JSON of a table with string keys; nil is `{}`, other values are failures.
    case object
    /// Strings as they are, nil as nothing, other values as JSON.
    case text
    /// The same, escaped to stand inside a JSON string.
    case quotedText
    /// One byte for true, none for false, nil and null.
    case truth

    fileprivate var rawForm: mr_lua_form {
        switch self {
        case .json: MR_LUA_JSON
        case .object: MR_LUA_OBJECT
        case .text: MR_LUA_TEXT
        case .quotedText: MR_LUA_QUOTED
        case .truth: MR_LUA_TRUTH
        }
    }
}

/// Bounds of one run.
package struct LuaLimits: Sendable, Equatable {
    /// A program's result, all its output, and each text of a template: as long as a state may be.
    package static let resultBytesMax = 16 * 1024 * 1024
    /// Of the code of a node.
    package static let sourceBytesMax = 1024 * 1024
    /// Of a condition, and of all expressions of a template together: a document may have very many of them.
    package static let expressionBytesMax = 64 * 1024
    /// CPU time of compiling one source. The longest takes a fifth of it; chains of thousands of operators take more, as Lua's
    /// compiler goes through the whole chain for each of them.
    package static let compileMilliseconds = 500
    package static let expressionCompileMilliseconds = 100

    package var cpuMilliseconds: Int {
        get { Int(cpuNanoseconds / 1_000_000) }
        set { cpuNanoseconds = UInt64(newValue) * 1_000_000 }
    }
    package var cpuNanoseconds: UInt64
    package var memoryBytes: Int

    package init(cpuMilliseconds: Int, memoryBytes: Int = 64 * 1024 * 1024) {
        precondition(cpuMilliseconds > 0 && memoryBytes > 0)
        cpuNanoseconds = UInt64(cpuMilliseconds) * 1_000_000
        self.memoryBytes = memoryBytes
    }

    /// What a node may take.
    package static let node = LuaLimits(cpuMilliseconds: 1_000)
    /// What a condition, or all templates of a node together, may take.
    package static let expression = LuaLimits(cpuMilliseconds: 100)
}
