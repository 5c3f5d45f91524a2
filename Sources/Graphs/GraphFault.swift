/// One thing that is wrong with a document.
package struct GraphFault: Sendable, Equatable {
    /// Where: a JSON Pointer (RFC 6901) into the document; "" is the document itself.
    package let pointer: String
    /// What, in words for the person who wrote the document.
    package let message: String

    package init(pointer: String, message: String) {
        self.pointer = pointer
        self.message = message
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

    package init(_ faults: [GraphFault], count: Int? = nil) {
        self.faults = faults
        self.count = count ?? faults.count
    }

    /// A single fault.
    package init(pointer: String = "", _ message: String) {
        self.init([GraphFault(pointer: pointer, message: message)])
    }
}

extension GraphFaults: CustomStringConvertible {
    /// One line for each fault, for logs and terminals.
    package var description: String {
        var lines = faults.map { $0.pointer.isEmpty ? $0.message : "\($0.pointer): \($0.message)" }
        if count > faults.count { lines.append("and \(count - faults.count) more") }
        return lines.joined(separator: "\n")
    }
}
