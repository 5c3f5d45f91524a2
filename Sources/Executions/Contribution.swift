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
    /// What counts the value, with all else that came with it.
    private let charge: MemoryCharge?

    init(_ value: JSONText, _ rank: Int32, next: Contribution? = nil, charge: MemoryCharge? = nil) {
        self.value = value
        self.rank = rank
        self.next = next
        self.charge = charge
        bytes = value.bytes.count + 1 + (next?.bytes ?? 0)
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
            tail = head.next === tail ? head : Contribution(head.value, head.rank, next: tail, charge: head.charge)
        }
        return tail ?? self
    }
}

extension Reducer {
    var needsNumbers: Bool {
        switch self {
        case .sum, .min, .max: true
        case .replace, .append, .merge: false
        }
    }

    /// Combines contributions that stand in rank order; there is at least one.
    func fold(_ values: [JSONText]) -> JSONText {
        switch self {
        case .replace: values[values.count - 1]
        case .append: values.count == 1 ? values[0] : Self.concatenate(values)
        case .merge: values.dropFirst().reduce(values[0]) { JSONMergePatch.apply($1, to: $0) }
        case .sum: values.dropFirst().reduce(values[0], Self.add)
        case .min: values.dropFirst().reduce(values[0]) { Self.isLess($1, $0) ? $1 : $0 }
        case .max: values.dropFirst().reduce(values[0]) { Self.isLess($0, $1) ? $1 : $0 }
        }
    }

    private static func concatenate(_ values: [JSONText]) -> JSONText {
        var elements: [UInt8] = [UInt8(ascii: "[")]
        for value in values {
            let content = value.kind == .array ? value.bytes[1..<value.bytes.count - 1] : value.bytes[...]
            guard !content.isEmpty else { continue }
            if elements.count > 1 { elements.append(UInt8(ascii: ",")) }
            elements.append(contentsOf: content)
        }
        elements.append(UInt8(ascii: "]"))
        return JSONText(trusted: elements)
    }

    /// Whole numbers exactly as long as they fit into 64 bits, others as doubles.
    private static func add(_ left: JSONText, _ right: JSONText) -> JSONText {
        if let a = left.int, let b = right.int {
            let (sum, overflows) = a.addingReportingOverflow(b)
            if !overflows { return JSONText(sum) }
        }
        let sum = (left.double ?? 0) + (right.double ?? 0)
        return sum.isFinite
            ? JSONText(sum) : JSONText(sum < 0 ? -Double.greatestFiniteMagnitude : .greatestFiniteMagnitude)
    }

    private static func isLess(_ left: JSONText, _ right: JSONText) -> Bool {
        if let a = left.int, let b = right.int { return a < b }
        return (left.double ?? 0) < (right.double ?? 0)
    }
}
