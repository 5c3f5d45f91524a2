import Synchronization

/// A compiled Lua program, which can run any number of times, at once too.
package final class LuaProgram: Sendable {
    /// Unique in the process: interpreters know programs by it.
    let identity: UInt64
    let bytecode: [UInt8]
    /// Whether it may look at the global `nodes`. A program that merely uses the word is taken for one that does.
    let mentionsNodes: Bool

    private static let lastIdentity = Atomic<UInt64>(0)

    private init(_ source: String, name: String) throws(LuaSyntaxError) {
        guard source.utf8.count <= LuaLimits.sourceBytesMax else {
            throw LuaSyntaxError(message: "\(name): longer than \(LuaLimits.sourceBytesMax) bytes")
        }
        let interpreter = LuaEngine.take()
        defer { LuaEngine.putBack(interpreter) }
        bytecode = try interpreter.compile(source, name: name)
        identity = Self.lastIdentity.add(1, ordering: .relaxed).newValue
        // `_ENV` reaches globals by names that are made up at run time.
        mentionsNodes = source.contains("nodes") || source.contains("_ENV")
    }

    /// A sequence of statements; `name` stands in messages.
    package static func chunk(_ source: String, name: String) throws(LuaSyntaxError) -> LuaProgram {
        try LuaProgram(source, name: name)
    }

    /// A single expression.
    package static func expression(_ source: String, name: String) throws(LuaSyntaxError) -> LuaProgram {
        do {
            // The line feed ends a comment that the expression may end with.
            let program = try LuaProgram("return (\(source)\n)", name: name)
            // Without it, errors name the line that they are in.
            return (try? LuaProgram("return (\(source))", name: name)) ?? program
        } catch {
            // Say what is wrong with the expression as it was written, not with what was put around it.
            _ = try LuaProgram("return \(source)", name: name)
            throw error
        }
    }
}
