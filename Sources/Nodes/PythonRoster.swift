// Which worker runs which call. Decides only: what is to be done comes out as actions, which are performed without the lock.
//
// A plain function has a worker to itself; coroutine functions share one. Which of the two a function is, only Python knows:
// the first call of each function gets a worker to itself and is the probe, and further calls of it wait for its word.
// Then whoever needs a worker takes, in this order: an idle one of its key, a new one, or waits in `waiting` for one, first
// come, first served; an idle one of another key has to leave for it. Coroutines beyond what their worker takes wait in
// `overflow` for room there, or for a worker if nobody before them wants it.

import DequeModule
import Executions

struct PythonRoster: Sendable {
    /// Coroutines at once in one worker; beyond that its loop is more likely busy than waiting.
    static let sharedCallsMax = 500
    /// Bytes of the requests that one worker has in hand: they lie in its memory, and before that in the daemon's.
    static let sharedBytesMax = 64 * 1024 * 1024
    /// Functions whose nature is remembered for one key, and keys: what is forgotten is asked again.
    private static let functionsMax = 1024
    private static let keysMax = 1024
    /// How long a call may clean up, SIGTERM or a cancelled coroutine being its signal.
    static let graceMilliseconds = 1000
    /// A worker whose coroutine has ignored its cancel has had one grace already; together they stay below two seconds.
    static let secondGraceMilliseconds = 500

    enum Action: Sendable {
        case post(PythonCall, PythonCall.News)
        case cancel(PythonCall, PythonWorker)
        case terminate(PythonWorker, graceMilliseconds: Int)
        /// `idleTimeIsOver` is to be called.
        case awaitIdleTime(PythonWorker, milliseconds: Int64)
        /// `graceIsOver` is to be called.
        case awaitGrace(PythonCall)
        /// Nothing of it is left but its folder; `departed` is to be called.
        case clean(PythonWorker)
        case resume(CheckedContinuation<Void, Never>)
    }

    private enum Nature { case plain, async }

    private struct Member {
        let worker: PythonWorker
        var calls: [Int: PythonCall] = [:]
        var bytes = 0
        /// All its calls are coroutines.
        var isShared = false
        /// It is being ended, and takes no more calls.
        var isLeaving = false
        var idleSince: UInt64 = 0
        var hasIdleTimer = false
    }

    private struct Probe {
        let call: Int
        var waiting: Deque<PythonCall> = []
    }

    private struct Function: Hashable {
        let key: PythonKey
        let name: String
    }

    private let workersMax: Int
    private let idleMilliseconds: Int
    private var members: [Int: Member] = [:]
    private var lastID = 0
    private var natures: [PythonKey: [String: Nature]] = [:]
    private var probes: [Function: Probe] = [:]
    private var waiting: Deque<PythonCall> = []
    private var overflow: [PythonKey: Deque<PythonCall>] = [:]
    /// The calls that have not ended, with the worker of those that have one. What stands in a queue and not here was
    /// withdrawn.
    private var places: [Int: Int?] = [:]
    private var departing = 0
    private var isStopped = false
    private var stopping: [CheckedContinuation<Void, Never>] = []

    init(workersMax: Int, idleMilliseconds: Int) {
        precondition(workersMax >= 1, "calls need a worker")
        self.workersMax = workersMax
        self.idleMilliseconds = idleMilliseconds
    }

    var counts: PythonCounts {
        var counts = PythonCounts(started: lastID)
        for member in members.values where !member.isLeaving || !member.calls.isEmpty {
            if member.calls.isEmpty { counts.idle += 1 } else { counts.running += 1 }
        }
        counts.waiting = places.values.count { $0 == nil }
        return counts
    }

    // MARK: Calls

    mutating func submit(_ call: PythonCall) -> [Action] {
        if isStopped { return [.post(call, .failed(NodeFailure("the daemon is stopping")))] }
        places[call.number] = .some(nil)
        var actions: [Action] = []
        enqueue(call, &actions)
        return actions
    }

    /// The call is not wanted any more. It is told so at once if it waits, else by its end.
    mutating func cancel(_ call: PythonCall) -> [Action] {
        guard let place = places[call.number] else { return [] }
        guard let id = place, let member = members[id] else {
            places[call.number] = nil
            return [.post(call, .failed(.cancelled))]
        }
        if member.isShared { return [.cancel(call, member.worker), .awaitGrace(call)] }
        members[id]?.isLeaving = true
        return [.terminate(member.worker, graceMilliseconds: Self.graceMilliseconds)]
    }

    /// A coroutine should have ended by now; if it has not, its worker has to.
    mutating func graceIsOver(for call: PythonCall) -> [Action] {
        guard let place = places[call.number], let id = place, let member = members[id] else { return [] }
        members[id]?.isLeaving = true
        return [.terminate(member.worker, graceMilliseconds: Self.secondGraceMilliseconds)]
    }

    // MARK: Workers

