import Graphs

/// Takes the records of one execution in their order, and says where the time went.
package struct ProfileBuilder: Sendable {
    /// One node while the records are read.
    struct Trace: Sendable {
        enum Wait: Sendable { case queue, retry, people }

        var node = Profile.Node()
        var undecided: Int32
        var isTaken = false
        /// The source that was decided last: the one that it waited for. -1 for none.
        var lastSource: Int32 = -1
        /// When that was.
        var decidedAt: Int64 = 0
        var runningSince: Int64?
        var waiting: (kind: Wait, since: Int64)?
        /// Its end for good.
        var endedAt: Int64?

        /// Whether an attempt of it has begun.
        var hasRun: Bool { node.attempts > 0 && !node.segments.isEmpty }
    }

    /// The scope of a node that ended last of those that took longest there.
    package struct Slowest: Sendable, Equatable {
        package let index: Int?
        package let durationMicroseconds: Int64
    }

    let graph: Graph
    /// The scope that it looks at: 0 is the execution itself.
    private let scope: Int32
    private(set) var traces: [Trace]
    /// Of nodes with graphs within, by rank.
    package private(set) var slowest: [Int: Slowest] = [:]
    /// When it began, by the wall clock.
    package private(set) var beganAtMicroseconds: Int64?
    private var clock = Timeline()
    /// From the last event before a restart to the restart.
    private var downtimes: [(from: Int64, to: Int64)] = []
    private var starts = 0
    private(set) var endedAt: Int64?

    /// - Parameter scope: what happens elsewhere is left out.
    package init(graph: Graph, scope: Int32 = 0) {
        self.graph = graph
        self.scope = scope
        traces = graph.incoming.map { Trace(undecided: Int32($0.count)) }
    }

    package mutating func add(_ record: EventRecord) {
        // What happens in scopes is the run of the node around them.
        guard record.scope == scope else { return scope == 0 ? () : addOuter(record) }
        switch record.body {
        case .start: start(record.timestampMicroseconds)
        case .nodeStart(let rank, let attempt):
            nodeStart(rank, attempt, clock.time(record.timestampMicroseconds))
        case .nodeOutput(let rank, let attempt, ApprovalRules.questionChannel, _) where graph.nodes[rank].asks:
            ask(rank, attempt, clock.time(record.timestampMicroseconds))
        case .scopeClosed(let closing):
            note(closing)
            _ = clock.time(record.timestampMicroseconds)
        case .nodeOutput, .signalled, .scopeOpened: _ = clock.time(record.timestampMicroseconds)
        case .nodeComplete(let completion): nodeComplete(completion, record.timestampMicroseconds)
        case .complete(_, let duration, _), .error(_, _, let duration): end(record.timestampMicroseconds, duration)
        }
    }

    /// What lies around a scope: its beginning, its end, and the restarts in between.
    private mutating func addOuter(_ record: EventRecord) {
        switch record.body {
        case .scopeOpened(let opening) where opening.scope == scope && starts == 0: start(record.timestampMicroseconds)
        case .scopeClosed(let closing) where closing.scope == scope && endedAt == nil:
            end(record.timestampMicroseconds, closing.durationMicroseconds)
        case .start where starts > 0 && endedAt == nil: start(record.timestampMicroseconds)
        case .complete, .error: endedAt = endedAt ?? clock.time(record.timestampMicroseconds)
        default: break
        }
    }

    private mutating func note(_ closing: ScopeClosing) {
        guard closing.durationMicroseconds >= slowest[closing.rank]?.durationMicroseconds ?? 0 else { return }
        slowest[closing.rank] = Slowest(
            index: closing.index, durationMicroseconds: closing.durationMicroseconds)
    }

    /// - Parameter nowMicroseconds: the wall clock's time, for an execution that goes on.
    package func profile(nowMicroseconds: Int64) -> Profile {
        guard starts > 0 else {
            return Profile(wall: 0, isFinal: false, nodes: traces.map(\.node), criticalPath: [])
        }
        var clock = clock
        let wall = endedAt ?? clock.time(nowMicroseconds)
        var closed = self
        closed.close(at: wall)
        return CriticalPath(closed.traces, graph, wall: wall, isFinal: endedAt != nil).profile
    }
}

