import Glibc

/// Unbuffered text on stdout and stderr.
enum Terminal {
    /// A whole line on stdout.
    static func print(_ line: String) {
        put("\(line)\n", on: STDOUT_FILENO)
    }

    /// A whole line on stderr.
    static func complain(_ line: String) {
        put("\(line)\n", on: STDERR_FILENO)
    }

    /// Text on stdout as it is.
    static func write(_ text: String) {
        put(text, on: STDOUT_FILENO)
    }

    private static func put(_ text: String, on descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
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
