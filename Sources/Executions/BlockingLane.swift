import DequeModule
import Linux
import Synchronization

/// Threads of their own for work that blocks or takes long, so that the worker pool never waits for it: a fixed number, one
/// queue, first in, first out. Long work comes in steps, each of which goes to the end of the queue, so that what waits
/// behind it gets its turn.
package final class BlockingLane: Sendable {
    package typealias Job = @Sendable () -> Void

    private struct Guarded {
        var jobs = Deque<Job>()
        var threads: [SpawnedThread] = []
        var isStopped = false
    }

    package let name: String
    package let threadCount: Int
    /// Jobs that may wait; what is offered beyond is refused.
    package let jobsMax: Int
    private let scheduling: ThreadScheduling
    private let guarded = Mutex(Guarded())
    private let available = Semaphore()

    package init(name: String, threads: Int, jobsMax: Int, scheduling: ThreadScheduling = .usual) {
        precondition(threads >= 1 && jobsMax >= 1, "a lane has threads, and room for a job")
        self.name = name
        threadCount = threads
        self.jobsMax = jobsMax
        self.scheduling = scheduling
    }

    /// Starts the threads. What was submitted before runs now.
    package func start() throws(SystemError) {
        for index in 0..<threadCount {
            // Documents nest deep, and are read by recursion.
            let thread = try spawnThread(
                name: "\(name)-\(index)", stackBytes: Self.stackBytes, scheduling: scheduling
            ) { self.run() }
            guarded.withLock { $0.threads.append(thread) }
        }
    }

    /// Jobs that run come to their end, and are waited for; those that wait are let go of.
    package func stop() {
        let (threads, dropped) = guarded.withLock { guarded -> ([SpawnedThread], Deque<Job>) in
            guarded.isStopped = true
            defer { (guarded.threads, guarded.jobs) = ([], []) }
            return (guarded.threads, guarded.jobs)
        }
        for _ in threads { available.signal() }
        for thread in threads { thread.join() }
        // Whatever the jobs held ends here, on the caller's thread.
        _ = consume dropped
    }

    /// Hands a job over, for a client who can be told to come again.
    /// - Returns: false when as many wait as may, or the lane is stopped: it will not run.
    package func offer(_ job: @escaping Job) -> Bool {
        add(job, atMost: jobsMax)
    }

    /// Hands a job over that whoever submits it has bounded already: one of a few, or the next step of a longer one.
    package func submit(_ job: @escaping Job) {
        _ = add(job, atMost: .max)
    }

    /// Jobs that wait for a thread.
    package var waitingCount: Int { guarded.withLock { $0.jobs.count } }

    private static let stackBytes = 1 << 20

    private func add(_ job: @escaping Job, atMost jobsMax: Int) -> Bool {
        let isAccepted = guarded.withLock { guarded -> Bool in
            guard !guarded.isStopped, guarded.jobs.count < jobsMax else { return false }
            guarded.jobs.append(job)
            return true
        }
        if isAccepted { available.signal() }
        return isAccepted
    }

    private func run() {
        while true {
            available.wait()
            let (job, isStopped) = guarded.withLock { ($0.jobs.popFirst(), $0.isStopped) }
            if let job { job() } else if isStopped { return }
        }
    }
}
