import Synchronization

/// The children that this process has started itself and not reaped yet, whichever thread did: all others are orphans that it
/// has adopted.
enum StartedProcesses {
    private struct Guarded {
        var begun = 0
        var finished = 0
        var known: Set<Int32> = []
    }

    private static let guarded = Mutex(Guarded())

    /// Starts one; its id is known once this returns.
    static func start(_ spawn: () throws(SystemError) -> Int32) throws(SystemError) -> Int32 {
        guarded.withLock { $0.begun += 1 }
        do throws(SystemError) {
            let process = try spawn()
            guarded.withLock {
                $0.known.insert(process)
                $0.finished += 1
            }
            return process
        } catch {
            guarded.withLock { $0.finished += 1 }
            throw error
        }
    }

    /// It was reaped: its id may be another's.
    static func forget(_ process: Int32) {
        guarded.withLock { _ = $0.known.remove(process) }
    }

    /// Those of `children()` that were not started here; nil while one is being started, which may be among them.
    static func strangers(among children: () -> [Int32]) -> [Int32]? {
        let before = guarded.withLock { ($0.begun, $0.finished) }
        guard before.0 == before.1 else { return nil }
        let children = children()
        return guarded.withLock { guarded in
            guarded.begun == before.0 ? children.filter { !guarded.known.contains($0) } : nil
        }
    }
}
