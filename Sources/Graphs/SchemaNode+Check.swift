import JSON

/// Checks of a value, worded for the person who wrote it. A value of the wrong type is not looked into further.
extension SchemaNode {
    /// Notes what in `value` does not fit; the collector stands at the value.
    func check(_ value: JSONText, _ faults: FaultCollector) {
        guard faults.schemaRun.enter() else { return faults.add("is too much to check against its schema") }
        defer { faults.schemaRun.leave() }
        if let reference { faults.schemaRun.schema(at: reference)?.check(value, faults) }
        guard isSatisfiable else { return faults.add("is not allowed here") }
        guard hasType(value) else { return faults.add("must be \(expectation), not \(Wording.kind(of: value))") }
        if let values, !values.contains(where: { $0.isEquivalent(to: value) }) {
            faults.add(Wording.choice(of: value, among: values))
        }
        switch value.kind {
        case .object: checkObject(value, faults)
        case .array: checkArray(value, faults)
        case .string: checkString(value, faults)
        case .number: checkNumber(value, faults)
        case .bool, .null: break
        }
        checkBranches(value, faults)
    }

    private func hasType(_ value: JSONText) -> Bool {
        types.isEmpty || types.contains { $0.covers(value) }
    }

    /// "a whole number ≥ 1", "a string or a list".
    private var expectation: String {
        types.map { $0.isNumeric ? $0.words + bounds.words : $0.words }.joined(separator: " or ")
    }

    private func checkNumber(_ value: JSONText, _ faults: FaultCollector) {
        guard let number = value.double else { return faults.add("is too large a number") }
        if let multipleOf {
            let quotient = number / multipleOf
            // Decimal fractions are not exact: 0.3 is a multiple of 0.1.
            if abs(quotient - quotient.rounded()) > 1e-9 * max(abs(quotient), 1) {
                faults.add("must be a multiple of \(NumberBounds.shown(multipleOf)), not \(value)")
            }
        }
        guard !bounds.allow(number) else { return }
        faults.add("must be \(types.isEmpty ? "a number\(bounds.words)" : expectation), not \(value)")
    }

    private func checkString(_ value: JSONText, _ faults: FaultCollector) {
        guard let string = value.string else { return }
        let count = string.unicodeScalars.count
        if !length.allow(count) {
            faults.add(
                count == 0 && length.min == 1
                    ? "must not be empty" : "must have \(length.words("character", "characters")), has \(count)")
        }
        if let pattern, faults.schemaRun.fits(string, pattern) == false {
            faults.add("must match the pattern \(Suggestion.clipped(pattern.source))")
        }
    }

    private func checkArray(_ value: JSONText, _ faults: FaultCollector) {
        guard let elements = value.array else { return }
        if !itemCount.allow(elements.count) {
            faults.add(
                elements.isEmpty && itemCount.min == 1
                    ? "must not be empty" : "must have \(itemCount.words("item", "items")), has \(elements.count)")
        }
        for (index, element) in elements.enumerated() {
            guard let schema = index < prefixItems.count ? prefixItems[index] : items else { break }
            faults.enter(index)
            schema.check(element, faults)
            faults.leave()
        }
        if let contains {
            let count = elements.count { contains.fits($0, faults.schemaRun) }
            if !containedCount.allow(count) {
                faults.add(
                    "must have \(containedCount.words("item", "items")) that are \(contains.label), has \(count)")
            }
        }
        if isUnique, let index = faults.schemaRun.firstRepeated(elements) {
            faults.enter(index)
            faults.add("must not be there twice")
            faults.leave()
        }
    }

    private func checkObject(_ value: JSONText, _ faults: FaultCollector) {
        guard let object = value.object else { return }
        for name in required where object[name] == nil { faults.add("\(Suggestion.quoted(name)) is missing") }
        for (name, needs) in dependentRequired where object[name] != nil {
            for need in needs where object[need] == nil {
                faults.add("\(Suggestion.quoted(name)) needs \(Suggestion.quoted(need)) beside it")
            }
        }
        if !memberCount.allow(object.count) {
            faults.add("must have \(memberCount.words("member", "members")), has \(object.count)")
        }
        for (index, member) in object.enumerated() {
            let name = member.key.string
            faults.enter(name, index)
            if let propertyNames, !propertyNames.fits(JSONText(name), faults.schemaRun) {
                faults.add("must have a name that is \(propertyNames.label)")
            }
            let patterns = patternProperties.filter { faults.schemaRun.fits(name, $0.pattern) == true }
            for (_, schema) in patterns { schema.check(member.value, faults) }
            if let property = propertyIndex[member.key] {
                properties[property].schema.check(member.value, faults)
            } else if !patterns.isEmpty {
                // It has its schema.
            } else if additional?.isSatisfiable == false {
                faults.add(ofKey: Wording.unknownKey(name, among: faults.isKeeping ? properties.map(\.name) : []))
            } else {
                additional?.check(member.value, faults)
            }
            faults.leave()
        }
    }
}

