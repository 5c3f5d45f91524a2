import Graphs
import HashTreeCollections
import JSON

/// What a state holds.
struct StateContent: Sendable {
    /// Who wrote a key first: the initial state is rank -1. Keys stand in this order.
    struct Place: Sendable, Comparable {
        var rank: Int32
        var index: Int32

        static func < (left: Self, right: Self) -> Bool {
            (left.rank, left.index) < (right.rank, right.index)
        }
    }

    struct Entry: Sendable {
        let key: JSONKey
        var value: Value
        /// The rank of the writer whose value holds.
        var rank: Int32
        var place: Place
        /// What counts the value, with all else that came with it; that of a contribution is its own.
        var charge: MemoryCharge?
    }

    enum Value: Sendable {
        case plain(JSONText)
        case reduced(Contribution)
    }

    /// Keys that lie in `recent` at the most, so that walking it costs less than hashing.
    private static let recentMax = 24
    /// Room that is made at once for a state's text; what reducers make less of would be reserved in vain.
    private static let reservedBytesMax = 32 << 20
    /// Room for the keys of most states.
    private static let usualCount = 8

    private var recent: [Entry] = []
    /// Whether `recent` stands in the order of places, as it nearly always does.
    private var isSorted = true
    private var settled: Settled?
    /// Nil for none, which is what most graphs have.
    private let reducers: Reducers?
    /// Where values are counted.
    private let memory: ExecutionMemory?
    /// The length of the entries' texts, and a comma each; of keys with a reducer, that of all contributions.
    private var entryBytes = 0
    /// A sum may be beyond all doubles.
    private(set) var mayOverflow = false
    /// Of the updates that were laid over the initial state; see `State`.
    private(set) var updateCount: Int32 = 0
    private(set) var lastWriter: Int32? = -1
    private(set) var grownFrom: Int32?

    init(initial: JSONObject = [:], reducers: [JSONKey: Reducer] = [:], memory: ExecutionMemory? = nil) {
        self.reducers = reducers.isEmpty ? nil : Reducers(reducers)
        self.memory = memory
        lay(initial, rank: -1)
    }

    var hasReducers: Bool { reducers != nil }
    var reducersByKey: [JSONKey: Reducer] { reducers?.byKey ?? [:] }
    /// The length of the state as JSON text, or more, by what reducers make less of.
    var bytes: Int { entryBytes == 0 ? 2 : entryBytes + 1 }

    subscript(key: JSONKey) -> JSONText? {
        find(key).map(text)
    }

    /// Lays a node's update over the state; there is something in it.
    mutating func apply(_ update: JSONObject, rank: Int) {
        let countBefore = recent.count
        lay(update, rank: rank)
        guard updateCount >= 0 else { return }
        updateCount += 1
        let hasOnlyGrown = reducers == nil && settled == nil && isSorted && recent.count == countBefore + update.count
        grownFrom = hasOnlyGrown ? lastWriter : nil
        lastWriter = Int32(rank)
    }

    private mutating func lay(_ update: JSONObject, rank: Int) {
        var place = Place(rank: Int32(rank), index: 0)
        let charge = MemoryCharge.ifLarge(memory, bytes: update.byteCount)
        update.forEachMember { key, text in
            var value = Value.plain(text)
            if let reducer = reducers?.byKey[key] {
                value = .reduced(
                    Contribution(text, Int32(rank), magnitude: reducer.magnitude(of: text), charge: charge))
            }
            absorb(Entry(key: key, value: value, rank: Int32(rank), place: place, charge: charge))
            place.index += 1
        }
    }

    /// Adds all that the other state knows.
    mutating func merge(_ other: StateContent) {
        var other = other
        defer { (updateCount, lastWriter, grownFrom) = (-1, nil, nil) }
        if let theirs = other.settled, theirs !== settled {
            if let ours = settled, ours.entries.count >= theirs.entries.count {
                for (_, entry) in theirs.entries { absorb(entry) }
            } else {
                swap(&self, &other)
                if let rest = other.settled { for (_, entry) in rest.entries { absorb(entry) } }
            }
        }
        for entry in other.recent { absorb(entry) }
    }

    /// The state as a JSON object: initial keys first, then by the rank of the first writer.
    func write(to writer: inout ByteWriter) {
        writer.reserve(min(bytes, Self.reservedBytesMax))
        writer.append(byte: UInt8(ascii: "{"))
        if settled == nil, isSorted { write(recent, to: &writer) } else { write(entriesInOrder(), to: &writer) }
        writer.append(byte: UInt8(ascii: "}"))
    }

    private func write(_ entries: [Entry], to writer: inout ByteWriter) {
        entries.withUnsafeBufferPointer { entries in
            for index in entries.indices {
                if index > 0 { writer.append(byte: UInt8(ascii: ",")) }
                writer.append(key: entries[index].key)
                writer.append(byte: UInt8(ascii: ":"))
                switch entries[index].value {
                case .plain(let text): writer.append(json: text)
                case .reduced: writer.append(json: text(entries[index]))
                }
            }
        }
    }

