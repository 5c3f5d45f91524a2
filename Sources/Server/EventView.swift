import Executions
import HTTP
import JSON

/// Which events a stream shows, and how much of them. All streams of one view get the same bytes.
struct EventView: Hashable, Sendable {
    /// All that the classic dialect has: it knows neither details nor graphs within nodes.
    static let classic = EventView(.full, dialect: .classic)

    let dialect: EventDialect
    let detail: StateDetail
    /// Events of graphs deeper within nodes than this are left out; nil: none.
    let depth: Int?

    init(_ detail: StateDetail, depth: Int? = nil, dialect: EventDialect = .native) {
        self.dialect = dialect
        self.detail = detail
        self.depth = depth
    }

    /// `?state=` and `?depth=`
    init(_ request: Request) throws(Problem) {
        dialect = .native
        detail = try EventRoutes.detail(request)
        guard let text = request.queryValue("depth") else {
            depth = nil
            return
        }
        guard let depth = Int(text), 0...ExecutionTree.depthMax ~= depth else {
            throw Problem(
                400, "invalid_parameter", "depth must be a whole number from 0 to \(ExecutionTree.depthMax).")
        }
        self.depth = depth
    }

    /// Whether events are rendered where they arise for streams that show what this one does.
    var hasEarlyEvents: Bool { dialect == .native }

    /// Whether it is one of the few that hold back nothing.
    var isWhole: Bool { dialect == .native && depth == nil }

    /// Whether an event that the renderer has entered is shown.
    func shows(_ event: EventRecord, _ renderer: EventRenderer) -> Bool {
        switch dialect {
        case .native: renderer.depth(event.scope) <= depth ?? .max
        case .classic: renderer.isClassic(event)
        }
    }

    /// Appends the JSON of an event that is shown.
    func render(_ event: EventRecord, by renderer: inout EventRenderer, to writer: inout ByteWriter) {
        switch dialect {
        case .native: renderer.render(event, to: &writer)
        case .classic: renderer.renderClassic(event, to: &writer)
        }
    }
}
