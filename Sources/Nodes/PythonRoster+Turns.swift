// Who gets the next worker. The graphs have turns, and within a graph it is first come, first served. While as many workers
// run as may:
//   - an idle worker of a graph that has nobody waiting leaves for one that has;
//   - if there is none, a graph without a worker gets one beyond the limit, up to twice the limit in all, so that no graph is
//     kept waiting by another as long as not more graphs than that are at it;
//   - a worker whose call has ended leaves for a graph that has at least two fewer, so that shares become equal;
//   - beyond twice the limit, one that has served its graph for a while leaves for a graph that has none.

import DequeModule
import Executions

extension PythonRoster {
    /// Gives workers to those who wait, as long as there are any.
    mutating func dispatch(_ actions: inout [Action]) {
        var index = 0
        while index < turns.graphs.count {
            guard let call = turns.first(at: index) else { preconditionFailure("a graph with a turn has calls") }
            if places[call.number] == nil {
                turns.removeFirst(at: index, isTurn: false)
                // A withdrawn probe hands its task on.
                probeEnded(call)
                continue
            }
            let isJoining = nature(of: call) == .async && joinShared(call, &actions)
            switch isJoining ? .taken : takeWorker(call, &actions) {
            case .taken:
                turns.removeFirst(at: index)
                index = 0
            case .waits: index += 1
            case .passed:
                turns.pass(at: index)
                index += 1
            }
        }
        for key in overflow.keys {
            while let call = nextOverflow(key), takeWorker(call, &actions) == .taken {
                overflow[key]?.removeFirst()
                drainOverflow(key, &actions)
            }
        }
    }

    private mutating func nextOverflow(_ key: PythonKey) -> PythonCall? {
        while let first = overflow[key]?.first {
            if places[first.number] != nil { return first }
            overflow[key]?.removeFirst()
        }
        overflow[key] = nil
        return nil
    }

    mutating func drainOverflow(_ key: PythonKey, _ actions: inout [Action]) {
        while let call = nextOverflow(key), joinShared(call, &actions) { overflow[key]?.removeFirst() }
    }

    /// A coroutine joins the others, if there is room.
    mutating func joinShared(_ call: PythonCall, _ actions: inout [Action]) -> Bool {
        let room = members.values.first { member in
            member.isShared && !member.isLeaving && member.worker.key == call.key
                && member.seats.count < Self.sharedCallsMax && member.bytes + call.bytes <= Self.sharedBytesMax
        }
        guard let room else { return false }
        assign(call, to: room.worker, isNew: false, &actions)
        return true
    }

    private enum Try { case taken, waits, passed }

    /// A worker that nobody else uses: an idle one, or a new one. Without either, one may have to leave for it.
    private mutating func takeWorker(_ call: PythonCall, _ actions: inout [Action]) -> Try {
        let graph = call.key.graphID
        let counts = countsByGraph
        let isShared = nature(of: call) == .async
        // The one that was used last, so that the others get old.
        let own = members.values.filter { $0.isIdle && $0.worker.key == call.key }.max { $0.idleSince < $1.idleSince }
        if let own, mustLeave(own, counts) {
            actions.append(leave(own.worker.id))
            return .passed
        }
        if own == nil, !mayStart(for: graph, counts, &actions) { return .waits }
        let worker = own?.worker ?? makeWorker(call.key)
        members[worker.id]?.isShared = isShared
        assign(call, to: worker, isNew: own == nil, &actions)
        return .taken
    }

    /// Whether a graph may have a new worker; if not, one may leave for it.
    private mutating func mayStart(for graph: String, _ counts: [String: Int], _ actions: inout [Action]) -> Bool {
        if members.count < workersMax { return true }
        let isFirst = counts[graph, default: 0] == 0
        guard isFirst || members.count == workersMax, !isRoomComing else { return false }
        if let idle = idleMember(for: graph, counts) {
            actions.append(leave(idle.worker.id))
            return false
        }
        return isFirst && members.count < 2 * workersMax
    }

    /// The workers of each graph that do not leave.
    private var countsByGraph: [String: Int] {
        members.values.reduce(into: [:]) { counts, member in
            if !member.isLeaving { counts[member.worker.key.graphID, default: 0] += 1 }
        }
    }

    private var isRoomComing: Bool { members.values.contains(where: \.isLeaving) }

    /// Whether a worker that could serve its graph on has to leave for another.
    private func mustLeave(_ member: Member, _ counts: [String: Int]) -> Bool {
        let graph = member.worker.key.graphID
        guard members.count >= workersMax, turns.graphs.count > 1, !isRoomComing else { return false }
        let ours = counts[graph, default: 0]
        let isTurnOver = lastNow &- member.dutySince >= Self.turnNanoseconds
        return turns.graphs.contains { other in
            guard other != graph else { return false }
            let theirs = counts[other, default: 0]
            if theirs > 0 { return theirs + 1 < ours }
            // Otherwise it gets one beyond the limit.
            return members.count >= 2 * workersMax && (ours > 1 || isTurnOver)
        }
    }

    /// The worker that idles longest, and that nobody of its own graph waits for, or a graph with much more.
    private func idleMember(for graph: String, _ counts: [String: Int]) -> Member? {
        let idle = members.values.filter { member in
            let other = member.worker.key.graphID
            guard member.isIdle else { return false }
            return other == graph || !turns.graphs.contains(other)
                || counts[graph, default: 0] + 1 < counts[other, default: 0]
        }
        return idle.min { $0.idleSince < $1.idleSince }
    }
}
