import Executions
import Graphs
import JSON

/// What a map has got from its items so far. It follows from the config and from the closings of items alone, whatever their
/// order: results lie in the order of index, as text, since a million small values would take ten times as much.
struct MapResults: Sendable {
    /// Of a message that is kept for an item that failed.
    static let errorBytesMax = 1 << 10

    private let wantsList: Bool
    private let collects: Bool
    /// Items before this one are in `list`.
    private var next = 0
    private var list: [UInt8] = []
    /// Of items that closed before one that comes first.
    private var pending: [Int: JSONText] = [:]
    private var pendingBytes = 0
    private var reduced: [(key: JSONKey, value: ReducedValue)]
    private(set) var errors: [(index: Int, message: String)] = []
    private var errorBytes = 0

    init(wantsList: Bool, collects: Bool, reduce: [(JSONKey, Reducer)]) {
        self.wantsList = wantsList
        self.collects = collects
        reduced = reduce.map { ($0, ReducedValue($1)) }
    }

    var byteCount: Int {
        list.count + pendingBytes + errorBytes + reduced.reduce(0) { $0 + $1.value.byteCount }
    }

    mutating func add(_ index: Int, _ value: JSONText) {
        guard wantsList || !reduced.isEmpty else { return }
        guard index == next else {
            pending[index] = value
            pendingBytes += value.bytes.count
            return
        }
        append(value)
        while let value = pending.removeValue(forKey: next) {
            pendingBytes -= value.bytes.count
            append(value)
        }
    }

    /// An item that failed has no result.
    mutating func fail(_ index: Int, _ message: String) {
        let message = message.cut(toBytes: Self.errorBytesMax)
        errors.append((index, message))
        errorBytes += message.utf8.count + 32
        add(index, .null)
    }

    private mutating func append(_ value: JSONText) {
        next += 1
        if wantsList {
            list.append(list.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
            list += value.bytes
        }
        for place in reduced.indices {
            if let part = value[reduced[place].key] { reduced[place].value.add(part) }
        }
    }

    /// All of it, once no item is missing.
    mutating func update(into: JSONKey?) -> Result<JSONObject, NodeFailure> {
        var update = JSONObject()
        if let into {
            var text = list.isEmpty ? [UInt8(ascii: "[")] : list
            text.append(UInt8(ascii: "]"))
            update[into] = JSONText(trusted: text)
            if collects {
                let errors = errors.sorted { $0.index < $1.index }
                update[JSONKey(into.string + "_errors")] = JSONText(
                    array: errors.map { ["index": JSONText($0.index), "error": JSONText($0.message)] })
            }
        }
        for place in reduced.indices {
            let value = reduced[place].value.take()
            if reduced[place].value.isBeyondNumbers {
                return .failure(NodeFailure("the sum of \"\(reduced[place].key.string)\" is beyond all doubles"))
            }
            if let value { update[reduced[place].key] = value }
        }
        return .success(update)
    }
}