    /// - Parameter now: monotonic nanoseconds.
    mutating func received(_ replies: [PythonReply], from worker: PythonWorker, at now: UInt64) -> [Action] {
        var actions: [Action] = []
        for reply in replies {
            // A call that has ended, or never was here, has nobody to tell it to.
            guard let call = members[worker.id]?.calls[reply.call] else { continue }
            switch reply.kind {
            case .begun: begun(call, reply.isAsync ? .async : .plain, in: worker.id, &actions)
            case .output: actions.append(.post(call, .output(reply, from: worker)))
            default:
                actions.append(.post(call, .replied(reply)))
                ended(call, in: worker.id, at: now, &actions)
            }
        }
        return actions
    }

    /// The call that something a worker says must come from; nil if there is more than one, or none.
    func onlyCall(of worker: PythonWorker) -> PythonCall? {
        guard let calls = members[worker.id]?.calls, calls.count == 1 else { return nil }
        return calls.first?.value
    }

    /// Nothing of the worker's processes is left. Its calls end; they are not run again, as nobody knows how far they got.
    mutating func workerEnded(_ worker: PythonWorker, _ failure: NodeFailure) -> [Action] {
        guard let member = members.removeValue(forKey: worker.id) else { return [] }
        departing += 1
        var actions: [Action] = [.clean(worker)]
        for call in member.calls.values.sorted(by: { $0.number < $1.number }) {
            places[call.number] = nil
            actions.append(.post(call, .failed(failure)))
            probeEnded(call, &actions)
        }
        requeueOverflow(worker.key)
        dispatch(&actions)
        return actions
    }

    mutating func idleTimeIsOver(for worker: PythonWorker, at now: UInt64) -> [Action] {
        guard let member = members[worker.id] else { return [] }
        members[worker.id]?.hasIdleTimer = false
        guard member.calls.isEmpty, !member.isLeaving else { return [] }
        let idleMilliseconds = Int64((now - member.idleSince) / 1_000_000)
        guard idleMilliseconds >= self.idleMilliseconds else {
            members[worker.id]?.hasIdleTimer = true
            return [.awaitIdleTime(worker, milliseconds: Int64(self.idleMilliseconds) - idleMilliseconds)]
        }
        return [leave(worker.id)]
    }

    /// The worker's folder is gone too.
    mutating func departed() -> [Action] {
        departing -= 1
        return isStopped ? stopWhenEmpty() : []
    }

    // MARK: The end

    /// No more calls are taken, and all workers are ended; the continuation is resumed when the last one has gone.
    mutating func stop(_ continuation: CheckedContinuation<Void, Never>) -> [Action] {
        isStopped = true
        stopping.append(continuation)
        var actions: [Action] = []
        let queued = waiting + probes.values.flatMap(\.waiting) + overflow.values.flatMap { $0 }
        for call in queued where places.removeValue(forKey: call.number) != nil {
            actions.append(.post(call, .failed(NodeFailure("the daemon is stopping"))))
        }
        waiting = []
        overflow = [:]
        for function in probes.keys { probes[function]?.waiting = [] }
        for id in members.keys { actions.append(leave(id)) }
        return actions + stopWhenEmpty()
    }

    private mutating func stopWhenEmpty() -> [Action] {
        guard members.isEmpty, departing == 0 else { return [] }
        defer { stopping = [] }
        return stopping.map { .resume($0) }
    }
}

extension PythonRoster {
    private func nature(of call: PythonCall) -> Nature? { natures[call.key]?[call.function] }

    /// Gives the call a worker or a place in a queue.
    private mutating func enqueue(_ call: PythonCall, _ actions: inout [Action]) {
        if nature(of: call) == .async {
            if joinShared(call, &actions) { return }
            if members.values.contains(where: { $0.worker.key == call.key && $0.isShared && !$0.isLeaving }) {
                overflow[call.key, default: []].append(call)
                return dispatch(&actions)
            }
        } else if nature(of: call) == nil {
            let function = Function(key: call.key, name: call.function)
            if probes[function] != nil {
                probes[function]?.waiting.append(call)
                return
            }
            probes[function] = Probe(call: call.number)
        }
        waiting.append(call)
        dispatch(&actions)
    }

    /// Gives workers to those who wait, as long as there are any.
    private mutating func dispatch(_ actions: inout [Action]) {
        while let call = nextWaiting() {
            if nature(of: call) == .async, joinShared(call, &actions) {
                waiting.removeFirst()
                continue
            }
            guard takeWorker(call, &actions) else { return }
            waiting.removeFirst()
        }
        for key in overflow.keys {
            while let call = nextOverflow(key), takeWorker(call, &actions) {
                overflow[key]?.removeFirst()
                drainOverflow(key, &actions)
            }
        }
    }

    private mutating func nextWaiting() -> PythonCall? {
        while let first = waiting.first {
            if places[first.number] != nil { return first }
            waiting.removeFirst()
            // A withdrawn probe hands its task on.
            var actions: [Action] = []
            probeEnded(first, &actions)
            precondition(actions.isEmpty, "a probe that never ran has only the queue to go to")
        }
        return nil
    }

