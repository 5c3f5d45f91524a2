import Glibc

/// A counting semaphore: what the store thread sleeps on, and those who wait for an answer from it. Made of a condition
/// variable (pthread_cond_init(3)), because that can wait by the clock that never steps.
final class Semaphore: Sendable {
    private struct Parts {
        var mutex = pthread_mutex_t()
        var condition = pthread_cond_t()
        var count = 0
    }

    // because the parts lie at one address until nobody refers to them, and the count is touched under the mutex only
    private nonisolated(unsafe) let parts: UnsafeMutablePointer<Parts>

    init() {
        parts = .allocate(capacity: 1)
        parts.initialize(to: Parts())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(&parts.pointee.condition, &attributes)
        pthread_mutex_init(&parts.pointee.mutex, nil)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(&parts.pointee.condition)
        pthread_mutex_destroy(&parts.pointee.mutex)
        parts.deallocate()
    }

    func post() {
        pthread_mutex_lock(&parts.pointee.mutex)
        parts.pointee.count += 1
        pthread_mutex_unlock(&parts.pointee.mutex)
        // After the unlock, or who wakes would wait for the mutex at once.
        pthread_cond_signal(&parts.pointee.condition)
    }

    /// Takes one `post`; waits for it if there is none.
    func wait() {
        pthread_mutex_lock(&parts.pointee.mutex)
        while parts.pointee.count == 0 { pthread_cond_wait(&parts.pointee.condition, &parts.pointee.mutex) }
        parts.pointee.count -= 1
        pthread_mutex_unlock(&parts.pointee.mutex)
    }

    /// Takes one `post`, or gives up once the time is over.
    func wait(milliseconds: Int) {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let nanoseconds = deadline.tv_nsec + milliseconds % 1000 * 1_000_000
        deadline.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
        deadline.tv_nsec = nanoseconds % 1_000_000_000
        pthread_mutex_lock(&parts.pointee.mutex)
        var code: Int32 = 0
        while parts.pointee.count == 0, code != ETIMEDOUT {
            code = pthread_cond_timedwait(&parts.pointee.condition, &parts.pointee.mutex, &deadline)
        }
        if parts.pointee.count > 0 { parts.pointee.count -= 1 }
        pthread_mutex_unlock(&parts.pointee.mutex)
    }
}
