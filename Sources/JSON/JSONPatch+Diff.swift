extension JSONPatch {
    /// The operations that turn one value into another: `add`, `remove` and `replace`, object by object and element
    /// by element; empty if the values are the same but for the order of keys, which no patch can express. Where the
    /// operations would be longer than the value, one `replace` stands for them.
    ///
    /// It recurses as deep as the values differ, which parsing has bounded.
    package static func diff(from old: JSONText, to new: JSONText) -> JSONText {
        var comparison = Comparison()
        comparison.compare(old, new)
        return comparison.patch
    }

    /// The operations that turn an object into another one, member by member: none stands for the whole object.
    /// - Parameter whole: members that are written as a whole, whatever they were before: their operations can be
    ///   applied to any object.
    package static func diff(from old: JSONObject, to new: JSONObject, whole: Set<JSONKey>) -> JSONText {
        var comparison = Comparison()
        comparison.compare(old, new, whole: whole)
        return comparison.patch
    }
}

/// The operations found so far, as the text of a JSON array that is still open.
private struct Comparison: ~Copyable {
    private var operations = ByteWriter()
    private var path: [JSONKey] = []

    var patch: JSONText {
        var writer = ByteWriter(capacity: operations.count + 2)
        writer.append("[")
        operations.withUnsafeBytes { writer.append($0) }
        writer.append("]")
        return JSONText(unchecked: writer.bytes)
    }

    mutating func compare(_ old: JSONText, _ new: JSONText) {
        guard old != new else { return }
        let start = operations.count
        if let old = old.object, let new = new.object {
            compare(old, new, whole: [])
        } else if let old = old.array, let new = new.array {
            compare(old, new)
        } else {
            emit("replace", new)
            return
        }
        guard operations.count - start > replacementByteCount(new) else { return }
        operations.truncate(to: start)
        emit("replace", new)
    }

    mutating func compare(_ old: JSONObject, _ new: JSONObject, whole: Set<JSONKey>) {
        for key in old.keys where new[key] == nil {
            within(key) { $0.emit("remove", nil) }
        }
        for (key, value) in new {
            within(key) {
                if let before = old[key], !whole.contains(key) {
                    $0.compare(before, value)
                } else {
                    $0.emit("add", value)
                }
            }
        }
    }

    /// Sets what both arrays start and end with aside; what is left is compared element by element.
    private mutating func compare(_ old: [JSONText], _ new: [JSONText]) {
        let shorter = min(old.count, new.count)
        var start = 0
        while start < shorter, old[start] == new[start] { start += 1 }
        var ending = 0
        while ending < shorter - start, old[old.count - 1 - ending] == new[new.count - 1 - ending] { ending += 1 }
        let paired = shorter - ending
        for index in start..<paired {
            within(index) { $0.compare(old[index], new[index]) }
        }
        // From the end, so that each index is one of the array as it then is.
        for index in (paired..<old.count - ending).reversed() {
            within(index) { $0.emit("remove", nil) }
        }
        for index in paired..<new.count - ending {
            within(index) { $0.emit("add", new[index]) }
        }
    }

    private mutating func within(_ token: JSONKey, _ body: (inout Comparison) -> Void) {
        path.append(token)
        body(&self)
        path.removeLast()
    }

    private mutating func within(_ index: Int, _ body: (inout Comparison) -> Void) {
        within(JSONKey(String(index)), body)
    }

    private mutating func emit(_ name: StaticString, _ value: JSONText?) {
        if operations.count > 0 { operations.append(",") }
        operations.append("{\"op\":\"")
        operations.append(name)
        operations.append("\",\"path\":")
        operations.appendJSONString(JSONPointer(path.map(\.string)).description)
        if let value {
            operations.append(",\"value\":")
            operations.append(json: value)
        }
        operations.append("}")
    }

    private func replacementByteCount(_ value: JSONText) -> Int {
        let frame = ",{\"op\":\"replace\",\"path\":\"\",\"value\":}".utf8.count
        return frame + path.reduce(0) { $0 + $1.token.count } + value.bytes.count
    }
}
