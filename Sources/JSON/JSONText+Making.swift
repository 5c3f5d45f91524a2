extension JSONText {
    package static let null = JSONText(unchecked: Array("null".utf8))
    package static let emptyObject = JSONText(unchecked: Array("{}".utf8))
    package static let emptyArray = JSONText(unchecked: Array("[]".utf8))

    /// A string, with the fewest escapes.
    package init(_ string: String) {
        var writer = ByteWriter(capacity: string.utf8.count + 2)
        writer.appendJSONString(string)
        bytes = writer.bytes
    }

    package init(_ number: Int) {
        var writer = ByteWriter(capacity: 20)
        writer.append(decimal: number)
        bytes = writer.bytes
    }

    /// The shortest digits that read back as the same double; `1.0` keeps its point. The number must be finite.
    package init(_ number: Double) {
        precondition(number.isFinite)
        bytes = Array(number.description.utf8)
    }

    package init(_ flag: Bool) {
        bytes = Array((flag ? "true" : "false").utf8)
    }

    package init(array elements: [JSONText]) {
        var writer = ByteWriter(capacity: elements.reduce(2) { $0 + $1.bytes.count + 1 })
        writer.append(byte: UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { writer.append(byte: UInt8(ascii: ",")) }
            writer.append(element.bytes)
        }
        writer.append(byte: UInt8(ascii: "]"))
        bytes = writer.bytes
    }

    package init(_ object: JSONObject) { self = object.text }
}

// Literals read best where documents are built in code: `["count": 1, "tags": ["a", "b"]]`. There is none for nil,
// which means the absence of a member (`object["a"] = nil`), never `null`.

extension JSONText: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self.init(value) }
    package init(integerLiteral value: Int) { self.init(value) }
    package init(floatLiteral value: Double) { self.init(value) }
    package init(booleanLiteral value: Bool) { self.init(value) }
    package init(arrayLiteral elements: JSONText...) { self.init(array: elements) }

    package init(dictionaryLiteral members: (JSONKey, JSONText)...) {
        self = JSONObject(members).text
    }
}
