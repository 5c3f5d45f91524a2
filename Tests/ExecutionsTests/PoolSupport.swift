import Executions
import Glibc
import Linux

/// Runs `body` on a thread like those of the pool, and waits for it.
func onPoolThread(_ body: @escaping @Sendable () -> Void) throws {
    try spawnThread(name: "test", body: body).join()
}
