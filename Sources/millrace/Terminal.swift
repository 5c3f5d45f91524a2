import Glibc

/// Whole lines on stdout and stderr, unbuffered.
enum Terminal {
    static func print(_ line: String) {
        put(line, on: STDOUT_FILENO)
    }

    static func complain(_ line: String) {
        put(line, on: STDERR_FILENO)
    }

    private static func put(_ line: String, on descriptor: Int32) {
        var rest = Array("\(line)\n".utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