    private mutating func nextOverflow(_ key: PythonKey) -> PythonCall? {
        while let first = overflow[key]?.first {
            if places[first.number] != nil { return first }
            overflow[key]?.removeFirst()
        }
        overflow[key] = nil
        return nil
    }

    private mutating func drainOverflow(_ key: PythonKey, _ actions: inout [Action]) {
        while let call = nextOverflow(key), joinShared(call, &actions) { overflow[key]?.removeFirst() }
    }

    /// A coroutine joins the others, if there is room.
    private mutating func joinShared(_ call: PythonCall, _ actions: inout [Action]) -> Bool {
        let room = members.first { _, member in
            member.isShared && !member.isLeaving && member.worker.key == call.key
                && member.calls.count < Self.sharedCallsMax && member.bytes + call.bytes <= Self.sharedBytesMax
        }
        guard let (id, member) = room else { return false }
        assign(call, to: id)
        actions.append(.post(call, .assigned(member.worker, isNew: false)))
        return true
    }

    /// A worker that nobody else uses: an idle one, or a new one. Without either, one that idles for others has to leave.
    private mutating func takeWorker(_ call: PythonCall, _ actions: inout [Action]) -> Bool {
        let idle = members.filter { $1.calls.isEmpty && !$1.isLeaving }
        // The one that was used last, so that the others get old.
        let own = idle.filter { $1.worker.key == call.key }.max { $0.value.idleSince < $1.value.idleSince }
        if own == nil, members.count >= workersMax {
            let isRoomComing = members.values.contains { $0.isLeaving }
            if !isRoomComing, let oldest = idle.min(by: { $0.value.idleSince < $1.value.idleSince }) {
                actions.append(leave(oldest.key))
            }
            return false
        }
        let worker = own?.value.worker ?? makeWorker(call.key)
        let isShared = nature(of: call) == .async
        members[worker.id]?.isShared = isShared
        assign(call, to: worker.id)
        actions.append(.post(call, .assigned(worker, isNew: own == nil)))
        return true
    }

    private mutating func makeWorker(_ key: PythonKey) -> PythonWorker {
        lastID += 1
        let worker = PythonWorker(id: lastID, key: key)
        members[worker.id] = Member(worker: worker)
        return worker
    }

    private mutating func assign(_ call: PythonCall, to id: Int) {
        places[call.number] = id
        members[id]?.calls[call.number] = call
        members[id]?.bytes += call.bytes
    }

    /// A probe's word: all that have waited for it go on.
    private mutating func begun(_ call: PythonCall, _ nature: Nature, in id: Int, _ actions: inout [Action]) {
        if natures.count >= Self.keysMax { natures = [:] }
        if natures[call.key, default: [:]].count >= Self.functionsMax { natures[call.key] = [:] }
        natures[call.key, default: [:]][call.function] = nature
        if nature == .async, members[id]?.calls.count == 1 { members[id]?.isShared = true }
        let function = Function(key: call.key, name: call.function)
        for call in probes.removeValue(forKey: function)?.waiting ?? [] where places[call.number] != nil {
            enqueue(call, &actions)
        }
    }

    /// If the call was a probe that has ended without a word, the next one is.
    private mutating func probeEnded(_ call: PythonCall, _ actions: inout [Action]) {
        let function = Function(key: call.key, name: call.function)
        guard var probe = probes[function], probe.call == call.number else { return }
        while let next = probe.waiting.popFirst() {
            guard places[next.number] != nil else { continue }
            probes[function] = Probe(call: next.number, waiting: probe.waiting)
            waiting.append(next)
            return
        }
        probes[function] = nil
    }

    private mutating func ended(_ call: PythonCall, in id: Int, at now: UInt64, _ actions: inout [Action]) {
        places[call.number] = nil
        members[id]?.calls[call.number] = nil
        members[id]?.bytes -= call.bytes
        probeEnded(call, &actions)
        guard let member = members[id] else { return }
        if member.calls.isEmpty {
            members[id]?.idleSince = now
            if overflow[member.worker.key] == nil { members[id]?.isShared = false }
            if !member.isLeaving, !member.hasIdleTimer {
                members[id]?.hasIdleTimer = true
                actions.append(.awaitIdleTime(member.worker, milliseconds: Int64(idleMilliseconds)))
            }
        }
        if member.isShared { drainOverflow(member.worker.key, &actions) }
        dispatch(&actions)
    }

    private mutating func leave(_ id: Int) -> Action {
        members[id]?.isLeaving = true
        guard let worker = members[id]?.worker else { preconditionFailure("who leaves is a member") }
        return .terminate(worker, graceMilliseconds: Self.graceMilliseconds)
    }

    /// Those who wait for room in a worker that has gone wait for any from now on.
    private mutating func requeueOverflow(_ key: PythonKey) {
        guard !members.values.contains(where: { $0.worker.key == key && $0.isShared && !$0.isLeaving }) else { return }
        waiting.append(contentsOf: overflow.removeValue(forKey: key) ?? [])
    }
}
