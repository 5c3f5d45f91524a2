import JSON

let edgeKeys: [JSONKey] = ["from", "to", "when"]
let requiredEdgeKeys: [JSONKey] = ["from", "to"]

/// Edges: their ends among the document's nodes, and their conditions.
extension DocumentReader {
    func edge(_ value: JSONText, _ place: Int) -> GraphEdge? {
        var (from, to, when): (String?, String?, String?)
        faults.members(of: value, known: edgeKeys, required: requiredEdgeKeys) { key, value in
            switch key {
            case "from": from = end(value)
            case "to": to = end(value)
            default: when = condition(value)
            }
        }
        guard let from, let to else { return nil }
        let edge = GraphEdge(from: from, to: to, when: when)
        join(edge, place)
        return edge
    }

    /// The id that one end of an edge names.
    private func end(_ value: JSONText) -> String? {
        guard let id = faults.string(value) else { return nil }
        if placeOfID[id] == nil {
            let hint = faults.isKeeping ? Suggestion.hint(for: id, among: idOfPlace) : ""
            faults.add("no node has the id \(Suggestion.quoted(id))\(hint)")
        }
        return id
    }

    private func condition(_ value: JSONText) -> String? {
        guard let source = faults.string(value) else { return nil }
        for fault in compile({ vocabulary.fault(inCondition: source).map { [$0] } ?? [] }) { faults.add(fault) }
        return source
    }

    private func join(_ edge: GraphEdge, _ place: Int) {
        guard let from = placeOfID[edge.from], let to = placeOfID[edge.to] else { return }
        guard from != to else { return faults.add("joins `\(edge.from)` to itself") }
        let key = EdgeKey(from: from, to: to, when: edge.when)
        if let first = edgePlaces[key] { return faults.add("says the same as /edges/\(first)") }
        edgePlaces[key] = place
        joined.append(TopologicalOrder.Edge(from: from, to: to))
        joinedPlaces.append(place)
    }
}

/// What makes two edges the same.
struct EdgeKey: Hashable {
    let from: Int
    let to: Int
    let when: String?
}
