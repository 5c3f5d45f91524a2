import Executions

/// How a call names its state.
enum StateReference: Sendable, Equatable {
    /// As it is; and whether the worker keeps it for calls to come.
    case whole(isKept: Bool)
    /// That of an earlier call, as it was before the call.
    case input(Int)
    /// That of an earlier call with its update laid over it.
    case output(Int)

    var isWhole: Bool {
        if case .whole = self { true } else { false }
    }
}

/// Which states a worker was told to keep. A state is known by its execution and its last writer: a node ends once, so two
/// states of one execution with the same last writer are the same.
struct WorkerStates: Sendable {
    /// Below this a state is written sooner than it is looked up, here and there.
    static let bytesMin = 16 << 10
    /// More than a worker says it keeps is of no use.
    static let countMax = 256

    struct Name: Hashable, Sendable {
        let execution: ExecutionID
        let writer: Int32
    }

    private struct Entry {
        let name: Name
        let reference: StateReference
    }

    /// States that the worker keeps: the latest so many.
    var capacity = 0
    private var entries: [Entry] = []
    /// What calls with such a state have, by number.
    private var pending: [Int: Name] = [:]

    /// How a call may name its state; what is written whole is kept from now on.
    mutating func reference(for number: Int, _ call: NodeCall) -> StateReference {
        guard capacity > 0, call.state.bytes >= Self.bytesMin, let writer = call.state.lastWriter else {
            return .whole(isKept: false)
        }
        let name = Name(execution: call.executionID, writer: writer)
        let known = entries.first { $0.name == name }
        if let rank = call.output.rank, call.state.reducers.isEmpty {
            pending[number] = Name(execution: call.executionID, writer: Int32(rank))
        }
        if let known { return known.reference }
        add(Entry(name: name, reference: .input(number)))
        return .whole(isKept: true)
    }

    /// The call has ended; with an update, the state after it may be named too.
    mutating func ended(_ number: Int, hasUpdate: Bool) {
        guard let name = pending.removeValue(forKey: number), hasUpdate else { return }
        add(Entry(name: name, reference: .output(number)))
    }

    /// The worker has it no more.
    mutating func forget(_ call: NodeCall) {
        entries.removeAll { $0.name.execution == call.executionID && $0.name.writer == call.state.lastWriter }
    }

    private mutating func add(_ entry: Entry) {
        entries.removeAll { $0.name == entry.name }
        entries.append(entry)
        if entries.count > min(capacity, Self.countMax) { entries.removeFirst() }
    }
}
