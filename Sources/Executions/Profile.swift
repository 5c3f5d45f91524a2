// Where the time of one execution went: a pure function of its records (`ProfileBuilder`).
//
// A node's time from the moment it was ready to its end is covered by segments without a gap, and it is ready at the very
// moment when the last of its sources ends. So the way back from the last end, from each node to the source that it waited
// for, covers the whole time of the execution: that is the critical path, and its parts add up to the wall time. What lies
// between two nodes or behind the last one is the engine's own.

/// Times are microseconds since the first `start`, by the wall clock with its steps taken out.
package struct Profile: Sendable, Equatable {
    package enum Activity: String, Sendable, CaseIterable {
        /// Ready, and waiting for one of the places of `max_parallel_nodes`, or started and waiting for a worker.
        case queue
        case run
        /// Between an attempt that failed and the time of the next one.
        case retryWait = "retry_wait"
        /// For somebody's answer.
        case wait
        /// Work that a restart of the daemon undid, and the time in which there was no daemon.
        case interrupted
    }

    package struct Segment: Sendable, Equatable {
        package var activity: Activity
        /// The attempt that runs, or that is waited for.
        package var attempt: Int
        package var start: Int64
        package var duration: Int64
        /// Of a wait in the queue: it came after the node's start, and was for a worker.
        package var isForWorker = false

        package var end: Int64 { start + duration }
    }

    package struct Node: Sendable, Equatable {
        package var progress = NodeProgress.pending
        package var attempts = 0
        /// Nil if it never was.
        package var readyAt: Int64?
        /// In order, without gaps, from `readyAt` on.
        package var segments: [Segment] = []
        /// By how much it could have ended later without delaying the end of all; nil for a node that did not run, or that
        /// has no end of its own.
        package var slack: Int64?
        /// Whether it has no slack at all.
        package var isCritical: Bool { slack == 0 }

        /// Of the time in the queue, what was spent waiting for a worker.
        package var workerWait: Int64 { segments.reduce(0) { $0 + ($1.isForWorker ? $1.duration : 0) } }

        package func total(_ activity: Activity) -> Int64 {
            segments.reduce(0) { $0 + ($1.activity == activity ? $1.duration : 0) }
        }
    }

    /// A piece of the critical path.
    package struct Part: Sendable, Equatable {
        /// Nil: the engine's own time.
        package var rank: Int?
        /// Nil: the engine's own time.
        package var activity: Activity?
        package var start: Int64
        package var duration: Int64
    }

    /// The node that takes the most of the critical path.
    package struct Bottleneck: Sendable, Equatable {
        package var rank: Int
        /// What it does there for the longest time.
        package var activity: Activity
        /// All its time on the critical path.
        package var duration: Int64
        /// Of the wall time, from 0 to 1.
        package var share: Double
    }

    /// From the first `start` to the last event; of an execution that goes on, to the time of looking.
    package var wall: Int64
    /// Nothing will change any more.
    package var isFinal: Bool
    /// By rank.
    package var nodes: [Node]
    package var criticalPath: [Part]
    package var bottleneck: Bottleneck? { Self.bottleneck(criticalPath, wall: wall) }

    private static func bottleneck(_ path: [Part], wall: Int64) -> Bottleneck? {
        var times: [Int: [Activity: Int64]] = [:]
        for part in path {
            guard let rank = part.rank, let activity = part.activity else { continue }
            times[rank, default: [:]][activity, default: 0] += part.duration
        }
        let totals = times.mapValues { $0.values.reduce(0, +) }
        // The first of equals, so that the same records give the same answer.
        guard let most = totals.min(by: { ($1.value, $0.key) < ($0.value, $1.key) }), most.value > 0 else { return nil }
        let activities = times[most.key] ?? [:]
        let longest = Activity.allCases.max { activities[$0, default: 0] < activities[$1, default: 0] } ?? .run
        return Bottleneck(
            rank: most.key, activity: longest, duration: most.value, share: Double(most.value) / Double(max(wall, 1)))
    }
}
