import Executions
import Glibc
import JSON

extension NodeFailure {
    /// Why an attempt failed whose child has ended: with an exit status, by a signal, or before it ran.
    init(_ end: ProcessEnd, stderr: ChildTail, prefix: String = "") {
        let last = stderr.lastLine.map { ": \($0)" } ?? ""
        var details: JSONObject = [:]
        let message: String
        switch end {
        case .exited(let status):
            message = "exit status \(status)\(last)"
            details["exit_status"] = JSONText(Int(status))
        case .killed(let signal):
            message = "killed by \(signalName(signal))\(last)"
            details["signal"] = JSONText(Int(signal))
        case .notStarted(let reason):
            message = "could not be started: \(reason)"
        }
        if !stderr.text.isEmpty { details["stderr_tail"] = JSONText(stderr.text) }
        self.init(prefix + message, details: details)
    }

    static let cancelled = NodeFailure("cancelled")
}

private func signalName(_ signal: Int32) -> String {
    let names: [Int32: String] = [
        SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
        SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV",
        SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ",
        SIGSYS: "SIGSYS",
    ]
    return names[signal].map { "\($0) (signal \(signal))" } ?? "signal \(signal)"
}
