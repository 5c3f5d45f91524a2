import Glibc

/// Output that did not get to where it was to go. What did, stays.
struct OutputFailure: Error, CustomStringConvertible {
    /// An errno.
    let code: Int32

    var description: String { "cannot write to stdout: \(String(cString: strerror(code)))" }

    /// Whether the reader has gone, which is no news to whoever sent it away (`| head`).
    var isReaderGone: Bool { code == EPIPE }
}

/// Unbuffered text on stdout and stderr.
enum Terminal {
    /// A whole line on stdout.
    static func print(_ line: String) throws(OutputFailure) {
        try put("\(line)\n", on: STDOUT_FILENO)
    }

    /// A whole line on stderr; if that cannot be written, there is nobody to tell.
    static func complain(_ line: String) {
        try? put("\(line)\n", on: STDERR_FILENO)
    }

    /// A question on stderr, without an end of the line; if it cannot be written, there is nobody to ask.
    static func ask(_ text: String) {
        try? put(text, on: STDERR_FILENO)
    }

    /// Text on stdout as it is.
    static func write(_ text: String) throws(OutputFailure) {
        try put(text, on: STDOUT_FILENO)
    }

    private static func put(_ text: String, on descriptor: Int32) throws(OutputFailure) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            let code = errno
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, code == EAGAIN {
                // A pipe that somebody else has made non-blocking.
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, -1)
            } else if count == 0 || code != EINTR {
                throw OutputFailure(code: count == 0 ? EIO : code)
            }
        }
    }
}

// MARK: - Their descriptors

extension Terminal {
    /// Occupies the standard descriptors that were closed before the start, in such a way that using them fails as before
    /// (EBADF): else the first socket or file that is opened would become stdout.
    static func holdClosedDescriptors() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Some file systems say only now that what was written is not kept: close(2).
    static func closeOutput() throws(OutputFailure) {
        guard close(STDOUT_FILENO) != 0 else { return }
        let code = errno
        if code != EINTR, code != EBADF { throw OutputFailure(code: code) }
    }
}

// MARK: - What stdout is

extension Terminal {
    struct Size: Equatable, Sendable {
        var columns: Int
        var rows: Int
    }

    /// Whether stdout is a terminal: isatty(3).
    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether lines there can be drawn over.
    static func canRedraw(environment: [String: String]) -> Bool {
        isInteractive && environment["TERM", default: "dumb"] != "dumb"
    }

    /// Whether colours are wanted (no-color.org).
    static func wantsColor(environment: [String: String]) -> Bool {
        environment["NO_COLOR", default: ""].isEmpty
    }

    /// The size of the terminal (ioctl_tty(2), TIOCGWINSZ), or that of the oldest one where it is not known.
    static var size: Size {
        var window = winsize()
        let result = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window)
        guard result == 0, window.ws_col > 0, window.ws_row > 0 else { return Size(columns: 80, rows: 24) }
        return Size(columns: Int(window.ws_col), rows: Int(window.ws_row))
    }
}
