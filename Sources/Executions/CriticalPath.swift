import Graphs

/// Finds the critical path and the slack of nodes whose segments are known.
struct CriticalPath {
    private let traces: [ProfileBuilder.Trace]
    private let graph: Graph
    private let wall: Int64
    private let isFinal: Bool
    /// The ranks that have a slack: those that ran and ended or, until the execution ends, run.
    private let counted: [Int]
    /// The last end among them.
    private let end: Int64

    init(_ traces: [ProfileBuilder.Trace], _ graph: Graph, wall: Int64, isFinal: Bool) {
        self.traces = traces
        self.graph = graph
        self.wall = wall
        self.isFinal = isFinal
        let ran = traces.indices.filter { traces[$0].hasRun }
        let ended = ran.filter { !isFinal || traces[$0].endedAt != nil }
        counted = ended.isEmpty ? ran : ended
        end = counted.reduce(0) { max($0, traces[$1].endedAt ?? wall) }
    }

    var profile: Profile {
        var nodes = traces.map(\.node)
        let latest = latestEnds
        for rank in counted { nodes[rank].slack = max(0, latest[rank] - endOf(rank)) }
        return Profile(wall: wall, isFinal: isFinal, nodes: nodes, criticalPath: path)
    }

    private func endOf(_ rank: Int) -> Int64 { traces[rank].endedAt ?? wall }

    /// By rank: when each could have ended at the latest, if all behind it had taken as long as it did.
    private var latestEnds: [Int64] {
        var latest = [Int64](repeating: end, count: traces.count)
        let isCounted = Set(counted)
        for rank in traces.indices.reversed() {
            for index in graph.outgoing[rank] {
                let target = graph.edges[index].to
                guard let ready = traces[target].node.readyAt,
                    isCounted.contains(target) || traces[target].endedAt != nil
                else { continue }
                latest[rank] = min(latest[rank], latest[target] - (endOf(target) - ready))
            }
        }
        return latest
    }

    /// From the last end back to the start, each node to the source that it waited for.
    private var path: [Profile.Part] {
        var parts: [Profile.Part] = []
        var cursor = wall
        func take(_ part: Profile.Part) {
            if part.duration > 0 { parts.append(part) }
            cursor = part.start
        }
        func fill(downTo time: Int64) {
            if time < cursor { take(Profile.Part(rank: nil, activity: nil, start: time, duration: cursor - time)) }
        }
        var next = last
        while let rank = next {
            if traces[rank].hasRun {
                fill(downTo: endOf(rank))
                for segment in traces[rank].node.segments.reversed() {
                    take(
                        Profile.Part(
                            rank: rank, activity: segment.activity, start: segment.start, duration: segment.duration))
                }
            }
            next = traces[rank].lastSource < 0 ? nil : Int(traces[rank].lastSource)
        }
        fill(downTo: 0)
        return parts.reversed()
    }

    /// Where the way back begins. Of several that end together, those that run come before those that wait, then those that
    /// were ready first.
    private var last: Int? {
        func key(_ rank: Int) -> (Int, Int64, Int) {
            let isWaiting = traces[rank].endedAt == nil && traces[rank].node.segments.last?.activity != .run
            return (isWaiting ? 1 : 0, traces[rank].node.readyAt ?? 0, rank)
        }
        return counted.filter { endOf($0) == end }.min { key($0) < key($1) }
    }
}
