// How the contributions to one key are combined. All go through the reducer, the first one too.

import Graphs
import JSON

extension Reducer {
    var needsNumbers: Bool {
        switch self {
        case .sum, .min, .max: true
        case .replace, .append, .merge: false
        }
    }

    /// Combines contributions that stand in rank order; there is at least one. Nil: a sum is beyond all doubles.
    package func fold(_ values: [JSONText]) -> JSONText? {
        switch self {
        case .replace: values[values.count - 1]
        case .append: values.count == 1 && values[0].kind == .array ? values[0] : Self.concatenate(values)
        case .merge: values.reduce(.emptyObject) { JSONMergePatch.apply($1, to: $0) }
        case .sum: Self.add(values)
        case .min: values.dropFirst().reduce(values[0]) { Self.isLess($1, $0) ? $1 : $0 }
        case .max: values.dropFirst().reduce(values[0]) { Self.isLess($0, $1) ? $1 : $0 }
        }
    }

    /// Why a value is none for this reducer, or nil. To be read behind "is".
    package func refusal(of value: JSONText) -> String? {
        needsNumbers ? value.refusalAsNumber.map { "\($0), but its reducer is \(rawValue)" } : nil
    }

    /// How far a sum may move by a value.
    func magnitude(of value: JSONText) -> Double {
        guard self == .sum else { return 0 }
        return value.double.map(\.magnitude) ?? .infinity
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

    private static func add(_ values: [JSONText]) -> JSONText? {
        guard values.count > 1 else { return values[0] }
        var sum = ExactNumber(values[0])
        for value in values.dropFirst() { sum = sum.adding(ExactNumber(value)) }
        return sum.text
    }

    private static func isLess(_ left: JSONText, _ right: JSONText) -> Bool {
        ExactNumber(left) < ExactNumber(right)
    }
}

extension JSONText {
    /// Why the value is no number that a reducer can take, or nil. Whole numbers may have any length.
    var refusalAsNumber: String? {
        guard kind == .number else { return "no number" }
        return ExactNumber.isWhole(bytes) || double != nil ? nil : "too large a number"
    }
}
