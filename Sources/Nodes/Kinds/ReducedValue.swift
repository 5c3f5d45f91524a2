import Executions
import Graphs
import JSON

/// What many values come to under a reducer, in the order in which they are given; as much work as there are bytes, however
/// many they are.
struct ReducedValue: Sendable {
    private static let waitingBytesMin = 4 << 10

    let reducer: Reducer
    private var folded: JSONText?
    private var waiting: [JSONText] = []
    private var waitingBytes = 0
    private(set) var isBeyondNumbers = false

    init(_ reducer: Reducer) {
        self.reducer = reducer
    }

    var byteCount: Int { (folded?.bytes.count ?? 0) + waitingBytes }

    mutating func add(_ value: JSONText) {
        waiting.append(value)
        waitingBytes += value.bytes.count + 1
        if waitingBytes > max(Self.waitingBytesMin, folded?.bytes.count ?? 0) { fold() }
    }

    /// Nil where there was no value.
    mutating func take() -> JSONText? {
        fold()
        return folded
    }

    private mutating func fold() {
        guard !waiting.isEmpty else { return }
        let values = (folded.map { [$0] } ?? []) + waiting
        (waiting, waitingBytes) = ([], 0)
        guard let sum = reducer.fold(values) else {
            isBeyondNumbers = true
            return
        }
        folded = sum
    }
}
