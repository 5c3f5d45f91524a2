import JSON

/// One thing that is wrong with a document.
package struct GraphFault: Sendable, Equatable {
    /// Where: a JSON Pointer (RFC 6901) into the document; "" is the document itself.
    package let pointer: String
    /// What, in words for the person who wrote the document.
    package let message: String
    /// Where that stands in the text; nil as long as nobody has looked for it, or if there is none.
    package var place: TextPlace?
    /// Whether the key is wrong, and not its value.
    let isOfKey: Bool

    package init(pointer: String, message: String, place: TextPlace? = nil) {
        self.init(pointer: pointer, message: message, place: place, isOfKey: false)
    }

    init(pointer: String, message: String, place: TextPlace?, isOfKey: Bool) {
        self.pointer = pointer
        self.message = message
        self.place = place
        self.isOfKey = isOfKey
    }
}

/// A place in a text, as editors count: from 1, columns in characters (Unicode code points).
package struct TextPlace: Sendable, Equatable {
    package let line: Int
    package let column: Int

    package static let start = TextPlace(line: 1, column: 1)

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// Why a document is refused: its faults in document order.
package struct GraphFaults: Error, Sendable, Equatable {
    /// More faults than this help nobody; the first ones are kept and all are counted.
    package static let keptMax = 100

    /// The first `keptMax` faults, in document order.
    package let faults: [GraphFault]
    /// How many there are, those not kept included.
    package let count: Int
    /// The document's Python, which has faults of its own, or none.
    package let code: DocumentCode?

    package init(_ faults: [GraphFault], count: Int? = nil, code: DocumentCode? = nil) {
        self.faults = faults
        self.count = count ?? faults.count
        self.code = code
    }

    /// A single fault.
    package init(pointer: String = "", _ message: String, place: TextPlace? = nil) {
        self.init([GraphFault(pointer: pointer, message: message, place: place)])
    }
}

extension GraphFaults {
    /// Both, in the order of the text; all have their places.
    package func merged(with others: GraphFaults) -> GraphFaults {
        let sorted = (faults + others.faults).enumerated().sorted { left, right in
            let (one, other) = (left.element.place ?? .start, right.element.place ?? .start)
            return (one.line, one.column, left.offset) < (other.line, other.column, right.offset)
        }
        return GraphFaults(Array(sorted.prefix(Self.keptMax).map(\.element)), count: count + others.count)
    }
}

extension GraphFault: CustomStringConvertible {
    /// The place, the pointer and the message: one line for logs.
    package var description: String {
        let place = place.map { "line \($0.line), column \($0.column): " } ?? ""
        return place + (pointer.isEmpty ? message : "\(pointer): \(message)")
    }
}

extension GraphFaults: CustomStringConvertible {
    /// One line for each fault, for logs and terminals.
    package var description: String {
        var lines = faults.map(\.description)
        if count > faults.count { lines.append("and \(count - faults.count) more") }
        return lines.joined(separator: "\n")
    }
}

extension GraphFault {
    /// As answers and commands tell it: `{"pointer", "message", "line", "column"}`, the last two where they are known.
    package var json: JSONText {
        var members: JSONObject = ["pointer": JSONText(pointer), "message": JSONText(message)]
        if let place {
            members["line"] = JSONText(place.line)
            members["column"] = JSONText(place.column)
        }
        return JSONText(members)
    }
}
