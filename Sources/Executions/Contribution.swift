import Graphs
import JSON

/// What nodes gave to one key under a reducer: a list from the highest rank down. Lists share their tails, so adding to one
/// along a chain of nodes costs one cell, and a union stops where both have the same past.
final class Contribution: Sendable {
    let value: JSONText
    let rank: Int32
    // because it is written only when the cell, known to be the last holder of what follows, is taken apart
    private(set) nonisolated(unsafe) var next: Contribution?
    /// Of all values from here on, and a comma each.
    let bytes: Int
    /// No sum of these can be further from zero; infinite where one may be beyond all doubles.
    let magnitude: Double
    private let ownMagnitude: Double

    /// - Parameter magnitude: of this value alone, under a reducer that adds; else nothing.
    init(_ value: JSONText, _ rank: Int32, magnitude: Double = 0, next: Contribution? = nil) {
        self.value = value
        self.rank = rank
        self.next = next
        bytes = value.bytes.count + 1 + (next?.bytes ?? 0)
        self.magnitude = magnitude + (next?.magnitude ?? 0)
        ownMagnitude = magnitude
    }

    /// Cell by cell: a list may be as long as a graph has nodes, and to free it recursively takes more stack than threads have.
    deinit {
        var rest = next
        next = nil
        while isKnownUniquelyReferenced(&rest) {
            let following = rest?.next
            rest?.next = nil
            rest = following
        }
    }

    /// From the lowest rank up.
    var inRankOrder: [JSONText] {
        var values: [JSONText] = []
        var cell: Contribution? = self
        while let current = cell {
            values.append(current.value)
            cell = current.next
        }
        return values.reversed()
    }

    /// Each rank once; where both have one, they have the same.
    func union(_ other: Contribution) -> Contribution {
        var ours: Contribution? = self
        var theirs: Contribution? = other
        var heads: [Contribution] = []
        while let left = ours, let right = theirs, left !== right {
            heads.append(left.rank >= right.rank ? left : right)
            if left.rank >= right.rank { ours = left.next }
            if right.rank >= left.rank { theirs = right.next }
        }
        var tail = ours ?? theirs
        for head in heads.reversed() {
            tail =
                head.next === tail
                ? head : Contribution(head.value, head.rank, magnitude: head.ownMagnitude, next: tail)
        }
        return tail ?? self
    }
}
