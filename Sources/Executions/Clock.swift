import Synchronization

/// Time as the engine sees it: the reactor's timer wheel in the daemon, a hand-turned one in tests.
package protocol Clock: AnyObject, Sendable {
    /// Nanoseconds of a clock that never steps (`CLOCK_MONOTONIC`).
    var monotonicNanoseconds: UInt64 { get }
    /// Microseconds since 1970-01-01 UTC (`CLOCK_REALTIME`); may step.
    var wallMicroseconds: Int64 { get }
    /// Calls `action` once, after the delay, on the clock's own thread: short, and never blocking.
    func schedule(afterMilliseconds: Int64, _ action: @escaping @Sendable () -> Void) -> any ClockTimer
}

package protocol ClockTimer: Sendable {
    /// The action will not run any more, unless it is running already.
    func cancel()
}

extension Clock {
    /// Suspends the task without holding a thread.
    /// - Returns: false when the task was cancelled before the time was over.
    package func sleep(milliseconds: Int64) async -> Bool {
        let waiter = Waiter()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let timer = schedule(afterMilliseconds: milliseconds) { waiter.finish(true) }
                waiter.wait(continuation, timer)
            }
        } onCancel: {
            waiter.finish(false)
        }
    }
}

/// One sleeper: whoever comes first, timer or cancellation, resumes it, once.
private final class Waiter: Sendable {
    private struct Guarded {
        var result: Bool?
        var continuation: CheckedContinuation<Bool, Never>?
        var timer: (any ClockTimer)?
    }
    private let guarded = Mutex(Guarded())

    func wait(_ continuation: CheckedContinuation<Bool, Never>, _ timer: any ClockTimer) {
        let already = guarded.withLock { guarded -> Bool? in
            if guarded.result == nil {
                guarded.continuation = continuation
                guarded.timer = timer
            }
            return guarded.result
        }
        guard let already else { return }
        timer.cancel()
        continuation.resume(returning: already)
    }

    func finish(_ result: Bool) {
        let (continuation, timer) = guarded.withLock {
            guarded -> (CheckedContinuation<Bool, Never>?, (any ClockTimer)?) in
            guard guarded.result == nil else { return (nil, nil) }
            guarded.result = result
            defer {
                guarded.continuation = nil
                guarded.timer = nil
            }
            return (guarded.continuation, guarded.timer)
        }
        timer?.cancel()
        continuation?.resume(returning: result)
    }
}
