// A hierarchical timing wheel (Varghese and Lauck, 1987): level 0 has 64 slots of one tick, level 1 64 slots of 64
// ticks, and so on. A timer lies on the level of the highest 6-bit digit in which its deadline differs from `elapsed`,
// in the slot of that digit; when the wheel reaches the slot, its timers move down. So inserting and cancelling are
// O(1), a timer moves at most once per level, and a slot never holds a timer of another round. One bitmap per level
// finds the next occupied slot in one instruction.
//
// Timers live in one array of nodes, linked by index; a freed node is reused under a new generation.

/// Names a scheduled timer. Cancelling one that has fired does nothing.
package struct TimerID: Hashable, Sendable {
    fileprivate let index: Int32
    fileprivate let generation: UInt32
}

/// Timers by tick. It has no clock: its owner says which tick it is.
struct TimerWheel {
    private static let slotBits = 6
    private static let slotsPerLevel = 1 << slotBits
    private static let levels = 7
    /// 64^7 ticks of a millisecond are 139 years.
    static let deadlineMax = (Int64(1) << (slotBits * levels)) - 1
    private static let none: Int32 = -1

    private struct Node {
        var action: (() -> Void)?
        var deadline: Int64 = 0
        var previous: Int32 = TimerWheel.none
        var next: Int32 = TimerWheel.none
        var list: Int32 = TimerWheel.none
        var generation: UInt32 = 1
    }

    private struct List {
        var first: Int32 = TimerWheel.none
        var last: Int32 = TimerWheel.none
    }

    /// The tick up to which all timers have fired, but for those that are due at it.
    private(set) var elapsed: Int64 = 0
    /// Timers that have neither fired nor been cancelled.
    private(set) var count = 0
    private var nodes: [Node] = []
    private var freeNode = none
    private var lists = [List](repeating: List(), count: levels * slotsPerLevel)
    private var occupied = [UInt64](repeating: 0, count: levels)

    /// Schedules `action` for a tick; what is past is due at the next one.
    mutating func insert(deadline: Int64, _ action: @escaping () -> Void) -> TimerID {
        let index = takeNode()
        nodes[Int(index)].action = action
        nodes[Int(index)].deadline = min(max(deadline, elapsed + 1), Self.deadlineMax)
        link(index)
        count += 1
        return TimerID(index: index, generation: nodes[Int(index)].generation)
    }

    /// False when it has fired or was cancelled before.
    @discardableResult
    mutating func cancel(_ timer: TimerID) -> Bool {
        let index = Int(timer.index)
        guard index < nodes.count, nodes[index].generation == timer.generation else { return false }
        unlink(timer.index)
        _ = freeNode(timer.index)
        return true
    }

    /// The next tick at which there is something to do: never later than the earliest deadline.
    var nextTick: Int64? {
        for level in 0..<Self.levels where occupied[level] != 0 {
            return start(level, slot: occupied[level].trailingZeroBitCount)
        }
        return nil
    }

    /// Takes out the action of the earliest timer that is due at `tick`, in the order of deadlines and, within one,
    /// of insertion; nil when no more are due.
    mutating func popDue(at tick: Int64) -> (() -> Void)? {
        while let level = occupied.firstIndex(where: { $0 != 0 }) {
            let slot = occupied[level].trailingZeroBitCount
            let slotStart = start(level, slot: slot)
            if slotStart > tick { break }
            elapsed = slotStart
            if level == 0 { return popFirst(slot) }
            moveDown(level * Self.slotsPerLevel + slot)
        }
        elapsed = max(elapsed, tick)
        return nil
    }

    /// The tick at which a slot begins, in the round of `elapsed`.
    private func start(_ level: Int, slot: Int) -> Int64 {
        let shift = level * Self.slotBits
        let roundMask = (Int64(1) << (shift + Self.slotBits)) - 1
        return elapsed & ~roundMask | Int64(slot) << shift
    }

    private mutating func popFirst(_ list: Int) -> () -> Void {
        let index = lists[list].first
        unlink(index)
        return freeNode(index)
    }

    private mutating func moveDown(_ list: Int) {
        var index = lists[list].first
        lists[list] = List()
        markEmpty(list)
        while index != Self.none {
            let next = nodes[Int(index)].next
            link(index)
            index = next
        }
    }

    private mutating func link(_ index: Int32) {
        let deadline = nodes[Int(index)].deadline
        let difference = UInt64(deadline ^ elapsed)
        let level = difference == 0 ? 0 : (63 - difference.leadingZeroBitCount) / Self.slotBits
        let slot = Int(deadline >> Int64(level * Self.slotBits)) & (Self.slotsPerLevel - 1)
        let list = level * Self.slotsPerLevel + slot
        let last = lists[list].last
        nodes[Int(index)].list = Int32(list)
        nodes[Int(index)].previous = last
        nodes[Int(index)].next = Self.none
        if last == Self.none { lists[list].first = index } else { nodes[Int(last)].next = index }
        lists[list].last = index
        occupied[level] |= 1 << UInt64(slot)
    }

    private mutating func unlink(_ index: Int32) {
        let list = Int(nodes[Int(index)].list)
        let previous = nodes[Int(index)].previous
        let next = nodes[Int(index)].next
        if previous == Self.none { lists[list].first = next } else { nodes[Int(previous)].next = next }
        if next == Self.none { lists[list].last = previous } else { nodes[Int(next)].previous = previous }
        if lists[list].first == Self.none { markEmpty(list) }
    }

    private mutating func markEmpty(_ list: Int) {
        occupied[list / Self.slotsPerLevel] &= ~(1 << UInt64(list % Self.slotsPerLevel))
    }

    private mutating func takeNode() -> Int32 {
        if freeNode == Self.none {
            nodes.append(Node())
            return Int32(nodes.count - 1)
        }
        let index = freeNode
        freeNode = nodes[Int(index)].next
        return index
    }

    private mutating func freeNode(_ index: Int32) -> () -> Void {
        let action = nodes[Int(index)].action.take()!
        nodes[Int(index)].generation &+= 1
        nodes[Int(index)].next = freeNode
        freeNode = index
        count -= 1
        return action
    }
}
