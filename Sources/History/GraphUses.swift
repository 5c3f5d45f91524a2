import Linux
import Synchronization

/// What the removal of old revisions must know of those that use them: that graphs have changed, and which revisions were
/// read lately, so that an execution may be about to start with one.
final class GraphUses: Sendable {
    /// For so long a revision that was read is not removed: whoever has read it starts with it at once, or not at all.
    static let leaseNanoseconds: UInt64 = 600_000_000_000
    /// Reads that are remembered; with more, all revisions stay until some have passed.
    static let countMax = 10_000

    struct Revision: Hashable {
        let graphID: String
        let number: Int
    }

    fileprivate struct Guarded {
        var hasChanged = true
        var reads: [Revision: UInt64] = [:]
    }
    private let guarded = Mutex(Guarded())

    func graphsHaveChanged() { guarded.withLock { $0.hasChanged = true } }

    func takeChange() -> Bool {
        guarded.withLock { guarded in
            defer { guarded.hasChanged = false }
            return guarded.hasChanged
        }
    }

    func willUse(_ number: Int, of graphID: String) {
        let now = monotonicNanoseconds()
        guarded.withLock { guarded in
            if guarded.reads.count >= Self.countMax { guarded.dropPast(now) }
            if guarded.reads.count < Self.countMax {
                guarded.reads[Revision(graphID: graphID, number: number)] = now
            } else {
                guarded.reads[Revision(graphID: "", number: 0)] = now
            }
        }
    }

    func isUsed(_ number: Int, of graphID: String) -> Bool {
        let now = monotonicNanoseconds()
        return guarded.withLock { guarded in
            guarded.dropPast(now)
            return guarded.reads[Revision(graphID: graphID, number: number)] != nil
                || guarded.reads[Revision(graphID: "", number: 0)] != nil
        }
    }
}

extension GraphUses.Guarded {
    fileprivate mutating func dropPast(_ now: UInt64) {
        reads = reads.filter { now - $0.value < GraphUses.leaseNanoseconds }
    }
}
