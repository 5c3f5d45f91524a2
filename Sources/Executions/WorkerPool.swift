import DequeModule
import Glibc
import Linux
import Synchronization

/// The threads that run executions and the code of nodes: a fixed number, one queue, first in, first out.
///
/// As a `TaskExecutor` it runs the tasks of nodes that wait; executions step as plain jobs. A job must not block for long:
/// what waits suspends.
package final class WorkerPool: TaskExecutor, Sendable {
    private enum Job: Sendable {
        case task(UnownedJob)
        case work(@Sendable () -> Void)
        case step(@Sendable (_ batch: inout EventBatch) -> Void)
    }

    private struct Guarded {
        var jobs = Deque<Job>()
        var busy = 0
        var afterJobs: [@Sendable () -> Void] = []
        /// Threads that wait for a job, and those of them that were woken and have not looked yet.
        var sleeping = 0
        var woken = 0
        var isStopped = false

        /// - Returns: whether a thread must be woken: all that sleep and were woken will come by themselves.
        mutating func wakesOne() -> Bool {
            guard woken < sleeping else { return false }
            woken += 1
            return true
        }
    }

    /// While jobs wait, what comes after them is put off no longer than this.
    private static let afterJobsNanoseconds: Int64 = 500_000

    package let threadCount: Int
    private let guarded = Mutex(Guarded())
    private let available = Semaphore()

    /// - Parameter threads: at least 1.
    package init(threads: Int) {
        precondition(threads >= 1, "a pool has threads")
        threadCount = threads
    }

    /// Starts the threads; they hold the pool until `stop`.
    package func start() throws(SystemError) {
        for index in 0..<threadCount {
            try spawnThread(name: "worker-\(index)", scheduling: .gathering) { self.run() }.detach()
        }
    }

    /// Jobs that are queued already still run; then the threads end.
    package func stop() {
        guarded.withLock { $0.isStopped = true }
        for _ in 0..<threadCount { available.signal() }
    }

    package func submit(_ work: @escaping @Sendable () -> Void) {
        push(.work(work))
    }

    /// Submits a step of a run, which gathers its events in the thread's batch and leaves it empty.
    func step(_ step: @escaping @Sendable (_ batch: inout EventBatch) -> Void) {
        push(.step(step))
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        push(.task(UnownedJob(job)))
    }

    /// Calls `action` on a worker once no jobs wait any more, or some time after the last time: for what is cheaper done once
    /// for many jobs.
    package func afterJobs(_ action: @escaping @Sendable () -> Void) {
        guarded.withLock { $0.afterJobs.append(action) }
    }

    /// Threads that run a job at this moment, and jobs that wait for one.
    package var load: (busy: Int, queued: Int) {
        guarded.withLock { ($0.busy, $0.jobs.count) }
    }

    private func push(_ job: Job) {
        let mustWake = guarded.withLock { guarded in
            guarded.jobs.append(job)
            return guarded.wakesOne()
        }
        if mustWake { available.signal() }
    }

    /// Waits for a job; nil once the pool is stopped and no job is left.
    private func next() -> Job? {
        while true {
            let (job, isStopped) = guarded.withLock { guarded -> (Job?, Bool) in
                if let job = guarded.jobs.popFirst() {
                    guarded.busy += 1
                    return (job, false)
                }
                if !guarded.isStopped { guarded.sleeping += 1 }
                return (nil, guarded.isStopped)
            }
            if job != nil || isStopped { return job }
            available.wait()
            guarded.withLock { guarded in
                guarded.sleeping -= 1
                // A stop wakes without counting.
                guarded.woken = max(guarded.woken - 1, 0)
            }
        }
    }

    private func run() {
        var batch = EventBatch()
        var lastNanoseconds: Int64 = 0
        while let job = next() {
            switch job {
            case .task(let task): task.runSynchronously(on: asUnownedTaskExecutor())
            case .work(let work): work()
            case .step(let step): step(&batch)
            }
            let (mustWait, actions) = guarded.withLock { guarded in
                guarded.busy -= 1
                return (!guarded.jobs.isEmpty, guarded.afterJobs)
            }
            let now = SystemClock.monotonicNanoseconds()
            if mustWait, now - lastNanoseconds < Self.afterJobsNanoseconds { continue }
            for action in actions { action() }
            lastNanoseconds = now
        }
    }
}

/// A counting semaphore (`sem_init(3)`), which costs a system call only when a thread really waits.
package final class Semaphore: Sendable {
    // because sem_t is made for many threads, and its address never changes
    private nonisolated(unsafe) let semaphore: UnsafeMutablePointer<sem_t>

    package init() {
        semaphore = .allocate(capacity: 1)
        precondition(sem_init(semaphore, 0, 0) == 0, "sem_init takes any zero value")
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    package func signal() {
        sem_post(semaphore)
    }

    /// Lets the time pass, unless the condition holds; signals that come meanwhile are not taken.
    package func wait(atMostMilliseconds milliseconds: Int, unless isOver: () -> Bool) {
        guard !isOver() else { return }
        var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        nanosleep(&time, nil)
    }

    package func wait() {
        while sem_wait(semaphore) != 0 { precondition(errno == EINTR, "sem_wait is only ever interrupted") }
    }
}
