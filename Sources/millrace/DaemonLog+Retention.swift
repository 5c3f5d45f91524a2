import Config
import History

extension DaemonLog {
    /// What the history ceases to keep.
    func log(_ word: RetentionWord) {
        switch word {
        case .removed(let report, let limits):
            log(.notice, "the history keeps no longer what is beyond its limits", Self.fields(report, limits))
        case .waits(let executions, let total, let aged, let eventBytes, let limits):
            let minutes = Double(limits.largeRemovalDelayMilliseconds) / 60_000
            log(
                .warning, "most of the history is about to be removed; look at history.retain_* and at the clock",
                [
                    "executions": "\(executions)", "of": "\(total)", "aged": "\(aged)", "event_bytes": "\(eventBytes)",
                    "retain_days": "\(limits.days)", "retain_executions": "\(limits.executions)",
                    "retain_bytes": "\(limits.bytes)", "in_minutes": "\((minutes * 10).rounded() / 10)",
                ])
        case .goesOn: log(.notice, "the removal of most of the history begins, as it was announced")
        }
    }

    private static func fields(_ report: RetentionReport, _ limits: RetentionLimits) -> KeyValuePairs<
        StaticString, String
    > {
        var reasons: [String] = []
        if report.agedExecutions > 0 { reasons.append("retain_days=\(limits.days)") }
        if report.surplusExecutions > 0 { reasons.append("retain_executions=\(limits.executions)") }
        if report.isTooLarge { reasons.append("retain_bytes=\(limits.bytes)") }
        if reasons.isEmpty { reasons.append(report.revisions > 0 ? "revisions that nobody names" : "deleted by hand") }
        return [
            "executions": "\(report.agedExecutions + report.surplusExecutions)", "event_bytes": "\(report.eventBytes)",
            "revisions": "\(report.revisions)", "because": reasons.joined(separator: " "),
        ]
    }
}