    var object: JSONObject {
        var object = JSONObject()
        for entry in entriesInOrder() { object[entry.key] = text(entry) }
        return object
    }

    var text: JSONText {
        var writer = ByteWriter()
        write(to: &writer)
        return JSONText(trusted: writer.bytes)
    }

    /// Why an update cannot be taken, or nil: a reducer that needs numbers was given something else, or one beyond all doubles.
    func refusal(of update: JSONObject) -> String? {
        guard let reducers else { return nil }
        for (key, text) in update {
            guard let reducer = reducers.byKey[key], reducer.needsNumbers, let fault = text.refusalAsNumber else {
                continue
            }
            return "the update of \"\(key.string)\" is \(fault), but its reducer is \(reducer.rawValue)"
        }
        return nil
    }
}

extension StateContent {
    /// Why this can be no state, found by looking at all of it.
    func refusal(bytesMax: Int) -> String? {
        if let reducers, mayOverflow {
            for entry in entriesInOrder() {
                guard let reducer = reducers.byKey[entry.key], case .reduced(let contribution) = entry.value else {
                    continue
                }
                guard reducer.fold(contribution.inRankOrder) == nil else { continue }
                return "would have a sum beyond all doubles under \"\(entry.key.string)\""
            }
        }
        let bytes = reducers == nil ? bytes : text.bytes.count
        guard bytes > bytesMax else { return nil }
        return "would have \(bytes) bytes, more than executions.state_bytes_max (\(bytesMax))"
    }

    /// The part that has settled; compared by identity, so that states with the same past need not compare it.
    final class Settled: Sendable {
        let entries: TreeDictionary<JSONKey, Entry>

        init(_ entries: TreeDictionary<JSONKey, Entry>) {
            self.entries = entries
        }
    }

    final class Reducers: Sendable {
        let byKey: [JSONKey: Reducer]

        init(_ byKey: [JSONKey: Reducer]) {
            self.byKey = byKey
        }
    }

    private func find(_ key: JSONKey) -> Entry? {
        if let index = recentIndex(of: key) { return recent[index] }
        return settled?.entries[key]
    }

    private func text(_ entry: Entry) -> JSONText {
        switch entry.value {
        case .plain(let text): text
        case .reduced(let contribution):
            (reducers?.byKey[entry.key] ?? .replace).fold(contribution.inRankOrder) ?? .greatestNumber
        }
    }

    private func recentIndex(of key: JSONKey) -> Int? {
        for index in recent.indices where recent[index].key.mark == key.mark && recent[index].key == key {
            return index
        }
        return nil
    }

    private mutating func absorb(_ entry: consuming Entry) {
        if let index = recentIndex(of: entry.key) {
            entryBytes += recent[index].absorb(entry)
            note(recent[index])
            isSorted = isSorted && (index == 0 || !(recent[index].place < recent[index - 1].place))
            return
        }
        if var known = settled?.entries[entry.key] {
            entryBytes += known.absorb(entry)
            entry = known
        } else {
            entryBytes += entry.bytes
        }
        note(entry)
        if let last = recent.last?.place, entry.place < last { isSorted = false }
        if recent.isEmpty { recent.reserveCapacity(Self.usualCount) }
        recent.append(entry)
        if recent.count > Self.recentMax { settle() }
    }

    private mutating func note(_ entry: borrowing Entry) {
        if case .reduced(let contribution) = entry.value, !contribution.magnitude.isFinite { mayOverflow = true }
    }

    private mutating func settle() {
        var entries = settled?.entries ?? [:]
        for entry in recent { entries[entry.key] = entry }
        settled = Settled(entries)
        recent.removeAll()
        isSorted = true
    }

    private func entriesInOrder() -> [Entry] {
        var entries = recent
        if let settled {
            let newer = Set(recent.map(\.key))
            entries.reserveCapacity(entries.count + settled.entries.count)
            for (key, entry) in settled.entries where !newer.contains(key) { entries.append(entry) }
        } else if isSorted {
            return entries
        }
        entries.sort { $0.place < $1.place }
        return entries
    }
}

extension JSONText {
    /// What is shown of a sum beyond all doubles in a state that is about to be refused.
    fileprivate static let greatestNumber = JSONText(Double.greatestFiniteMagnitude)
}

extension StateContent.Entry {
    /// Its share of the state's text: key, colon, value, comma.
    var bytes: Int {
        switch value {
        case .plain(let text): key.token.count + text.bytes.count + 2
        case .reduced(let contribution): key.token.count + contribution.bytes + 2
        }
    }

    /// Takes in what another state knows of the same key.
    /// - Returns: by how many bytes the entry has grown.
    mutating func absorb(_ other: Self) -> Int {
        let before = bytes
        place = min(place, other.place)
        switch (value, other.value) {
        case (.reduced(let ours), .reduced(let theirs)):
            value = .reduced(ours.union(theirs))
        default:
            if other.rank >= rank { (value, charge) = (other.value, other.charge) }
        }
        rank = max(rank, other.rank)
        return bytes - before
    }
}
