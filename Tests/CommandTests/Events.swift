import JSON

@testable import millrace

/// Events as a daemon sends them, with times in milliseconds since the start.
enum Events {
    static let startMicroseconds: Int64 = 1_750_000_000_000_000

    static func event(_ type: String, at milliseconds: Int, _ rest: String = "") -> JSONText {
        let seconds = milliseconds / 1000
        let fraction = String(1_000_000 + milliseconds % 1000 * 1000).dropFirst()
        let text = """
            {"type":"\(type)","execution_id":"E","graph_id":"g","seq":1,\
            "timestamp":"2025-06-15T15:06:\(40 + seconds).\(fraction)Z"\(rest.isEmpty ? "" : ",")\(rest)}
            """
        do {
            return try JSONText(parsing: text)
        } catch {
            preconditionFailure("\(error): \(text)")
        }
    }

    static func start(_ count: Int) -> JSONText {
        event("start", at: 0, #""graph_revision":1,"node_count":\#(count),"attempt":1"#)
    }

    static func nodeStart(_ id: String, at milliseconds: Int, attempt: Int = 1, path: String = "") -> JSONText {
        event(
            "node_start", at: milliseconds,
            #""node_id":"\#(id)","node_name":"\#(id.uppercased())","node_kind":"lua","attempt":\#(attempt)\#(path)"#)
    }

    static func output(_ id: String, at milliseconds: Int, _ data: String) -> JSONText {
        event("node_output", at: milliseconds, #""node_id":"\#(id)","attempt":1,"channel":"log","data":\#(data)"#)
    }

    static func nodeComplete(
        _ id: String, at milliseconds: Int, _ status: String = "success", attempt: Int = 1, _ rest: String = ""
    ) -> JSONText {
        event(
            "node_complete", at: milliseconds,
            #""node_id":"\#(id)","node_name":"\#(id.uppercased())","attempt":\#(attempt),"status":"\#(status)","duration_ms":12.34,"#
                + #""queue_ms":0.1"# + rest)
    }

    static func complete(at milliseconds: Int, _ status: String, _ rest: String = "") -> JSONText {
        event("complete", at: milliseconds, #""status":"\#(status)","duration_ms":\#(milliseconds)"# + rest)
    }

    /// What is known after these events, each of which came the moment it was made.
    static func model(_ events: [JSONText]) -> RunViewModel {
        var model = RunViewModel()
        for event in events { model.apply(event, wallMicroseconds: startMicroseconds) }
        return model
    }

    /// The frame at a time, without colours.
    static func frame(_ events: [JSONText], at milliseconds: Int, rows: Int = 24, columns: Int = 60) -> [String] {
        let frame = RunViewFrame(
            model: model(events), size: Terminal.Size(columns: columns, rows: rows),
            nowMicroseconds: startMicroseconds + Int64(milliseconds) * 1000, tick: 0)
        return frame.lines.map { $0.rendered(columns: columns, usesColor: false) }
    }
}