// MARK: - Branches

extension SchemaNode {
    private func checkBranches(_ value: JSONText, _ faults: FaultCollector) {
        let run = faults.schemaRun
        for schema in allOf { schema.check(value, faults) }
        if let excluded, excluded.fits(value, run) { faults.add("must not be \(excluded.label)") }
        if let condition {
            (condition.fits(value, run) ? consequence : alternative)?.check(value, faults)
        }
        for (name, schema) in dependentSchemas where value[JSONKey(name)] != nil { schema.check(value, faults) }
        if !anyOf.isEmpty, !anyOf.contains(where: { $0.fits(value, run) }) {
            faults.add(Self.misfit(value, anyOf, run))
        }
        guard !oneOf.isEmpty else { return }
        switch oneOf.count(where: { $0.fits(value, run) }) {
        case 1: break
        case 0: faults.add(Self.misfit(value, oneOf, run))
        default:
            let names = oneOf.filter { $0.fits(value, run) }.map(\.label)
            faults.add("must have only one of: \(names.joined(separator: " · "))")
        }
    }

    func fits(_ value: JSONText, _ run: SchemaRun) -> Bool {
        let faults = FaultCollector(run)
        check(value, faults)
        return faults.count == 0
    }

    /// What the branches are, and what the nearest one misses.
    private static func misfit(_ value: JSONText, _ branches: [SchemaNode], _ run: SchemaRun) -> String {
        let message = "must have one of: \(branches.map(\.label).joined(separator: " · "))"
        let counts = branches.map { branch in
            let faults = FaultCollector(run)
            branch.check(value, faults)
            return (count: faults.count, first: faults.faults.faults.first)
        }
        guard let fewest = counts.map(\.count).min(), counts.count(where: { $0.count == fewest }) == 1,
            let fault = counts.first(where: { $0.count == fewest })?.first
        else { return message }
        let place = fault.pointer.isEmpty ? "" : "\(fault.pointer) "
        return "\(message) (nearest: \(place)\(fault.message))"
    }

    /// A short name of a branch.
    private var label: String {
        if let title { return title }
        if !required.isEmpty { return required.map(Suggestion.quoted).joined(separator: " and ") }
        if let values { return values.map { Suggestion.clipped($0.description) }.joined(separator: ", ") }
        return types.isEmpty ? "something else" : expectation
    }
}

// MARK: - Files

extension SchemaNode {
    /// Calls `found` with the place and name of each file that `value` names.
    func collectFileNames(in value: JSONText, at place: JSONPointer, _ found: (JSONPointer, String) -> Void) {
        if isFileName, let name = value.string { found(place, name) }
        for (name, schema) in properties {
            guard let member = value[JSONKey(name)] else { continue }
            schema.collectFileNames(in: member, at: place.appending(name), found)
        }
        if let additional, additional.isSatisfiable, let object = value.object {
            for (key, member) in object where propertyIndex[key] == nil {
                additional.collectFileNames(in: member, at: place.appending(key.string), found)
            }
        }
        if let items, let elements = value.array {
            for (index, element) in elements.enumerated() {
                items.collectFileNames(in: element, at: place.appending(index), found)
            }
        }
        for branch in oneOf + anyOf where branch.fits(value, SchemaRun()) {
            branch.collectFileNames(in: value, at: place, found)
        }
    }
}

extension SchemaNode.ValueType {
    var words: String {
        switch self {
        case .object: "an object"
        case .array: "a list"
        case .string: "a string"
        case .number: "a number"
        case .integer: "a whole number"
        case .boolean: "true or false"
        case .null: "null"
        }
    }

    var isNumeric: Bool { self == .number || self == .integer }

    /// Whether the value is of this type. A number without a fraction is an integer however it is written (JSON Schema
    /// 2020-12, section 4.2.3).
    func covers(_ value: JSONText) -> Bool {
        switch self {
        case .object: value.kind == .object
        case .array: value.kind == .array
        case .string: value.kind == .string
        case .number: value.kind == .number
        case .integer: value.int != nil || value.double.map { $0 == $0.rounded() } == true
        case .boolean: value.kind == .bool
        case .null: value.kind == .null
        }
    }
}
