// Nodes whose workers host graphs that wait for people: the attempt goes on, in another call, once they have answered. Until then
// it takes no place and no time, and no restart interrupts it.

/// How long such a node has waited, apart from its own time.
struct Rest {
    /// Of waits that are over.
    var nanoseconds: UInt64 = 0
    /// Since when it waits now.
    var since: UInt64?
    /// The same in microseconds since the first start, of an execution that is being taken up.
    var sinceElapsedMicroseconds: Int64?

    func nanoseconds(until now: UInt64) -> UInt64 { nanoseconds + (since.map { now &- $0 } ?? 0) }
}

extension RunMachine {
    mutating func rest(_ rank: Int, at now: UInt64) {
        rests[rank, default: Rest()].since = now
    }

    mutating func endRest(_ rank: Int, at now: UInt64) {
        guard let rest = rests[rank] else { return }
        rests[rank] = Rest(nanoseconds: rest.nanoseconds(until: now))
    }

    /// Of what is being restored: from here on it waits, or goes on.
    mutating func restoreRest(_ rank: Int, _ isResting: Bool, elapsedMicroseconds now: Int64) {
        guard nodes[rank].phase == .running else { return }
        nodes[rank].isPlaceless = isResting
        if isResting {
            rests[rank, default: Rest()].sinceElapsedMicroseconds = now
        } else if let since = rests[rank]?.sinceElapsedMicroseconds.take() {
            rests[rank]?.nanoseconds += UInt64(max(now - since, 0)) * 1000
        }
    }

    /// Waits on after it was restored.
    mutating func restOn(_ rank: Int, at now: UInt64) {
        placelessCount += 1
        nodes[rank].beganAt = nil
        let elapsed = rests[rank]?.sinceElapsedMicroseconds.take() ?? earlierMicroseconds
        let since = now &- UInt64(max(earlierMicroseconds - elapsed, 0)) &* 1000
        rests[rank]?.since = since
        // Nobody has noted what of that it waited for a worker.
        let own = Int64(bitPattern: since &- nodes[rank].startedAt) - Int64(rests[rank]?.nanoseconds ?? 0)
        stoodStill[rank] = UInt64(max(own, 0))
    }

    /// What waits does so no longer, and says nothing.
    mutating func giveUpWait(_ rank: Int) {
        if nodes[rank].rests {
            nodes[rank].isPlaceless = false
            placelessCount -= 1
        }
        nodes[rank].phase = .waiting
    }
}
