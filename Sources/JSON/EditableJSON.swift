import OrderedCollections

/// A JSON value that is being edited: text until an edit goes through it, and then taken apart by one level. So a
/// series of edits takes each object and array apart once, and leaves the rest as it is.
indirect enum EditableJSON {
    case text(JSONText)
    case object(OrderedDictionary<JSONKey, EditableJSON>)
    case array([EditableJSON])

    var text: JSONText {
        if case .text(let text) = self { return text }
        var writer = ByteWriter()
        write(to: &writer)
        return JSONText(unchecked: writer.bytes)
    }

    private func write(to writer: inout ByteWriter) {
        switch self {
        case .text(let text): writer.append(json: text)
        case .object(let members):
            var separator: StaticString = "{"
            for (key, value) in members {
                writer.append(separator)
                writer.append(key: key)
                writer.append(byte: UInt8(ascii: ":"))
                value.write(to: &writer)
                separator = ","
            }
            writer.append(members.isEmpty ? "{}" : "}")
        case .array(let elements):
            var separator: StaticString = "["
            for element in elements {
                writer.append(separator)
                element.write(to: &writer)
                separator = ","
            }
            writer.append(elements.isEmpty ? "[]" : "]")
        }
    }

    /// Takes text apart by one level, if it is an object or array.
    mutating func open() {
        guard case .text(let text) = self else { return }
        if let object = text.object {
            self = .object(OrderedDictionary(uniqueKeysWithValues: object.lazy.map { ($0.key, .text($0.value)) }))
        } else if let elements = text.array {
            self = .array(elements.map { .text($0) })
        }
    }

    /// Runs `body` on the value at the end of `tokens`; nil if there is none, else what `body` gives.
    mutating func visit<Result>(
        _ tokens: ArraySlice<String>, _ body: (inout EditableJSON) -> Result?
    ) -> Result? {
        guard let token = tokens.first else { return body(&self) }
        open()
        switch self {
        case .text: return nil
        case .object(var members):
            guard var child = members[JSONKey(token)] else { return nil }
            // What holds the parts lets go of them first, or each change would copy them.
            self = .text(.null)
            members[JSONKey(token)] = .text(.null)
            let result = child.visit(tokens.dropFirst(), body)
            members[JSONKey(token)] = child
            self = .object(members)
            return result
        case .array(var elements):
            guard let index = JSONPointer.index(token), index < elements.count else { return nil }
            self = .text(.null)
            let result = elements[index].visit(tokens.dropFirst(), body)
            self = .array(elements)
            return result
        }
    }
}

// Each of these changes one part of an object or array; false if it is none, or has no such part.
extension EditableJSON {
    /// Adds a member or element (RFC 6902, section 4.1).
    mutating func add(_ value: EditableJSON, at token: String) -> Bool {
        open()
        switch self {
        case .text: return false
        case .object(var members):
            self = .text(.null)
            members[JSONKey(token)] = value
            self = .object(members)
            return true
        case .array(var elements):
            guard let index = token == "-" ? elements.count : JSONPointer.index(token), index <= elements.count else {
                return false
            }
            self = .text(.null)
            elements.insert(value, at: index)
            self = .array(elements)
            return true
        }
    }

    mutating func remove(at token: String) -> Bool {
        open()
        switch self {
        case .text: return false
        case .object(var members):
            self = .text(.null)
            let removed = members.removeValue(forKey: JSONKey(token))
            self = .object(members)
            return removed != nil
        case .array(var elements):
            guard let index = JSONPointer.index(token), index < elements.count else { return false }
            self = .text(.null)
            elements.remove(at: index)
            self = .array(elements)
            return true
        }
    }

    mutating func replace(with value: EditableJSON, at token: String) -> Bool {
        open()
        switch self {
        case .text: return false
        case .object(var members):
            guard members[JSONKey(token)] != nil else { return false }
            self = .text(.null)
            members[JSONKey(token)] = value
            self = .object(members)
            return true
        case .array(var elements):
            guard let index = JSONPointer.index(token), index < elements.count else { return false }
            self = .text(.null)
            elements[index] = value
            self = .array(elements)
            return true
        }
    }
}
