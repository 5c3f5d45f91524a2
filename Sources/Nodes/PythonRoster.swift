// Which worker runs which call. Decides only: what is to be done comes out as actions, which are performed without the lock.
//
// A plain function has a worker to itself; coroutine functions share one. Which of the two a function is, only Python knows:
// the first call of each function gets a worker to itself and is the probe, and further calls of it wait for its word.
// Then whoever needs a worker takes, in this order: an idle one of its key, a new one, or waits in `turns` for one; see
// `PythonRoster+Turns.swift`. Coroutines beyond what their worker takes wait in `overflow` for room there, or for a worker
// if nobody before them wants it.
//
// A call has a seat in a worker, and begins there only once the worker has loaded what it needs. Until then it can be
// withdrawn without harm to the worker: what that loads will be of use to the next.

import DequeModule
import Executions

struct PythonRoster: Sendable {
    /// Coroutines at once in one worker; beyond that its loop is more likely busy than waiting.
    static let sharedCallsMax = 500
    /// Bytes of the requests that one worker has in hand: they lie in its memory, and before that in the daemon's.
    static let sharedBytesMax = 64 * 1024 * 1024
    /// Functions whose nature is remembered for one key, and keys: what is forgotten is asked again.
    static let functionsMax = 1024
    static let keysMax = 1024
    /// How long a call may clean up, SIGTERM or a cancelled coroutine being its signal.
    static let graceMilliseconds = 1000
    /// A worker whose coroutine has ignored its cancel has had one grace already; together they stay below two seconds.
    static let secondGraceMilliseconds = 500
    /// A coroutine that keeps its process from the others for so long has it to itself from then on: they begin anew elsewhere.
    static let blockedMillisecondsMax = 5_000
    /// How long a worker serves its graph before it leaves for one that has none, where no more can be started: much longer
    /// than Python needs to start, so that most of the time is not spent on that.
    static let turnNanoseconds: UInt64 = 2_000_000_000

    enum Action: Sendable {
        case post(PythonCall, PythonCall.News)
        case cancel(PythonCall, WorkerProcess)
        case terminate(WorkerProcess, graceMilliseconds: Int)
        /// `idleTimeIsOver` is to be called.
        case awaitIdleTime(WorkerProcess, milliseconds: Int64)
        /// `graceIsOver` is to be called.
        case awaitGrace(PythonCall)
        /// `startTimeIsOver` is to be called.
        case awaitStart(PythonCall, WorkerProcess)
        /// `blockedTimeIsOver` is to be called.
        case awaitBlocked(WorkerProcess, blocks: Int)
        /// Nothing of it is left but its folder; `departed` is to be called.
        case clean(WorkerProcess)
        case resume(CheckedContinuation<Void, Never>)
    }

    enum Nature { case plain, async }

    struct Seat {
        let call: PythonCall
        /// Its function runs, or is about to.
        var hasBegun: Bool
        /// Its end was told already; only the worker does not know it yet.
        var isWithdrawn = false
        /// It is being cancelled.
        var isCancelled = false
        /// What it is told if the worker ends.
        var fate: NodeFailure?
    }

    struct Member {
        let worker: WorkerProcess
        var seats: [Int: Seat] = [:]
        var bytes = 0
        /// All its calls are coroutines.
        var isShared = false
        /// It is being ended, and takes no more calls.
        var isLeaving = false
        /// By its own word; calls that it has not begun are served elsewhere.
        var hasLeft = false
        var idleSince: UInt64 = 0
        var hasIdleTimer = false
        /// Since when it serves its graph.
        var dutySince: UInt64
        /// It says when a call begins.
        var tellsBegan = true
        /// The call that keeps it from the others, and how often one has done so.
        var blocker: Int?
        var blocks = 0
        /// The functions that it has loaded.
        var loaded: Set<String> = []

        var isIdle: Bool { seats.isEmpty && !isLeaving }
    }

