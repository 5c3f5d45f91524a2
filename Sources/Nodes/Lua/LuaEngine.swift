import Synchronization

/// Keeps interpreters between runs: setting one up costs as much as running many small programs.
enum LuaEngine {
    /// Each holds about 50 KiB. Runs that wait for their next slice hold more of them for as long as they take.
    private static let idleMax = 32

    private static let idle = Mutex<[LuaInterpreter]>([])

    /// Why there is none, where `take` gives none.
    static let noMemory = "there is no memory to run Lua in"

    static func take() -> LuaInterpreter? {
        idle.withLock { $0.popLast() } ?? LuaInterpreter()
    }

    /// Takes an interpreter back after a run; one that has grown too much is dropped.
    static func putBack(_ interpreter: LuaInterpreter) {
        guard interpreter.end() else { return }
        idle.withLock { idle in
            if idle.count < idleMax { idle.append(interpreter) }
        }
    }
}
