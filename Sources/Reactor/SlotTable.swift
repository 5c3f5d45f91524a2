import Linux

/// Names one registration of one handler, and never a later one in the same place. It is what epoll carries, and
/// what another thread keeps of a connection that it must not touch.
package struct Slot: Hashable, Sendable {
    let index: UInt32
    let generation: UInt32

    init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    init(token: UInt64) { self.init(index: UInt32(truncatingIfNeeded: token), generation: UInt32(token >> 32)) }

    var token: UInt64 { UInt64(generation) << 32 | UInt64(index) }
}

/// The slab of registered handlers. A freed place gets a new generation at once, so that events for it fall through,
/// and is reused after the end of the turn only.
struct SlotTable {
    private struct Entry {
        var handler: (any ReadinessHandler)?
        var generation: UInt32
        var descriptor: Int32
        var isFlushQueued: Bool
        var isReapQueued: Bool
    }

    private var entries: [Entry] = []
    private var free: [UInt32] = []
    private var freedInTurn: [UInt32] = []

    var count: Int { entries.count - free.count - freedInTurn.count }

    mutating func insert(_ handler: any ReadinessHandler, descriptor: Int32) -> Slot {
        if let index = free.popLast() {
            entries[Int(index)].handler = handler
            entries[Int(index)].descriptor = descriptor
            return Slot(index: index, generation: entries[Int(index)].generation)
        }
        let index = UInt32(entries.count)
        entries.append(
            Entry(
                handler: handler, generation: 1, descriptor: descriptor, isFlushQueued: false, isReapQueued: false))
        return Slot(index: index, generation: 1)
    }

    /// The handler, nil when the slot was freed since.
    func handler(_ slot: Slot) -> (any ReadinessHandler)? {
        guard isCurrent(slot) else { return nil }
        return entries[Int(slot.index)].handler
    }

    /// Frees the slot and returns the descriptor that was registered.
    mutating func remove(_ slot: Slot) -> Int32 {
        precondition(isCurrent(slot), "a slot is freed once")
        let index = Int(slot.index)
        entries[index].handler = nil
        entries[index].generation &+= 1
        entries[index].isFlushQueued = false
        entries[index].isReapQueued = false
        freedInTurn.append(slot.index)
        return entries[index].descriptor
    }

    /// The end of the turn: what was freed in it may be used again.
    mutating func recycle() {
        if freedInTurn.isEmpty { return }
        free.append(contentsOf: freedInTurn)
        freedInTurn.removeAll(keepingCapacity: true)
    }

    /// True when the slot was not queued before.
    mutating func markFlushQueued(_ slot: Slot) -> Bool {
        guard isCurrent(slot), !entries[Int(slot.index)].isFlushQueued else { return false }
        entries[Int(slot.index)].isFlushQueued = true
        return true
    }

    /// The handler to flush, which may ask again from now on.
    mutating func takeFlush(_ slot: Slot) -> (any ReadinessHandler)? {
        guard isCurrent(slot) else { return nil }
        entries[Int(slot.index)].isFlushQueued = false
        return entries[Int(slot.index)].handler
    }

    /// True when the slot was not queued before.
    mutating func markReapQueued(_ slot: Slot) -> Bool {
        guard isCurrent(slot), !entries[Int(slot.index)].isReapQueued else { return false }
        entries[Int(slot.index)].isReapQueued = true
        return true
    }

    /// The handler to reap, which may ask again from now on.
    mutating func takeReap(_ slot: Slot) -> (any ReadinessHandler)? {
        guard isCurrent(slot) else { return nil }
        entries[Int(slot.index)].isReapQueued = false
        return entries[Int(slot.index)].handler
    }

    private func isCurrent(_ slot: Slot) -> Bool {
        Int(slot.index) < entries.count && entries[Int(slot.index)].generation == slot.generation
    }
}

/// A first-in-first-out queue of slots that keeps its storage.
struct SlotQueue {
    private var slots: [Slot] = []
    private var head = 0

    var count: Int { slots.count - head }
    var isEmpty: Bool { head == slots.count }

    mutating func append(_ slot: Slot) { slots.append(slot) }

    mutating func popFirst() -> Slot? {
        if isEmpty { return nil }
        let slot = slots[head]
        head += 1
        if head == slots.count {
            slots.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 4_096, head * 2 >= slots.count {
            // A queue that never runs empty would otherwise grow without end.
            slots.removeFirst(head)
            head = 0
        }
        return slot
    }
}
