// What the log says of an execution: one line for each start and end, of it and of its nodes. These lines are most of the log,
// so what several of them say is made once and copied, and their words are literals that the compiler turns into stores.

import Config
import Executions
import JSON

/// Words in the buffer that later lines of the same batch copy.
private struct Said {
    var range = 0..<0
    /// The journal's open field, from the range's start.
    var openField = 0

    var isNothing: Bool { range.isEmpty }
}

/// The attempt that a line was about, for the one about its end: it mostly follows at once.
private struct SaidNode {
    var rank = -1
    var attempt = 0
    var range = 0..<0
}

extension LogLine {
    /// The lines of a batch of events, but for what is less severe than what is logged.
    mutating func write(_ events: borrowing ObservedEvents, of log: EventLog, _ severityMin: Int) {
        let writesInfo = LogLevel.info.severity >= severityMin
        let revision = log.graph
        var (execution, nodeStarted, nodeEnded, node) = (Said(), Said(), Said(), SaidNode())
        for event in events.all {
            let microseconds = event.timestampMicroseconds
            switch event.body {
            case .start(let attempt):
                guard writesInfo else { continue }
                begin(microseconds)
                say(.info, .executionStarted, .here(), log, &execution)
                put(" revision=", json: ",\"revision\":")
                writer.append(decimal: revision.identity.revision)
                if attempt > 1 { put(attempt: attempt) }
            case .nodeStart(let rank, let attempt):
                guard writesInfo else { continue }
                begin(microseconds)
                if nodeStarted.isNothing {
                    nodeStarted = say(.info, .nodeStarted, .here(), log, &execution)
                } else {
                    sayAgain(nodeStarted, log)
                }
                put(rank, attempt: attempt, revision, &node)
            case .nodeComplete(let completion):
                let failed = completion.status == .error
                guard writesInfo || failed && LogLevel.warning.severity >= severityMin else { continue }
                begin(microseconds)
                if failed {
                    say(.warning, .nodeFailed, .here(), log, &execution)
                } else if nodeEnded.isNothing {
                    nodeEnded = say(.info, .nodeEnded, .here(), log, &execution)
                } else {
                    sayAgain(nodeEnded, log)
                }
                put(completion.rank, attempt: completion.attempt, revision, &node)
                put(status: completion.status.name, completion.durationMicroseconds)
                if let error = completion.error { field("error", events.message(error)) }
            case .complete(let status, let duration):
                guard writesInfo else { continue }
                begin(microseconds)
                say(.info, .executionEnded, .here(), log, &execution)
                put(status: status.name, duration)
            case .error(let error, let duration):
                guard LogLevel.error.severity >= severityMin else { continue }
                begin(microseconds)
                say(.error, .executionFailed, .here(), log, &execution)
                put(status: ExecutionStatus.failed.name, duration)
                field("error", events.message(error))
            }
            finish()
        }
    }

    /// Says what has happened, and to which execution.
    /// - Returns: what other lines about the same can copy.
    @discardableResult
    private mutating func say(
        _ level: LogLevel, _ message: LogMessage, _ place: LogPlace, _ log: EventLog, _ execution: inout Said
    ) -> Said {
        let start = writer.count
        say(level, message, place)
        if execution.isNothing {
            let start = writer.count
            put(" execution=", json: ",\"execution\":\"")
            writer.append(log.idText)
            put(" graph=", json: "\",\"graph\":\"")
            writer.append(utf8: log.graph.identity.id)
            put("", json: "\"")
            execution.range = start..<writer.count
        } else {
            writer.repeat(execution.range)
        }
        if rendering == .journal { self.execution = log }
        return Said(range: start..<writer.count, openField: openField - start)
    }

    private mutating func sayAgain(_ said: Said, _ log: EventLog) {
        if rendering == .journal {
            openField = writer.count + said.openField
            execution = log
        }
        writer.repeat(said.range)
    }

    /// Says which attempt of which node the line is about.
    private mutating func put(_ rank: Int, attempt: Int, _ revision: GraphRevision, _ last: inout SaidNode) {
        if rendering == .journal { node = revision.idTokens[rank] }
        if rank == last.rank, attempt == last.attempt { return writer.repeat(last.range) }
        let start = writer.count
        put(" node=", json: ",\"node\":")
        // The ids are JSON strings, and need no escapes.
        revision.idTokens[rank].withUnsafeBytes { token in
            writer.append(rendering == .json ? token : UnsafeRawBufferPointer(rebasing: token[1..<token.count - 1]))
        }
        put(attempt: attempt)
        last = SaidNode(rank: rank, attempt: attempt, range: start..<writer.count)
    }

    private mutating func put(attempt: Int) {
        put(" attempt=", json: ",\"attempt\":")
        writer.append(decimal: attempt)
    }

    private mutating func put(status: StaticString, _ durationMicroseconds: Int64) {
        put(" status=", json: ",\"status\":\"")
        writer.append(status)
        put(" duration_ms=", json: "\",\"duration_ms\":")
        writer.append(milliseconds: durationMicroseconds)
    }

    @inline(__always) private mutating func put(_ text: StaticString, json: StaticString) {
        if rendering == .json { writer.append(json) } else { writer.append(text) }
    }
}
