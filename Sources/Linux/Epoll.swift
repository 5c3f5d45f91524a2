import CLinux
import Glibc

/// What a descriptor is ready for, or has to say.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// EPOLLIN: bytes, connections, or the end of the stream can be read.
    package static let readable = Readiness(rawValue: clinux_epoll_in)
    /// EPOLLOUT: bytes can be written.
    package static let writable = Readiness(rawValue: clinux_epoll_out)
    /// EPOLLRDHUP: the peer has shut down its writing side.
    package static let peerFinished = Readiness(rawValue: clinux_epoll_rdhup)
    /// EPOLLHUP: both sides are closed.
    package static let hungUp = Readiness(rawValue: clinux_epoll_hup)
    /// EPOLLERR: the next call tells the error.
    package static let failed = Readiness(rawValue: clinux_epoll_err)
}

/// What a descriptor is watched for. Edge-triggered, but for `level`, so a handler reads or writes until `wouldBlock`.
package enum Interest: Sendable {
    /// A socket, in both directions, and the peer's end of it.
    case stream
    /// A listener, the reading end of a pipe, or a descriptor that only reports.
    case input
    /// The writing end of a pipe.
    case output
    /// Of a library, which says what it waits for and leaves unread what it likes: told again for as long as it is so.
    case level(Readiness)

    var bits: UInt32 {
        switch self {
        case .stream: clinux_epoll_in | clinux_epoll_out | clinux_epoll_rdhup | clinux_epoll_edge_triggered
        case .input: clinux_epoll_in | clinux_epoll_rdhup | clinux_epoll_edge_triggered
        case .output: clinux_epoll_out | clinux_epoll_edge_triggered
        case .level(let readiness): readiness.rawValue
        }
    }
}

/// epoll(7): waits for many descriptors at once. Events carry a token of the caller, never a descriptor.
package struct Epoll: ~Copyable {
    private let descriptor: Descriptor
    private let events: UnsafeMutableBufferPointer<epoll_event>

    /// epoll_create1(2). One wait reports at most `eventsMax` events.
    package init(eventsMax: Int) throws(SystemError) {
        descriptor = Descriptor(owning: try checked("epoll_create1") { clinux_epoll_create() })
        events = .allocate(capacity: eventsMax)
        events.initialize(repeating: epoll_event())
    }

    deinit { events.deallocate() }

    /// epoll_ctl(2) EPOLL_CTL_ADD. Throws `noSpace` at the system's limit of watches, `alreadyExists` when added twice.
    package borrowing func add(_ raw: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
        let epoll = descriptor.raw
        try checked("epoll_ctl") { clinux_epoll_add(epoll, raw, interest.bits, token) }
    }

    /// epoll_ctl(2) EPOLL_CTL_DEL. `raw` must be open and watched: all else is a bug and traps.
    package borrowing func remove(_ raw: Int32) {
        let result = clinux_epoll_remove(descriptor.raw, raw)
        precondition(result == 0, "descriptor \(raw) is removed from epoll while it is open, and once")
    }

    /// epoll_wait(2): the number of events; 0 after the timeout, and also when a signal handler ran. -1 waits forever.
    package borrowing func wait(timeoutMilliseconds: Int32) throws(SystemError) -> Int {
        let count = clinux_epoll_wait(descriptor.raw, events.baseAddress, Int32(events.count), timeoutMilliseconds)
        let code = errno
        if count >= 0 { return Int(count) }
        // The caller's deadlines decide how long to wait again.
        if code == EINTR { return 0 }
        throw SystemError(code, "epoll_wait")
    }

    /// An event of the last wait.
    package subscript(index: Int) -> (token: UInt64, readiness: Readiness) {
        let event = UnsafePointer(events.baseAddress! + index)
        return (clinux_epoll_event_token(event), Readiness(rawValue: clinux_epoll_event_bits(event)))
    }
}
