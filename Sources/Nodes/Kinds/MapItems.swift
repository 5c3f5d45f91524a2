import Executions
import Graphs
import JSON

/// The items of a map, from a place on, one after the other.
struct MapItems: Sendable {
    /// More would take days, and is most likely a mistake.
    static let countMax = 10_000_000

    /// Of a list.
    private var elements: JSONElements?
    private var file: ItemFile?
    /// How many there are in all.
    let total: Int

    /// - Parameter list: an array.
    init(list: JSONText) throws(NodeFailure) {
        let elements = JSONElements(list)
        total = elements.count(upTo: Self.countMax)
        guard total <= Self.countMax else { throw Self.tooMany }
        self.elements = elements
    }

    init(file: ItemFile, total: Int) {
        self.file = file
        self.total = total
    }

    static let tooMany = NodeFailure("there are more than \(countMax) items")

    var isList: Bool { elements != nil }

    /// The index of the item that comes next.
    var index: Int { elements?.index ?? file?.index ?? total }

    /// Goes on at an item that lies further on in a list.
    mutating func skip(to index: Int) {
        if let elements { self.elements?.skip(index - elements.index) }
    }

    /// The next item; nil where there is none at hand.
    mutating func next() -> JSONText? { elements?.next() ?? file?.next() }

    /// What brings more of them; nil for a list, which is at hand.
    var reading: PlanWork? {
        guard let file else { return nil }
        return { await file.readOn().map { $0 as any Sendable } }
    }

    mutating func take(_ part: ItemFile.Part) { file?.take(part) }
}
