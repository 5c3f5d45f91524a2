import JSON

/// Gathers faults while a document is walked, knows where the walk stands, and gives them back in document order.
///
/// The walk may judge things out of order (an edge only once all nodes are known), so each fault carries its place as a
/// path of indices. Only the first faults are kept: whenever twice as many have gathered the rest is cut off, so that a
/// document with a hundred thousand faults costs no more memory than one with two hundred.
final class FaultCollector {
    private struct Step {
        let token: String
        let index: Int
    }

    private struct Entry {
        let order: [Int]
        let sequence: Int
        let fault: GraphFault
    }

    /// What a check against schemas may cost, and where it finds others.
    var schemaRun: SchemaRun

    init(_ schemaRun: SchemaRun = SchemaRun()) {
        self.schemaRun = schemaRun
    }

    private var path: [Step] = []
    private var entries: [Entry] = []
    private(set) var count = 0

    /// Whether a fault noted now is likely to be kept: a suggestion for it is worth the search.
    var isKeeping: Bool { count < GraphFaults.keptMax }

    /// Goes into the member `key` of an object, the `index`-th as written.
    func enter(_ key: String, _ index: Int) {
        path.append(Step(token: key, index: index))
    }

    /// Goes into the `index`-th element of an array.
    func enter(_ index: Int) {
        path.append(Step(token: String(index), index: index))
    }

    /// Goes back out of the member or element entered last.
    func leave() {
        path.removeLast()
    }

    /// Where the walk stands, as a JSON Pointer.
    var pointer: String { JSONPointer(path.map(\.token)).description }

    /// Notes a fault of the value at which the walk stands.
    /// - Parameter place: where it stands in the text, if that is known.
    func add(_ message: String, place: TextPlace? = nil) {
        note(message, at: path, place: place)
    }

    /// Notes a fault of the key at whose value the walk stands.
    func add(ofKey message: String) {
        note(message, at: path, isOfKey: true)
    }

    /// Notes a fault that someone else found in `value`, at which the walk stands; its pointer is relative to it.
    func add(_ fault: GraphFault, in value: JSONText) {
        guard let pointer = try? JSONPointer(parsing: fault.pointer) else {
            preconditionFailure("\(fault.pointer) is no JSON Pointer")
        }
        var steps = path
        var current: JSONText? = value
        for token in pointer.tokens {
            if let object = current?.object {
                let key = JSONKey(token)
                steps.append(Step(token: token, index: object.keys.firstIndex(of: key) ?? object.count))
                current = object[key]
            } else {
                steps.append(Step(token: token, index: Int(token) ?? .max))
                current = current?[JSONPointer([token])]
            }
        }
        note(fault.message, at: steps, place: fault.place, isOfKey: fault.isOfKey)
    }

    /// What was found, in document order.
    var faults: GraphFaults {
        cut()
        return GraphFaults(entries.map(\.fault), count: count)
    }

    /// Throws what was found, if anything was.
    func throwIfAny() throws(GraphFaults) {
        if count > 0 { throw faults }
    }

    private func note(_ message: String, at path: [Step], place: TextPlace? = nil, isOfKey: Bool = false) {
        let pointer = JSONPointer(path.map(\.token)).description
        let fault = GraphFault(pointer: pointer, message: message, place: place, isOfKey: isOfKey)
        entries.append(Entry(order: path.map(\.index), sequence: count, fault: fault))
        count += 1
        if entries.count >= 2 * GraphFaults.keptMax { cut() }
    }

    private func cut() {
        entries.sort {
            $0.order == $1.order ? $0.sequence < $1.sequence : $0.order.lexicographicallyPrecedes($1.order)
        }
        entries.removeLast(max(0, entries.count - GraphFaults.keptMax))
    }
}
