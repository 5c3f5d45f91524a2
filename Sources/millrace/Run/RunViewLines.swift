import Executions
import JSON

/// An execution as plain lines, one for each event: time since the start, type, node, and what matters of the rest.
struct RunViewLines {
    private static let typeColumns = 13
    private static let nodeColumns = 16

    /// - Parameter model: with the event applied already.
    static func line(_ event: JSONText, _ model: RunViewModel) -> String {
        let type = event["type"]?.string ?? ""
        var text = time(event, model) + "  " + TerminalText.padded(TerminalText.line(type), columns: typeColumns) + "  "
        let path = (event["path"]?.array ?? []).map { ($0.string ?? $0.description) + "/" }.joined()
        if let node = event["node_id"]?.string {
            text += TerminalText.padded(TerminalText.line(path + node), columns: nodeColumns) + "  "
        }
        text += TerminalText.line(words(type, event))
        return TerminalText.trimmed(text)
    }

    private static func time(_ event: JSONText, _ model: RunViewModel) -> String {
        guard let at = event["timestamp"]?.string.flatMap({ Timestamp.microseconds($0) }),
            let start = model.startedAtMicroseconds
        else { return "+0.000s" }
        return "+\(ReadableText.fixed(Double(at - start) / 1_000_000, digits: 3))s"
    }

    private static func words(_ type: String, _ event: JSONText) -> String {
        switch type {
        case "start":
            let graph = event["graph_id"]?.string ?? ""
            let attempt = event["attempt"]?.int ?? 1
            let resumed = attempt > 1 ? ", attempt \(attempt)" : ""
            let (id, count) = (event["execution_id"]?.string ?? "", event["node_count"]?.int ?? 0)
            return "\(graph)  \(id)  revision \(event["graph_revision"]?.int ?? 0), \(count) nodes\(resumed)"
        case "node_start":
            return (event["node_kind"]?.string ?? "") + attempt(event)
        case "node_output":
            let text = event["data"].map { ReadableText.short($0, bytesMax: 4096) } ?? ""
            return "\(event["channel"]?.string ?? ""): \(text)"
        case "node_complete":
            let retry = event["will_retry"]?.bool == true ? ", will be tried again" : ""
            return (event["status"]?.string ?? "") + duration(event) + attempt(event) + retry + error(event)
        case "complete":
            let failed = event["failed_nodes"]?.array?.compactMap(\.string) ?? []
            let names = failed.isEmpty ? "" : "; failed: \(failed.joined(separator: ", "))"
            return (event["status"]?.string ?? "") + duration(event) + names
        case "error": return "failed" + error(event)
        case "gap": return "events \(event["from"]?.int ?? 0) to \(event["to"]?.int ?? 0) are no longer kept"
        default: return ""
        }
    }

    private static func duration(_ event: JSONText) -> String {
        guard event["status"]?.string != "skipped" else { return "" }
        return event["duration_ms"]?.double.map { " \(ReadableText.duration(milliseconds: $0))" } ?? ""
    }

    private static func attempt(_ event: JSONText) -> String {
        event["attempt"]?.int.flatMap { $0 > 1 ? " attempt \($0)" : nil } ?? ""
    }

    private static func error(_ event: JSONText) -> String {
        event["error"]?.string.map { ": \($0)" } ?? ""
    }
}
