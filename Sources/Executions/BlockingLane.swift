import Linux
import Synchronization

/// Threads of their own for work that blocks or takes long, so that the worker pool never waits for it: a fixed number.
///
/// Jobs have an owner, such as the token that asked for them. An owner takes a thread only while more are free than it holds:
/// whatever somebody's jobs are and however long they take, there is a thread for another's, and the system shares the
/// processors between them. Of one owner they run first in, first out; owners that wait take turns. Long work comes in steps,
/// each of which goes to the end of the queue, so that what waits behind it gets its turn.
package final class BlockingLane: Sendable {
    package typealias Job = @Sendable () -> Void

    private struct Guarded {
        var jobs = FairQueue<Int, Job>()
        var jobNumber = 0
        /// By owner: threads at work.
        var held: [String: Int] = [:]
        var free: Int
        /// Threads that were woken for a job and found none that could have them.
        var passed = 0
        var threads: [SpawnedThread] = []
        var isStopped = false

        mutating func next() -> (job: Job, owner: String)? {
            var owner = ""
            let job = jobs.popFirst { [held, free] candidate in
                owner = candidate
                return held[candidate] ?? 0 < free
            }
            guard let job else { return nil }
            held[owner, default: 0] += 1
            free -= 1
            return (job, owner)
        }

        mutating func end(_ owner: String) {
            let left = (held[owner] ?? 1) - 1
            held[owner] = left == 0 ? nil : left
            free += 1
        }
    }

    package let name: String
    package let threadCount: Int
    /// Jobs that may wait; what is offered beyond is refused.
    package let jobsMax: Int
    private let scheduling: ThreadScheduling
    private let guarded: Mutex<Guarded>
    private let available = Semaphore()

    package init(name: String, threads: Int, jobsMax: Int, scheduling: ThreadScheduling = .usual) {
        precondition(threads >= 1 && jobsMax >= 1, "a lane has threads, and room for a job")
        self.name = name
        threadCount = threads
        self.jobsMax = jobsMax
        self.scheduling = scheduling
        guarded = Mutex(Guarded(free: threads))
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
        let (threads, dropped) = guarded.withLock { guarded -> ([SpawnedThread], FairQueue<Int, Job>) in
            guarded.isStopped = true
            defer { (guarded.threads, guarded.jobs) = ([], FairQueue()) }
            return (guarded.threads, guarded.jobs)
        }
        for _ in threads { available.signal() }
        for thread in threads { thread.join() }
        // Whatever the jobs held ends here, on the caller's thread.
        _ = consume dropped
    }

    /// Hands a job over, for a client who can be told to come again.
    /// - Returns: false when as many wait as may, or the lane is stopped: it will not run.
    package func offer(of owner: String = "", _ job: @escaping Job) -> Bool {
        add(job, owner, atMost: jobsMax)
    }

    /// Hands a job over that whoever submits it has bounded already: one of a few, or the next step of a longer one.
    package func submit(of owner: String = "", _ job: @escaping Job) {
        _ = add(job, owner, atMost: .max)
    }

    /// Jobs that wait for a thread.
    package var waitingCount: Int { guarded.withLock { $0.jobs.count } }

    private static let stackBytes = 1 << 20

    private func add(_ job: @escaping Job, _ owner: String, atMost jobsMax: Int) -> Bool {
        let isAccepted = guarded.withLock { guarded -> Bool in
            guard !guarded.isStopped, guarded.jobs.count < jobsMax else { return false }
            guarded.jobNumber += 1
            guarded.jobs.append(job, id: guarded.jobNumber, graphID: owner)
            return true
        }
        if isAccepted { available.signal() }
        return isAccepted
    }

    private func run() {
        while true {
            available.wait()
            var next = guarded.withLock { guarded in
                let next = guarded.next()
                if next == nil { guarded.passed += 1 }
                return next
            }
            if next == nil, guarded.withLock({ $0.isStopped }) { return }
            while let (job, owner) = next {
                job()
                next = guarded.withLock { guarded in
                    guarded.end(owner)
                    // For a job that could not have a thread before, nobody else will be woken.
                    guard guarded.passed > 0, let next = guarded.next() else { return nil }
                    guarded.passed -= 1
                    return next
                }
            }
        }
    }
}