extension ProfileBuilder {
    private mutating func start(_ timestamp: Int64) {
        starts += 1
        guard starts > 1 else {
            clock.begin(at: timestamp)
            beganAtMicroseconds = timestamp
            for rank in traces.indices where graph.incoming[rank].isEmpty { makeReady(rank, at: 0) }
            return
        }
        let before = clock.last
        let now = clock.time(timestamp)
        downtimes.append((before, now))
        for rank in traces.indices {
            guard let since = traces[rank].runningSince, !graph.nodes[rank].parks else { continue }
            append(.interrupted, rank, traces[rank].node.attempts, from: since, to: now)
            traces[rank].runningSince = nil
            traces[rank].waiting = (.queue, now)
        }
    }

    private mutating func makeReady(_ rank: Int, at now: Int64) {
        traces[rank].node.readyAt = now
        traces[rank].waiting = (.queue, now)
    }

    private mutating func nodeStart(_ rank: Int, _ attempt: Int, _ now: Int64) {
        if traces[rank].node.readyAt == nil { makeReady(rank, at: now) }
        endWait(rank, attempt: attempt, at: now)
        traces[rank].node.attempts = attempt
        traces[rank].node.progress = .running
        traces[rank].runningSince = now
    }

    private mutating func ask(_ rank: Int, _ attempt: Int, _ now: Int64) {
        guard let since = traces[rank].runningSince else { return }
        append(.run, rank, attempt, from: since, to: now)
        traces[rank].runningSince = nil
        traces[rank].waiting = (.people, now)
    }

    private mutating func nodeComplete(_ completion: NodeCompletion, _ timestamp: Int64) {
        let rank = completion.rank
        let since = traces[rank].runningSince
        let late = completion.notes?.lateQueueMicroseconds ?? 0
        let rested = completion.notes?.waitMicroseconds ?? 0
        let taken = late + completion.durationMicroseconds + rested + (completion.notes?.judgeMicroseconds ?? 0)
        var now = clock.time(timestamp, expected: since.map { $0 + taken })
        if let since {
            splitRetryWait(rank, completion.attempt, queue: completion.queueMicroseconds - late)
            let began = min(since + late, now)
            append(.queue, rank, completion.attempt, from: since, to: began, isForWorker: true)
            // Of a graph that a worker hosts, nobody has noted when it asked.
            let wentOn = min(began + rested, now)
            append(.wait, rank, completion.attempt, from: began, to: wentOn)
            append(.run, rank, completion.attempt, from: wentOn, to: now)
            traces[rank].runningSince = nil
        } else if traces[rank].hasRun {
            // It was answered, and then its conditions were judged; or a restart ended it.
            let isAnswered = traces[rank].waiting?.kind == .people
            if isAnswered { splitRetryWait(rank, completion.attempt, queue: completion.queueMicroseconds) }
            let judged = isAnswered ? completion.notes?.judgeMicroseconds ?? 0 : 0
            let answeredAt = max(now - judged, traces[rank].waiting?.since ?? now)
            endWait(rank, attempt: completion.attempt, at: answeredAt)
            if now > answeredAt { append(.run, rank, completion.attempt, from: answeredAt, to: now) }
        } else {
            // It never ran: it ended in the very step that decided it.
            let wasJudged = (completion.notes?.judgeMicroseconds ?? 0) > 0
            if traces[rank].lastSource >= 0, !wasJudged { now = traces[rank].decidedAt }
            // Its conditions were judged from the moment on when it was decided.
            traces[rank].node.readyAt = wasJudged && traces[rank].lastSource >= 0 ? traces[rank].decidedAt : now
            traces[rank].waiting = nil
        }
        if completion.willRetry {
            traces[rank].waiting = (.retry, now)
        } else {
            traces[rank].node.progress = NodeProgress(completion.status)
            traces[rank].endedAt = now
            decideTargets(completion, at: now)
        }
    }

    private mutating func decideTargets(_ completion: NodeCompletion, at now: Int64) {
        for index in completion.taken { traces[graph.edges[index].to].isTaken = true }
        let stops = completion.status == .error && graph.nodes[completion.rank].onError == .stop
        for index in graph.outgoing[completion.rank] {
            let target = graph.edges[index].to
            traces[target].undecided -= 1
            traces[target].lastSource = Int32(completion.rank)
            traces[target].decidedAt = now
            guard traces[target].undecided == 0, traces[target].isTaken else { continue }
            // Nothing becomes ready any more once the execution is told to stop.
            if !stops, completion.status != .cancelled { makeReady(target, at: now) }
        }
    }

    private mutating func end(_ timestamp: Int64, _ duration: Int64) {
        guard starts == 1 else { return endedAt = clock.time(timestamp) }
        // The clock that never steps is right; what was stamped a moment behind it is moved before it.
        endedAt = duration
        guard clock.last > duration else { return }
        for rank in traces.indices { traces[rank].limit(to: duration) }
    }

