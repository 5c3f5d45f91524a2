import Executions
import Glibc
import Linux

/// What the unit of the service forbids to whatever runs below it, as far as programs stumble over it: a filter of system
/// calls (seccomp(2)). They seldom say what it was.
enum ServiceConfinement {
    /// Whether this process, and so all its children, has such a filter: proc(5), `Seccomp:`.
    static let isFiltered: Bool = {
        let text = (try? SmallFile.read("/proc/self/status", bytesMax: 65_536)).map {
            String(decoding: $0, as: UTF8.self)
        }
        return text?.split(separator: "\n").contains { $0.hasPrefix("Seccomp:") && $0.hasSuffix("2") } ?? false
    }()

    /// What programs write when a call was refused.
    private static let refusals = [
        "Operation not permitted", "EPERM", "Address family not supported", "EAFNOSUPPORT", "Bad system call",
    ]

    /// What to do about an end that the filter has most likely brought about; nil for others.
    static func advice(_ end: ProcessEnd, _ words: ChildrenWords, isFiltered: Bool = isFiltered) -> String? {
        guard isFiltered else { return nil }
        switch end {
        case .killed(SIGTRAP), .killed(SIGSYS): return advice
        // What a shell makes of such a death.
        case .exited(128 + SIGTRAP), .exited(128 + SIGSYS): return advice
        case .exited, .killed: return isRefusal(words.stderr.text) || isRefusal(words.stdout.text) ? advice : nil
        case .notStarted(let reason): return isRefusal(reason) ? advice : nil
        }
    }

    /// The same for an error that node code has raised.
    static func advice(raised message: String, isFiltered: Bool = isFiltered) -> String? {
        isFiltered && isRefusal(message) ? advice : nil
    }

    private static func isRefusal(_ text: String) -> Bool { refusals.contains { text.contains($0) } }

    private static let advice = """
        the service's unit may have forbidden it: code that is compiled while it runs (node, java, pypy) needs \
        MemoryDenyWriteExecute=no, which the drop-in /usr/share/millrace/systemd/jit.conf sets; further limits are \
        SystemCallFilter= and RestrictAddressFamilies=
        """
}
