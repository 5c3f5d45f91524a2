import Executions
import Graphs
import JSON

/// `delay`: lets time pass.
struct DelayKind: NodeKind {
    /// Thirty days: a graph that sleeps longer has forgotten what for.
    static let millisecondsMax = 30 * 24 * 60 * 60 * 1000

    let name = "delay"
    let title = "Delay"
    let summary = "Waits for a time, then lets the nodes after it go on. Holds no thread meanwhile."
    let runsCode = false

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "duration_ms": [
                "type": "integer", "minimum": 0, "maximum": JSONText(millisecondsMax), "title": "Duration",
                "description":
                    "How long to wait, in milliseconds: up to thirty days, counted from the first start across restarts.",
            ]
        ],
        "required": ["duration_ms"],
        "additionalProperties": false,
    ]

    func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        guard let duration = config["duration_ms"]?.double else {
            throw GraphFaults(pointer: "/duration_ms", "is missing")
        }
        return DelayBody(milliseconds: Int64(duration))
    }
}

private struct DelayBody: NodeBody {
    let milliseconds: Int64
    var delayMilliseconds: Int64? { milliseconds }

    func start(_ call: NodeCall) -> NodeStart {
        guard milliseconds > 0 else { return .finished(.success(update: [:])) }
        return .parked(NodeWait(milliseconds: milliseconds))
    }
}
