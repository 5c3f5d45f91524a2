// A coroutine that does not wait keeps its process from all others there. That costs its own time, and not theirs.

import Executions

extension PythonRoster {
    /// The worker says that a call keeps it from the others.
    mutating func block(_ id: Int, by blocker: Int, _ actions: inout [Action]) {
        guard let member = members[id], member.blocker == nil else { return }
        members[id]?.blocker = blocker
        members[id]?.blocks += 1
        for seat in neighbours(of: blocker, in: id) { actions.append(.post(seat.call, .blocked)) }
        actions.append(.awaitBlocked(member.worker, blocks: member.blocks + 1))
    }

    /// And that it does so no more.
    mutating func unblock(_ id: Int, _ actions: inout [Action]) {
        guard let blocker = members[id]?.blocker else { return }
        members[id]?.blocker = nil
        for seat in neighbours(of: blocker, in: id) { actions.append(.post(seat.call, .unblocked)) }
    }

    /// Whoever has blocked it all this time keeps it; the others begin anew elsewhere, but for those that must not.
    mutating func blockedTimeIsOver(for worker: WorkerProcess, blocks: Int) -> [Action] {
        let id = worker.id
        guard let member = members[id], let blocker = member.blocker, member.blocks == blocks, !member.isLeaving else {
            return []
        }
        members[id]?.isLeaving = true
        members[id]?.hasLeft = true
        var actions: [Action] = []
        let neighbours = member.seats.values.sorted { $0.call.number < $1.call.number }
        for seat in neighbours where seat.call.number != blocker && !seat.isWithdrawn && !seat.isCancelled {
            guard !seat.hasBegun || seat.call.isIdempotent else { continue }
            let number = seat.call.number
            // It is cancelled where it waits, before it can go on.
            members[id]?.seats[number]?.isWithdrawn = true
            actions.append(.cancel(seat.call, worker))
            places[number] = .some(nil)
            enqueue(seat.call, &actions)
        }
        return actions
    }

    private func neighbours(of blocker: Int, in id: Int) -> [Seat] {
        let seats = members[id]?.seats.values.filter { seat in
            seat.call.number != blocker && seat.hasBegun && !seat.isWithdrawn
        }
        return (seats ?? []).sorted { $0.call.number < $1.call.number }
    }
}