    /// Gives what is still open its end for now.
    private mutating func close(at wall: Int64) {
        for rank in traces.indices where traces[rank].endedAt == nil {
            if let since = traces[rank].runningSince {
                append(.run, rank, traces[rank].node.attempts, from: since, to: wall)
            } else {
                endWait(rank, attempt: traces[rank].node.attempts + 1, at: wall)
            }
            if endedAt != nil, traces[rank].node.attempts > 0 { traces[rank].node.progress = .interrupted }
        }
    }

    private mutating func endWait(_ rank: Int, attempt: Int, at now: Int64) {
        guard let wait = traces[rank].waiting else { return }
        traces[rank].waiting = nil
        let activity: Profile.Activity =
            switch wait.kind {
            case .queue: .queue
            case .retry: .retryWait
            case .people: .wait
            }
        var from = wait.since
        // The time of a retry goes on while there is no daemon.
        for downtime in wait.kind == .queue ? downtimes : [] where downtime.to > from && downtime.from < now {
            append(activity, rank, attempt, from: from, to: max(downtime.from, from))
            append(.interrupted, rank, attempt, from: max(downtime.from, from), to: downtime.to)
            from = downtime.to
        }
        append(activity, rank, attempt, from: from, to: now)
    }

    /// Of a wait before a further attempt, the record of its end says how much was spent in the queue. Behind it lies what the
    /// attempt has done: nothing yet, or it has asked and waited for an answer.
    private mutating func splitRetryWait(_ rank: Int, _ attempt: Int, queue: Int64) {
        let segments = traces[rank].node.segments
        guard let index = segments.lastIndex(where: { $0.activity != .run && $0.activity != .wait }),
            segments[index].activity == .retryWait, segments[index].attempt == attempt
        else { return }
        let wait = segments[index]
        let queue = min(queue, wait.duration)
        guard queue > 0 else { return }
        func part(_ activity: Profile.Activity, from start: Int64, to end: Int64) -> Profile.Segment {
            Profile.Segment(activity: activity, attempt: attempt, start: start, duration: end - start)
        }
        let parts = [
            part(.retryWait, from: wait.start, to: wait.end - queue),
            part(.queue, from: wait.end - queue, to: wait.end),
        ]
        traces[rank].node.segments.replaceSubrange(index...index, with: parts.filter { $0.duration > 0 })
    }

    private mutating func append(
        _ activity: Profile.Activity, _ rank: Int, _ attempt: Int, from start: Int64, to end: Int64,
        isForWorker: Bool = false
    ) {
        // A run is told even where it took no time at all.
        guard end > start || activity == .run else { return }
        traces[rank].node.segments.append(
            Profile.Segment(
                activity: activity, attempt: attempt, start: start, duration: end - start, isForWorker: isForWorker))
    }
}

extension ProfileBuilder.Trace {
    fileprivate mutating func limit(to wall: Int64) {
        node.readyAt = node.readyAt.map { min($0, wall) }
        endedAt = endedAt.map { min($0, wall) }
        runningSince = runningSince.map { min($0, wall) }
        waiting = waiting.map { ($0.kind, min($0.since, wall)) }
        for index in node.segments.indices {
            let end = min(node.segments[index].end, wall)
            node.segments[index].start = min(node.segments[index].start, wall)
            node.segments[index].duration = end - node.segments[index].start
        }
    }
}

/// Turns timestamps of the wall clock into times since the start that never run backwards.
private struct Timeline: Sendable {
    /// By how much a node's duration may differ from its timestamps before they are disbelieved: more than a thread is
    /// held up between reading the one clock and the other, less than a clock that is set steps.
    private static let toleranceMicroseconds: Int64 = 250_000

    private var offset: Int64 = 0
    private(set) var last: Int64 = 0

    mutating func begin(at timestamp: Int64) {
        offset = -timestamp
    }

    /// - Parameter expected: what the time should be by the clock that never steps.
    mutating func time(_ timestamp: Int64, expected: Int64? = nil) -> Int64 {
        var time = timestamp + offset
        if let expected, abs(time - expected) > Self.toleranceMicroseconds {
            offset += expected - time
            time = expected
        }
        if time < last {
            // A step back takes no time.
            if last - time > Self.toleranceMicroseconds { offset += last - time }
            time = last
        }
        last = time
        return time
    }
}
