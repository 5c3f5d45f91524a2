import JSON

/// The initial state and all updates so far, for the one question how large that is. Updates are folded together a few at a
/// time: an execution of a few small ones never pays for it.
struct FinalState: Sendable {
    /// What may wait to be folded: a bound of what overwritten values hold in memory.
    private static let pendingBytesMax = 64 << 10

    private var folded: State
    private var pending: [(rank: Int, update: JSONObject)] = []
    private var pendingBytes = 0

    init(_ initial: State) {
        folded = initial
    }

    mutating func add(_ update: JSONObject, rank: Int) {
        guard !update.isEmpty else { return }
        pending.append((rank, update))
        pendingBytes += update.byteCount
        if pendingBytes > Self.pendingBytesMax { fold() }
    }

    /// Never too small.
    private var bytesMax: Int { folded.bytes + pendingBytes }

    /// Whether it is larger; asked of what was folded, so that each update is looked at once.
    func surelyPasses(_ bytesMax: Int) -> Bool { folded.bytes > bytesMax }

    /// Why this cannot be the state that an execution ends with.
    mutating func refusal(bytesMax: Int) -> String? {
        guard self.bytesMax > bytesMax || folded.mayOverflow || !pending.isEmpty && folded.hasReducers else {
            return nil
        }
        fold()
        return folded.refusal(bytesMax: bytesMax).map { "the final state \($0)" }
    }

    /// All of it, as a state.
    mutating func takeState() -> State {
        fold()
        return folded
    }

    private mutating func fold() {
        for (rank, update) in pending { folded.apply(update, rank: rank) }
        pending.removeAll()
        pendingBytes = 0
    }
}
