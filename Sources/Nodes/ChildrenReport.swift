import Executions
import Glibc
import JSON

/// What a child has said, as far as a report of its failure tells it.
struct ChildrenWords {
    var stderr = ChildTail()
    /// Programs that report on stdout say there why they fail.
    var stdout = ChildTail()

    /// `stderr_tail` and `stdout_tail`, those that there are.
    var details: JSONObject {
        var details: JSONObject = [:]
        if !stderr.text.isEmpty { details["stderr_tail"] = JSONText(stderr.text) }
        if !stdout.text.isEmpty { details["stdout_tail"] = JSONText(stdout.text) }
        return details
    }

    /// The line that says most likely what went wrong.
    var lastLine: String? { stderr.lastLine ?? stdout.lastLine }
}

extension NodeFailure {
    /// Why an attempt failed whose child has ended: with an exit status, by a signal, or before it ran.
    init(_ end: ProcessEnd, _ words: ChildrenWords, prefix: String = "") {
        let last = words.lastLine.map { ": \($0)" } ?? ""
        var details: JSONObject = [:]
        var message: String
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
        for (key, value) in words.details { details[key] = value }
        if let advice = ServiceConfinement.advice(end, words) { message += "; \(advice)" }
        self.init(prefix + message, details: details)
    }

    /// With what the child has said until it was ended for this reason.
    func adding(_ words: ChildrenWords) -> NodeFailure {
        keepingWords(of: NodeFailure("", details: words.details))
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
