import JSON

/// What is said once an execution has ended: how, what failed and why, and the final state in short.
struct RunViewSummary {
    /// Keys of the final state that are shown; the rest is counted.
    private static let keysMax = 24
    private static let keyColumnsMax = 24
    private static let traceLinesMax = 40

    let model: RunViewModel

    var lines: [StyledLine] {
        guard let ending = model.ending else { return [] }
        return [verdict(ending)] + failures + finalState(ending.finalState)
    }

    private func verdict(_ ending: RunViewModel.Ending) -> StyledLine {
        var line = StyledLine()
        line.append(ending.status, style(ending.status))
        if let duration = ending.durationMilliseconds {
            line.append(" in \(ReadableText.duration(milliseconds: duration))")
        }
        if !ending.failedNodes.isEmpty { line.append("; failed: \(ending.failedNodes.joined(separator: ", "))", .red) }
        if let fault = ending.fault { line.append(": \(fault)", .red) }
        return line
    }

    private func style(_ status: String) -> StyledLine.Style {
        switch status {
        case "success": .green
        case "cancelled": .yellow
        default: .red
        }
    }

    /// The message of each failed node, with its traceback.
    var failures: [StyledLine] {
        var lines: [StyledLine] = []
        for failure in model.failures {
            lines.append(StyledLine("\(failure.key): \(failure.message)", .red))
            guard let trace = failure.trace else { continue }
            // The end of a traceback says what happened.
            let traced = trace.split { $0.isNewline }.suffix(Self.traceLinesMax)
            lines += traced.map { StyledLine("    \($0)", .dim) }
        }
        let rest = model.failureCount - model.failures.count
        if rest > 0 { lines.append(StyledLine("and \(rest) more", .red)) }
        return lines
    }

    private func finalState(_ state: JSONText?) -> [StyledLine] {
        guard let state = state?.object, !state.isEmpty else { return [] }
        let shown = Array(state.prefix(Self.keysMax))
        let widest = shown.map { TerminalText.width(TerminalText.line($0.key.string)) }.max() ?? 0
        var lines = [StyledLine("final state", .bold)]
        for (key, value) in shown {
            var line = StyledLine("  ")
            line.append(key.string, column: min(widest, Self.keyColumnsMax), .dim)
            line.append(String(decoding: value.bytes.prefix(1024), as: UTF8.self))
            lines.append(line)
        }
        if state.count > shown.count { lines.append(StyledLine("  … \(state.count - shown.count) more keys", .dim)) }
        return lines
    }
}
