import JSON

/// A number of JSON for sums and comparisons: whole numbers are exact at any length, others are the nearest double.
enum ExactNumber: Comparable {
    case small(Int)
    /// Without leading zeros.
    case large(isNegative: Bool, digits: [UInt8])
    case double(Double)

    /// What is no number counts as zero.
    init(_ text: JSONText) {
        if let int = text.int, Self.isWhole(text.bytes) {
            self = .small(int)
        } else if text.kind == .number, Self.isWhole(text.bytes) {
            let isNegative = text.bytes[0] == UInt8(ascii: "-")
            self = .large(isNegative: isNegative, digits: Array(text.bytes.dropFirst(isNegative ? 1 : 0)))
        } else if text.kind == .number {
            self = .double(text.double ?? .infinity)
        } else {
            self = .small(0)
        }
    }

    /// Whether a number's token has neither a fraction nor an exponent.
    static func isWhole(_ token: [UInt8]) -> Bool {
        token.allSatisfy { $0 == UInt8(ascii: "-") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }

    /// Nil for what no double holds.
    var text: JSONText? {
        switch self {
        case .small(let value): JSONText(value)
        case .large(let isNegative, let digits):
            JSONText(trusted: isNegative ? [UInt8(ascii: "-")] + digits : digits)
        case .double(let value): value.isFinite ? JSONText(value) : nil
        }
    }

    func adding(_ other: Self) -> Self {
        switch (self, other) {
        case (.small(let left), .small(let right)):
            let (sum, overflows) = left.addingReportingOverflow(right)
            return overflows ? Self.sum(wide, other.wide) : .small(sum)
        case (.double, _), (_, .double): return .double(nearest + other.nearest)
        default: return Self.sum(wide, other.wide)
        }
    }

    static func < (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.small(let left), .small(let right)): left < right
        case (.double(let left), .double(let right)): left < right
        case (.double(let double), _): compare(double, right) < 0
        case (_, .double(let double)): compare(double, left) > 0
        default: compare(left.wide, right.wide) < 0
        }
    }

    static func == (left: Self, right: Self) -> Bool { !(left < right) && !(right < left) }
}

extension ExactNumber {
    private typealias Wide = (isNegative: Bool, digits: [UInt8])

    private var nearest: Double {
        switch self {
        case .small(let value): Double(value)
        case .double(let value): value
        case .large: Double(String(decoding: text?.bytes ?? [], as: UTF8.self)) ?? .infinity
        }
    }

    private var wide: Wide {
        switch self {
        case .small(let value): (value < 0, Array(String(value.magnitude).utf8))
        case .large(let isNegative, let digits): (isNegative, digits)
        case .double(let value): Self.wide(value)
        }
    }

    /// A double's part before the point, exactly.
    private static func wide(_ value: Double) -> Wide {
        let whole = value.magnitude.rounded(.towardZero)
        if let int = UInt64(exactly: whole) { return (value < 0, Array(String(int).utf8)) }
        // What is beyond 64 bits is a significand of 53 bits, doubled.
        let doublings = Int(whole.exponent) - 52
        var digits = Array(String(UInt64(whole.significand * 0x1p52)).utf8)
        for _ in 0..<doublings { digits = add(digits, digits) }
        return (value < 0, digits)
    }

    private static func sum(_ left: Wide, _ right: Wide) -> Self {
        if left.isNegative == right.isNegative { return made(left.isNegative, add(left.digits, right.digits)) }
        let order = compare(left.digits, right.digits)
        if order == 0 { return .small(0) }
        let (larger, smaller) = order > 0 ? (left, right) : (right, left)
        return made(larger.isNegative, subtract(smaller.digits, from: larger.digits))
    }

    private static func made(_ isNegative: Bool, _ digits: [UInt8]) -> Self {
        let number = Self.large(isNegative: isNegative, digits: digits)
        return number.text?.int.map { .small($0) } ?? number
    }

    private static func add(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        let (longer, shorter) = left.count >= right.count ? (left, right) : (right, left)
        var sum = longer
        var carry: UInt8 = 0
        for place in 1...longer.count {
            let index = longer.count - place
            let other = place <= shorter.count ? shorter[shorter.count - place] - UInt8(ascii: "0") : 0
            if other == 0, carry == 0, place > shorter.count { return sum }
            let digit = sum[index] - UInt8(ascii: "0") + other + carry
            carry = digit / 10
            sum[index] = digit % 10 + UInt8(ascii: "0")
        }
        if carry > 0 { sum.insert(UInt8(ascii: "1"), at: 0) }
        return sum
    }

    /// - Parameter larger: is not less.
    private static func subtract(_ smaller: [UInt8], from larger: [UInt8]) -> [UInt8] {
        var difference = larger
        var borrow: UInt8 = 0
        for place in 1...larger.count {
            let index = larger.count - place
            let other = (place <= smaller.count ? smaller[smaller.count - place] - UInt8(ascii: "0") : 0) + borrow
            let digit = difference[index] - UInt8(ascii: "0")
            borrow = digit < other ? 1 : 0
            difference[index] = digit + borrow * 10 - other + UInt8(ascii: "0")
        }
        return Array(difference.drop { $0 == UInt8(ascii: "0") })
    }

    private static func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left.count != right.count { return left.count < right.count ? -1 : 1 }
        return left == right ? 0 : left.lexicographicallyPrecedes(right) ? -1 : 1
    }

    private static func compare(_ left: Wide, _ right: Wide) -> Int {
        if left.isNegative != right.isNegative { return left.isNegative ? -1 : 1 }
        let order = compare(left.digits, right.digits)
        return left.isNegative ? -order : order
    }

    /// A double with a whole number.
    private static func compare(_ double: Double, _ whole: Self) -> Int {
        if case .small(let int) = whole, int.magnitude < 1 << 53 {
            return double < Double(int) ? -1 : double > Double(int) ? 1 : 0
        }
        guard double.isFinite else { return double < 0 ? -1 : 1 }
        let order = compare(wide(double), whole.wide)
        guard order == 0 else { return order }
        let fraction = double - double.rounded(.towardZero)
        return fraction < 0 ? -1 : fraction > 0 ? 1 : 0
    }
}
