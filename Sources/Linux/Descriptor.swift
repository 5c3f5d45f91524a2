import CLinux
import Glibc

/// An open file descriptor that has exactly one owner. It is closed when the owner drops it; closing twice cannot be
/// written, and a descriptor that someone else closed is a bug and traps. Every descriptor of this module is closed
/// on exec; sockets and pipes do not block unless it is said.
package struct Descriptor: ~Copyable, Sendable {
    /// The number, for calls that only borrow it. Never close it.
    package let raw: Int32

    /// Takes over the ownership of `raw`.
    package init(owning raw: Int32) {
        precondition(raw >= 0, "a descriptor is not negative")
        self.raw = raw
    }

    deinit { Descriptor.closeOnce(raw) }

    /// close(2) that reports what a delayed write may still say (EIO, ENOSPC).
    package consuming func close() throws(SystemError) {
        let raw = self.raw
        discard self
        let result = Glibc.close(raw)
        let code = errno
        precondition(result == 0 || code != EBADF, "descriptor \(raw) was closed by another owner")
        // After EINTR Linux has closed it all the same, so a second attempt could hit a stranger's descriptor.
        if result == -1, code != EINTR { throw SystemError(code, "close") }
    }

    /// Gives the ownership away: the caller must close the number.
    package consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }

    /// A second descriptor for the same open file: fcntl(F_DUPFD_CLOEXEC).
    package borrowing func duplicate(atLeast minimum: Int32 = 0) throws(SystemError) -> Descriptor {
        let raw = self.raw
        return Descriptor(owning: try checked("dup") { clinux_fcntl(raw, F_DUPFD_CLOEXEC, minimum) })
    }

    /// fcntl(F_SETFL, O_NONBLOCK).
    package borrowing func setBlocking(_ isBlocking: Bool) throws(SystemError) {
        let raw = self.raw
        let flags = try checked("fcntl") { clinux_fcntl(raw, F_GETFL, 0) }
        let wanted = isBlocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK
        try checked("fcntl") { clinux_fcntl(raw, F_SETFL, wanted) }
    }

    /// fcntl(F_SETFD, FD_CLOEXEC).
    package borrowing func setClosedOnExec() throws(SystemError) {
        let raw = self.raw
        try checked("fcntl") { clinux_fcntl(raw, F_SETFD, FD_CLOEXEC) }
    }

    private static func closeOnce(_ raw: Int32) {
        let result = Glibc.close(raw)
        let code = errno
        precondition(result == 0 || code != EBADF, "descriptor \(raw) was closed by another owner")
    }
}
