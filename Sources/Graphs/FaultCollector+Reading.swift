import JSON

/// Reading values that must be of some form. Each function takes the value at which the walk stands, and gives nil
/// after it has noted why the value will not do.
extension FaultCollector {
    /// Walks the members of an object as written: hands the known ones to `read`, and notes unknown and missing keys.
    func members(
        of value: JSONText, known: [JSONKey], required: [JSONKey] = [], _ read: (String, JSONText) -> Void
    ) {
        guard let object = self.object(value) else { return }
        for name in required where object[name] == nil { add("`\(name)` is missing") }
        for (index, member) in object.enumerated() {
            let name = member.key.string
            enter(name, index)
            if known.contains(member.key) {
                read(name, member.value)
            } else {
                add(ofKey: Wording.unknownKey(name, among: isKeeping ? known.map(\.string) : []))
            }
            leave()
        }
    }

    /// Walks the elements of an array; a count outside `counts` is noted, and one beyond it not walked.
    func elements(of value: JSONText, counts: ClosedRange<Int>, _ read: (Int, JSONText) -> Void) {
        guard let elements = value.array else { return mismatch(value, "a list") }
        guard elements.count <= counts.upperBound else {
            return add(
                "must have at most \(Wording.grouped(counts.upperBound)) items, has \(Wording.grouped(elements.count))")
        }
        if elements.count < counts.lowerBound { add("must not be empty") }
        for (index, element) in elements.enumerated() {
            enter(index)
            read(index, element)
            leave()
        }
    }

    func object(_ value: JSONText) -> JSONObject? {
        guard let object = value.object else { return mismatch(value, "an object") }
        return object
    }

    func string(_ value: JSONText) -> String? {
        guard let string = value.string else { return mismatch(value, "a string") }
        return string
    }

    func boolean(_ value: JSONText) -> Bool? {
        guard let bool = value.bool else { return mismatch(value, "true or false") }
        return bool
    }

    func wholeNumber(_ value: JSONText, in range: ClosedRange<Int>) -> Int? {
        let words = "a whole number from \(Wording.grouped(range.lowerBound)) to \(Wording.grouped(range.upperBound))"
        guard value.kind == .number else { return mismatch(value, words) }
        guard let number = value.int ?? value.double.flatMap({ Int(exactly: $0) }), range.contains(number) else {
            add("must be \(words), not \(Suggestion.clipped(value.description))")
            return nil
        }
        return number
    }

    func number(_ value: JSONText, in range: ClosedRange<Double>) -> Double? {
        let bounds = NumberBounds(
            minimum: range.lowerBound, maximum: range.upperBound, exclusiveMinimum: nil, exclusiveMaximum: nil)
        guard value.kind == .number else { return mismatch(value, "a number" + bounds.words) }
        guard let number = value.double, range.contains(number) else {
            add("must be a number\(bounds.words), not \(Suggestion.clipped(value.description))")
            return nil
        }
        return number
    }

    /// The word of an enumeration that `value` names.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ value: JSONText, of _: Choice.Type) -> Choice? {
        let words = Choice.allCases.map(\.rawValue)
        guard let string = string(value) else { return nil }
        guard let choice = Choice(rawValue: string) else {
            add("must be one of \(words.joined(separator: ", "))\(Suggestion.hint(for: string, among: words))")
            return nil
        }
        return choice
    }

    private func mismatch<Value>(_ value: JSONText, _ expectation: String) -> Value? {
        mismatch(value, expectation)
        return nil
    }

    private func mismatch(_ value: JSONText, _ expectation: String) {
        add("must be \(expectation), not \(Wording.kind(of: value))")
    }
}
