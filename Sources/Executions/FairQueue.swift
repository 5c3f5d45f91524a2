import DequeModule

/// What waits for its turn: first come, first served within a graph (or whoever else owns what waits), and the graphs in turn, so
/// that a flood of one graph delays what belongs to another by no more than one of its own.
package struct FairQueue<ID: Hashable, Element> {
    private struct Entry {
        let id: ID
        let element: Element
    }

    private var waiting: [String: Deque<Entry>] = [:]
    /// The graphs in `waiting`, in the order of their turns. One that has had its turn goes to the end.
    private var turns = Deque<String>()
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    package mutating func append(_ element: Element, id: ID, graphID: String) {
        if waiting[graphID] == nil { turns.append(graphID) }
        waiting[graphID, default: []].append(Entry(id: id, element: element))
        count += 1
    }

    /// - Parameter mayGo: whether a graph may have its turn now; one that may not keeps its place.
    package mutating func popFirst(where mayGo: (_ graphID: String) -> Bool = { _ in true }) -> Element? {
        guard let turn = turns.firstIndex(where: mayGo) else { return nil }
        let graphID = turns.remove(at: turn)
        guard let entry = waiting[graphID]?.popFirst() else { preconditionFailure("a graph with a turn has entries") }
        count -= 1
        if waiting[graphID]?.isEmpty == true { waiting[graphID] = nil } else { turns.append(graphID) }
        return entry.element
    }

    package mutating func remove(_ id: ID, graphID: String) -> Element? {
        guard let index = waiting[graphID]?.firstIndex(where: { $0.id == id }),
            let entry = waiting[graphID]?.remove(at: index)
        else { return nil }
        count -= 1
        if waiting[graphID]?.isEmpty == true {
            waiting[graphID] = nil
            turns.removeAll { $0 == graphID }
        }
        return entry.element
    }

    var ids: Set<ID> {
        Set(waiting.values.joined().map(\.id))
    }

    /// The places of those that wait, from 1, as the turns stand now. Walks over the queue once, however many are asked for.
    func positions(of ids: Set<ID>) -> [ID: Int] {
        var positions: [ID: Int] = [:]
        var queues = turns.compactMap { waiting[$0] }
        var (round, place) = (0, 0)
        while positions.count < ids.count, !queues.isEmpty {
            for queue in queues {
                place += 1
                if ids.contains(queue[round].id) { positions[queue[round].id] = place }
            }
            round += 1
            queues.removeAll { $0.count <= round }
        }
        return positions
    }
}
