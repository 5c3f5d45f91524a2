import JSON

/// Sentences that several checks share.
enum Wording {
    /// "a number", "a list": what a value is.
    static func kind(of value: JSONText) -> String {
        switch value.kind {
        case .object: "an object"
        case .array: "a list"
        case .string: "a string"
        case .number where value.int == nil: "\(Suggestion.clipped(value.description))"
        case .number: "a number"
        case .bool: "\(value)"
        case .null: "null"
        }
    }

    static func unknownKey(_ name: String, among known: [String]) -> String {
        "unknown key \(Suggestion.quoted(name))\(Suggestion.hint(for: name, among: known))"
    }

    /// That a value is none of those allowed.
    static func choice(of value: JSONText, among allowed: [JSONText]) -> String {
        guard allowed.count > 1 else { return "must be \(allowed[0])" }
        let hint = value.string.map { Suggestion.hint(for: $0, among: allowed.compactMap(\.string)) } ?? ""
        return "must be one of \(allowed.map(\.description).joined(separator: ", "))\(hint)"
    }

    /// "a → b → a": the way around a cycle, a long one abridged.
    static func path(_ ids: [String]) -> String {
        let shownMax = 20
        var shown = Array(ids.prefix(shownMax))
        if ids.count > shownMax { shown.append("(\(grouped(ids.count - shownMax)) more)") }
        return (shown + ids.prefix(1)).joined(separator: " → ")
    }

    /// 604800000 → "604,800,000".
    static func grouped(_ number: Int) -> String {
        var groups: [String] = []
        var rest = number.magnitude
        while rest >= 1000 {
            let digits = String(rest % 1000)
            groups.append(String(repeating: "0", count: 3 - digits.count) + digits)
            rest /= 1000
        }
        return (number < 0 ? "-" : "") + ([String(rest)] + groups.reversed()).joined(separator: ",")
    }
}

extension Wording {
    static func tooLarge(_ byteCount: Int) -> String {
        "the document has \(grouped(byteCount)) bytes; the limit is \(grouped(GraphBounds.documentBytesMax))"
    }
}
