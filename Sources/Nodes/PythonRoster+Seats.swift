// What becomes of a call: its way into a worker, its beginning there, and its end.

import DequeModule
import Executions

extension PythonRoster {
    func nature(of call: PythonCall) -> Nature? { natures[call.key]?[call.function] }

    /// Gives the call a worker or a place in a queue.
    mutating func enqueue(_ call: PythonCall, _ actions: inout [Action]) {
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
        turns.append(call)
        dispatch(&actions)
    }

    /// A worker is ended because of one call; the others have done nothing to deserve it, and begin anew elsewhere.
    mutating func moveNeighbours(of call: PythonCall, in id: Int, _ actions: inout [Action]) {
        members[id]?.isLeaving = true
        let neighbours = members[id].map { $0.seats.values.sorted { $0.call.number < $1.call.number } } ?? []
        for seat in neighbours where seat.call.number != call.number && !seat.isWithdrawn && !seat.isCancelled {
            let number = seat.call.number
            guard !seat.hasBegun || seat.call.isIdempotent else {
                members[id]?.seats[number]?.fate = NodeFailure(
                    "another node blocked the process that it ran in; it is not idempotent, so it is not run again"
                )
                continue
            }
            members[id]?.seats[number] = nil
            members[id]?.bytes -= seat.call.bytes
            places[number] = .some(nil)
            enqueue(seat.call, &actions)
        }
    }

    mutating func makeWorker(_ key: PythonKey) -> WorkerProcess {
        lastID += 1
        let worker = WorkerProcess(id: lastID, key: key)
        members[worker.id] = Member(worker: worker, dutySince: lastNow)
        return worker
    }

    mutating func assign(_ call: PythonCall, to worker: WorkerProcess, isNew: Bool, _ actions: inout [Action]) {
        guard let member = members[worker.id] else { preconditionFailure("calls are assigned to members") }
        places[call.number] = worker.id
        let isLoaded = member.loaded.contains(call.function)
        // With others in its process, a coroutine begins when they let it.
        let isBegun = !member.tellsBegan || isLoaded && (!member.isShared || member.seats.isEmpty)
        members[worker.id]?.seats[call.number] = Seat(call: call, hasBegun: isBegun)
        members[worker.id]?.bytes += call.bytes
        actions.append(.post(call, .assigned(worker, isNew: isNew, isBegun: isBegun)))
        if !isLoaded, !isBegun { actions.append(.awaitStart(call, worker)) }
    }

    /// The function of a call begins. If the call is a probe, all that have waited for its word go on.
    mutating func begun(_ seat: Seat, _ nature: Nature, in worker: WorkerProcess, _ actions: inout [Action]) {
        let (call, id) = (seat.call, worker.id)
        members[id]?.seats[call.number]?.hasBegun = true
        remember(nature, of: call)
        if members[id]?.loaded.count ?? 0 >= Self.functionsMax { members[id]?.loaded = [] }
        members[id]?.loaded.insert(call.function)
        if nature == .async, members[id]?.seats.count == 1 { members[id]?.isShared = true }
        if !seat.isWithdrawn {
            if !seat.hasBegun { actions.append(.post(call, .began)) }
        } else if nature == .plain {
            // It began just before it could have been told.
            members[id]?.isLeaving = true
            actions.append(.terminate(worker, graceMilliseconds: Self.graceMilliseconds))
        }
        let function = Function(key: call.key, name: call.function)
        for call in probes.removeValue(forKey: function)?.waiting ?? [] where places[call.number] != nil {
            enqueue(call, &actions)
        }
    }

    /// If the call was a probe that has ended without a word, the next one is.
    mutating func probeEnded(_ call: PythonCall) {
        let function = Function(key: call.key, name: call.function)
        guard var probe = probes[function], probe.call == call.number else { return }
        while let next = probe.waiting.popFirst() {
            guard places[next.number] != nil else { continue }
            probes[function] = Probe(call: next.number, waiting: probe.waiting)
            turns.append(next)
            return
        }
        probes[function] = nil
    }

    mutating func ended(_ seat: Seat, in id: Int, at now: UInt64, _ actions: inout [Action]) {
        let call = seat.call
        if !seat.isWithdrawn { places[call.number] = nil }
        members[id]?.seats[call.number] = nil
        members[id]?.bytes -= call.bytes
        probeEnded(call)
        guard let member = members[id] else { return }
        if member.seats.isEmpty {
            members[id]?.idleSince = now
            if overflow[member.worker.key] == nil { members[id]?.isShared = false }
        }
        if member.isShared { drainOverflow(member.worker.key, &actions) }
        dispatch(&actions)
        guard let rested = members[id], rested.seats.isEmpty else { return }
        // It ends by itself, unless something in it has it otherwise.
        if rested.hasLeft { return actions.append(leave(id)) }
        if rested.isIdle { becameIdle(rested, &actions) }
    }

    private mutating func remember(_ nature: Nature, of call: PythonCall) {
        // Nobody will ask for that of a worker that has one call alone.
        guard call.key.onlyCall == nil else { return }
        if natures.count >= Self.keysMax { natures = [:] }
        if natures[call.key, default: [:]].count >= Self.functionsMax { natures[call.key] = [:] }
        natures[call.key, default: [:]][call.function] = nature
    }

    private mutating func becameIdle(_ member: Member, _ actions: inout [Action]) {
        let id = member.worker.id
        guard member.worker.key.onlyCall == nil else { return actions.append(leave(id)) }
        guard !member.hasIdleTimer else { return }
        members[id]?.hasIdleTimer = true
        actions.append(.awaitIdleTime(member.worker, milliseconds: Int64(idleMilliseconds)))
    }

    mutating func leave(_ id: Int) -> Action {
        members[id]?.isLeaving = true
        guard let worker = members[id]?.worker else { preconditionFailure("who leaves is a member") }
        return .terminate(worker, graceMilliseconds: Self.graceMilliseconds)
    }

    /// Those who wait for room in a worker that has gone wait for any from now on.
    mutating func requeueOverflow(_ key: PythonKey) {
        guard !members.values.contains(where: { $0.worker.key == key && $0.isShared && !$0.isLeaving }) else { return }
        for call in overflow.removeValue(forKey: key) ?? [] { turns.append(call) }
    }
}
