import Executions
import Linux
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    @Test func `jobs of one thread run in the order they came`() async throws {
        let pool = WorkerPool(threads: 1)
        try pool.start()
        defer { pool.stop() }
        let order = Mutex<[Int]>([])
        await withCheckedContinuation { continuation in
            for number in 0..<1_000 { pool.submit { order.withLock { $0.append(number) } } }
            pool.submit { continuation.resume() }
        }
        #expect(order.withLock { $0 } == Array(0..<1_000))
    }

    @Test func `tasks run on the pool's threads, also after they were suspended`() async throws {
        let pool = WorkerPool(threads: 2)
        try pool.start()
        defer { pool.stop() }
        let threads = await withTaskGroup(of: Set<ThreadID>.self) { group in
            for _ in 0..<200 {
                group.addTask(executorPreference: pool) {
                    let before = ThreadID.current
                    await Task.yield()
                    return [before, ThreadID.current]
                }
            }
            return await group.reduce(into: Set<ThreadID>()) { $0.formUnion($1) }
        }
        #expect(threads.count <= 2)
    }

    @Test func `what was queued before the stop still runs`() async throws {
        let pool = WorkerPool(threads: 2)
        let count = Mutex(0)
        await withCheckedContinuation { continuation in
            for _ in 0..<100 {
                pool.submit {
                    let isLast = count.withLock { count in
                        count += 1
                        return count == 100
                    }
                    if isLast { continuation.resume() }
                }
            }
            pool.stop()
            do { try pool.start() } catch { Issue.record("\(error)") }
        }
        #expect(count.withLock { $0 } == 100)
    }

    @Test func `the load tells what runs and what waits`() async throws {
        let pool = WorkerPool(threads: 1)
        pool.submit {}
        pool.submit {}
        #expect(pool.load == (0, 2))
        try pool.start()
        defer { pool.stop() }
        let busy = await withCheckedContinuation { continuation in
            pool.submit { continuation.resume(returning: pool.load.busy) }
        }
        #expect(busy == 1)
    }
}