    struct Probe {
        let call: Int
        var waiting: Deque<PythonCall> = []
    }

    struct Function: Hashable {
        let key: PythonKey
        let name: String
    }

    let workersMax: Int
    let idleMilliseconds: Int
    private let startMilliseconds: Int
    var members: [Int: Member] = [:]
    var lastID = 0
    var natures: [PythonKey: [String: Nature]] = [:]
    var probes: [Function: Probe] = [:]
    var turns = GraphTurns()
    var overflow: [PythonKey: Deque<PythonCall>] = [:]
    /// The calls that have not ended, with the worker of those that have one. What stands in a queue and not here was
    /// withdrawn.
    var places: [Int: Int?] = [:]
    /// When something was last heard of a worker.
    var lastNow: UInt64 = 0
    private var departing = 0
    private var isStopped = false
    private var stopping: [CheckedContinuation<Void, Never>] = []

    init(workersMax: Int, idleMilliseconds: Int, startMilliseconds: Int = 120_000) {
        precondition(workersMax >= 1, "calls need a worker")
        self.workersMax = workersMax
        self.idleMilliseconds = idleMilliseconds
        self.startMilliseconds = startMilliseconds
    }

    var counts: PythonCounts {
        var counts = PythonCounts(started: lastID)
        for member in members.values where !member.isLeaving || !member.seats.isEmpty {
            if member.seats.isEmpty { counts.idle += 1 } else { counts.running += 1 }
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

    /// The call is not wanted any more. It is told so at once if it has not begun, else by its end.
    mutating func cancel(_ call: PythonCall) -> [Action] {
        guard let place = places[call.number] else { return [] }
        guard let id = place, let member = members[id], let seat = member.seats[call.number] else {
            places[call.number] = nil
            return [.post(call, .failed(.cancelled))]
        }
        guard seat.hasBegun else {
            members[id]?.seats[call.number]?.isWithdrawn = true
            places[call.number] = nil
            return [.cancel(call, member.worker), .post(call, .failed(.cancelled))]
        }
        members[id]?.seats[call.number]?.isCancelled = true
        // A program that speaks the protocol is asked first; Python hears nothing while a plain function runs.
        if member.isShared || call.key.command != nil { return [.cancel(call, member.worker), .awaitGrace(call)] }
        members[id]?.isLeaving = true
        return [.terminate(member.worker, graceMilliseconds: Self.graceMilliseconds)]
    }

    /// A coroutine should have ended by now; if it has not, its worker has to.
    mutating func graceIsOver(for call: PythonCall) -> [Action] {
        guard let place = places[call.number], let id = place, let member = members[id] else { return [] }
        if let blocker = member.blocker, blocker != call.number {
            // It cannot have heard of it. Nothing of it runs, nor will: it is cancelled where it waits.
            members[id]?.seats[call.number]?.isWithdrawn = true
            places[call.number] = nil
            return [.post(call, .failed(.cancelled))]
        }
        var actions: [Action] = [.terminate(member.worker, graceMilliseconds: Self.secondGraceMilliseconds)]
        moveNeighbours(of: call, in: id, &actions)
        return actions
    }

    /// If the call has not begun yet, its worker hangs in an import, or in its own start.
    mutating func startTimeIsOver(for call: PythonCall, in worker: WorkerProcess) -> [Action] {
        guard let seat = members[worker.id]?.seats[call.number], !seat.hasBegun else { return [] }
        var actions: [Action] = [.terminate(worker, graceMilliseconds: Self.graceMilliseconds)]
        members[worker.id]?.seats[call.number] = nil
        members[worker.id]?.bytes -= call.bytes
        if !seat.isWithdrawn {
            places[call.number] = nil
            let subject = call.key.command == nil ? "Python" : "the worker"
            let failure = NodeFailure(
                "\(subject) took longer than kinds.python.start_ms (\(startMilliseconds) ms) to start and to "
                    + (call.key.command == nil ? "import what the node needs" : "say hello"))
            actions.append(.post(call, .failed(failure)))
        }
        moveNeighbours(of: call, in: worker.id, &actions)
        probeEnded(call)
        dispatch(&actions)
        return actions
    }

    // MARK: Workers

    /// - Parameter now: monotonic nanoseconds.
    mutating func received(_ messages: [WorkerMessage], from worker: WorkerProcess, at now: UInt64) -> [Action] {
        lastNow = now
        var actions: [Action] = []
        for message in messages {
            if message.kind == .leaving {
                members[worker.id]?.isLeaving = true
                members[worker.id]?.hasLeft = true
            }
            if message.kind == .blocked { block(worker.id, by: message.number, &actions) }
            if message.kind == .unblocked { unblock(worker.id, &actions) }
            // A call that has ended, or never was here, has nobody to tell it to.
            guard let seat = members[worker.id]?.seats[message.number] else { continue }
            switch message.kind {
            case .hello, .leaving, .imported, .blocked, .unblocked: continue
            case .began: begun(seat, message.isAsync ? .async : .plain, in: worker, &actions)
            case .text, .emit, .log, .step, .task, .ask, .kept:
                if !seat.isWithdrawn { actions.append(.post(seat.call, .output(message, from: worker))) }
            case .forgotten:
                if !seat.isWithdrawn { actions.append(.post(seat.call, .forgotten(worker))) }
            case .update, .error, .cancelled, .drained:
                if !seat.isWithdrawn { actions.append(.post(seat.call, .replied(message))) }
                ended(seat, in: worker.id, at: now, &actions)
            }
        }
        return actions
    }

    /// The worker has said hello.
    /// - Parameter tellsBegan: if not, its calls begin as soon as it has them.
    mutating func greeted(_ worker: WorkerProcess, tellsBegan: Bool) -> [Action] {
        guard !tellsBegan, let seats = members[worker.id]?.seats else { return [] }
        members[worker.id]?.tellsBegan = false
        var actions: [Action] = []
        for seat in seats.values { begun(seat, .plain, in: worker, &actions) }
        return actions
    }

    /// The calls that something a worker says may come from: the only one that it has, or else all that run there.
    func speakers(of worker: WorkerProcess) -> [PythonCall] {
        guard let seats = members[worker.id]?.seats else { return [] }
        let mayBeAny = seats.values.filter { !$0.isWithdrawn && ($0.hasBegun || seats.count == 1) }
        return mayBeAny.map(\.call).sorted { $0.number < $1.number }
    }

    /// Nothing of the worker's processes is left. Its calls end; they are not run again, as nobody knows how far they got.
    mutating func workerEnded(_ worker: WorkerProcess, _ failure: NodeFailure) -> [Action] {
        guard let member = members.removeValue(forKey: worker.id) else { return [] }
        departing += 1
        var actions: [Action] = [.clean(worker)]
        for seat in member.seats.values.sorted(by: { $0.call.number < $1.call.number }) {
            if member.hasLeft, !seat.hasBegun, !seat.isWithdrawn {
                places[seat.call.number] = .some(nil)
                enqueue(seat.call, &actions)
                continue
            }
            if !seat.isWithdrawn {
                places[seat.call.number] = nil
                actions.append(.post(seat.call, .failed(seat.fate ?? failure)))
            }
            probeEnded(seat.call)
        }
        requeueOverflow(worker.key)
        dispatch(&actions)
        return actions
    }

    mutating func idleTimeIsOver(for worker: WorkerProcess, at now: UInt64) -> [Action] {
        guard let member = members[worker.id] else { return [] }
        members[worker.id]?.hasIdleTimer = false
        guard member.isIdle else { return [] }
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
        let queued = turns.removeAll() + probes.values.flatMap(\.waiting) + overflow.values.flatMap { $0 }
        for call in queued where places.removeValue(forKey: call.number) != nil {
            actions.append(.post(call, .failed(NodeFailure("the daemon is stopping"))))
        }
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
