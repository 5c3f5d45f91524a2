// What the log says of an execution: one line for each start and end, of it and of its nodes.

import Config
import Executions

extension EventRecord.Body {
    /// Nil for what is not logged. The place is that of the case.
    fileprivate var logged: (LogLevel, LogMessage, LogPlace)? {
        switch self {
        case .start: (.info, .executionStarted, .here())
        case .nodeStart: (.info, .nodeStarted, .here())
        case .nodeComplete(let completion) where completion.status == .error: (.warning, .nodeFailed, .here())
        case .nodeComplete: (.info, .nodeEnded, .here())
        case .complete: (.info, .executionEnded, .here())
        case .error: (.error, .executionFailed, .here())
        case .nodeOutput: nil
        }
    }
}

extension LogLine {
    /// The line of an event, unless it is less severe than what is logged.
    mutating func write(_ event: EventRecord.Body, _ microseconds: Int64, _ log: EventLog, _ severityMin: Int) {
        guard let (level, message, place) = event.logged, level.severity >= severityMin else { return }
        begin(level, microseconds, message, place)
        identify(log)
        switch event {
        case .start(let attempt, _):
            field("revision", log.graph.identity.revision)
            if attempt > 1 { field("attempt", attempt) }
        case .nodeStart(let rank, let attempt):
            identify(node: log.graph.idTokens[rank])
            field("attempt", attempt)
        case .nodeComplete(let completion):
            identify(node: log.graph.idTokens[completion.rank])
            field("attempt", completion.attempt)
            plain("status", completion.status.name)
            field(milliseconds: completion.durationMicroseconds)
            if let error = completion.error { field("error", error) }
        case .complete(let status, let duration, _):
            plain("status", status.name)
            field(milliseconds: duration)
        case .error(let message, _, let duration):
            plain("status", ExecutionStatus.failed.name)
            field(milliseconds: duration)
            field("error", message)
        case .nodeOutput: break
        }
        finish()
    }
}
