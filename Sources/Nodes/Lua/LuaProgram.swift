import Synchronization

/// A compiled Lua program, which can run any number of times, at once too.
package final class LuaProgram: Sendable {
    /// Unique in the process: interpreters know programs by it.
    let identity: UInt64
    let bytecode: [UInt8]
    /// Whether it may look at the global `nodes`. A program that merely uses the word is taken for one that does.
    let mentionsNodes: Bool

    private static let lastIdentity = Atomic<UInt64>(0)

    private init(
        _ source: String, wrapped: (head: String, tail: String)? = nil, name: String, bytesMax: Int,
        cpuMilliseconds: Int
    ) throws(LuaSyntaxError) {
        guard source.utf8.count <= bytesMax else {
            throw LuaSyntaxError(message: "\(name): longer than \(bytesMax) bytes")
        }
        guard let interpreter = LuaEngine.take() else {
            throw LuaSyntaxError(message: "\(name): \(LuaEngine.noMemory)")
        }
        defer { LuaEngine.putBack(interpreter) }
        let text = wrapped.map { $0.head + source + $0.tail } ?? source
        bytecode = try interpreter.compile(text, name: name, cpuMilliseconds: cpuMilliseconds)
        identity = Self.lastIdentity.add(1, ordering: .relaxed).newValue
        // `_ENV` reaches globals by names that are made up at run time.
        mentionsNodes = source.contains("nodes") || source.contains("_ENV")
    }

    /// A sequence of statements; `name` stands in messages.
    package static func chunk(_ source: String, name: String) throws(LuaSyntaxError) -> LuaProgram {
        do {
            return try LuaProgram(
                source, name: name, bytesMax: LuaLimits.sourceBytesMax, cpuMilliseconds: LuaLimits.compileMilliseconds)
        } catch {
            throw error.hinting(at: source)
        }
    }

    /// A single expression.
    package static func expression(_ source: String, name: String) throws(LuaSyntaxError) -> LuaProgram {
        do {
            return try expression(
                source, name: name, ("return (", LuaLexer.endsInComment(Array(source.utf8)) ? "\n)" : ")"))
        } catch {
            do {
                // Say what is wrong with the expression as it was written, not with what was put around it.
                _ = try expression(source, name: name, ("return ", ""))
            } catch {
                throw error.hinting(at: source)
            }
            throw error.hinting(at: source)
        }
    }

    private static func expression(
        _ source: String, name: String, _ wrapped: (head: String, tail: String)
    ) throws(LuaSyntaxError) -> LuaProgram {
        try LuaProgram(
            source, wrapped: wrapped, name: name, bytesMax: LuaLimits.expressionBytesMax,
            cpuMilliseconds: LuaLimits.expressionCompileMilliseconds)
    }
}

extension LuaSyntaxError {
    /// With a word on what Lua writes in another way than other languages.
    fileprivate func hinting(at source: String) -> LuaSyntaxError {
        guard source.utf8.count <= LuaLimits.expressionBytesMax, let hint = LuaLexer.hint(on: Array(source.utf8)) else {
            return self
        }
        return LuaSyntaxError(message: "\(message) (\(hint))")
    }
}
