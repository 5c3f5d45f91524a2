import CLinux
import Glibc

/// gettid(2): which thread runs. Unlike pthread_self it is not assumed to stay the same across a suspension.
package struct ThreadID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int32

    package static var current: ThreadID { ThreadID(rawValue: clinux_thread_id()) }

    package var description: String { String(rawValue) }
}

/// pthread_setname_np(3) of the calling thread; cut to the 15 bytes that the kernel keeps.
package func setThreadName(_ name: String) {
    _ = clinux_set_thread_name(String(decoding: name.utf8.prefix(15), as: UTF8.self))
}

/// How the kernel lets a thread run that was just woken (sched(7)).
package enum ThreadScheduling: Sendable {
    /// As all threads: at once, in place of one that runs on the same core.
    case usual
    /// `SCHED_BATCH`: the one that runs may go on, so that more work has gathered when this one's turn comes. On a core that
    /// is free it runs at once all the same.
    case gathering
    /// setpriority(2): the higher the niceness (0 to 19), the more often others go before it. It is never without its share.
    case background(niceness: Int32)
}

/// Starts a thread: pthread_create(3) with a name and a stack of its own size.
package func spawnThread(
    name: String, stackBytes: Int = 512 * 1024, scheduling: ThreadScheduling = .usual,
    body: @escaping @Sendable () -> Void
) throws(SystemError) -> SpawnedThread {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    let sizeCode = pthread_attr_setstacksize(&attributes, stackBytes)
    precondition(sizeCode == 0, "a stack has at least 16 KiB")
    let start = Unmanaged.passRetained(ThreadStart(name: name, scheduling: scheduling, body: body))
    var thread = pthread_t()
    let code = pthread_create(&thread, &attributes, runThread, start.toOpaque())
    if code != 0 {
        start.release()
        throw SystemError(code, "pthread_create \(name)")
    }
    return SpawnedThread(thread: thread)
}

/// A thread that runs. It must be joined or detached, once.
package struct SpawnedThread: Sendable {
    let thread: pthread_t

    /// pthread_join(3): waits until the body has returned.
    package func join() {
        let code = pthread_join(thread, nil)
        precondition(code == 0, "a thread is joined once, and not by itself")
    }

    /// pthread_detach(3): nobody will wait for it.
    package func detach() {
        let code = pthread_detach(thread)
        precondition(code == 0, "a thread is detached once")
    }
}

private final class ThreadStart: Sendable {
    let name: String
    let scheduling: ThreadScheduling
    let body: @Sendable () -> Void

    init(name: String, scheduling: ThreadScheduling, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.scheduling = scheduling
        self.body = body
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    let start = Unmanaged<ThreadStart>.fromOpaque(argument!).takeRetainedValue()
    setThreadName(start.name)
    // Where it is not allowed (a sandbox), the thread runs as others do.
    switch start.scheduling {
    case .usual: break
    case .gathering: _ = clinux_schedule_as_batch()
    case .background(let niceness): _ = clinux_lower_thread_priority(niceness)
    }
    start.body()
    return nil
}
