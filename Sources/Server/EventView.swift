import Executions
import HTTP

/// Which events a stream shows, and how much of them. All streams of one view get the same bytes.
struct EventView: Hashable, Sendable {
    let detail: StateDetail
    /// Events of graphs deeper within nodes than this are left out; nil: none.
    let depth: Int?

    init(_ detail: StateDetail, depth: Int? = nil) {
        self.detail = detail
        self.depth = depth
    }

    /// `?state=` and `?depth=`
    init(_ request: Request) throws(Problem) {
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

    /// Whether an event is shown that so many nodes enclose.
    func shows(depth: Int) -> Bool { depth <= self.depth ?? .max }
}
