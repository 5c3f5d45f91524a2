// The API of the system that Millrace replaces, below `/classic`: front ends that were written for it change their base URL
// and nothing else. It shows the same graphs and the same executions in other words.

import Auth
import Executions
import HTTP
import JSON

enum ClassicRoutes {
    static func add(to router: inout Router<Endpoint>) {
        router.add(.get, "/classic/api/graphs", needs: .read, reach: .route, ClassicGraphs.list)
        router.add(
            .post, "/classic/api/graphs/load", needs: .edit, reach: .route, change: "graph.load", ClassicLoads.load)
        router.add(.get, "/classic/api/graphs/{id}", needs: .read, ClassicGraphs.read)
        router.add(.delete, "/classic/api/graphs/{id}", needs: .edit, change: "graph.delete", ClassicGraphs.delete)
        router.add(.post, "/classic/api/graphs/{id}/execute", needs: .run, StartRoutes.classicExecute)
        router.add(.post, "/classic/api/graphs/{id}/execute/stream", needs: .run, StartRoutes.classicStream)
        router.add(
            .get, "/classic/api/executions", needs: .read, reach: .route, query: ["graph_id", "page", "page_size"],
            ClassicExecutions.list)
        router.add(.get, "/classic/api/executions/{id}", needs: .read, ClassicExecutions.read)
        router.add(.get, "/classic/health", needs: nil, reach: .nothing, health)
    }

    static func health(_ call: Call) throws(Problem) {
        call.respond(.json(["status": "healthy", "service": "millrace"] as JSONObject))
    }

    /// It goes with the execution, and lists read it.
    private static let configBytesMax = 64 << 10

    /// What a start says in its body; what is not known here is ignored.
    @Sendable static func order(_ body: [UInt8]) throws(Problem) -> StartRoutes.Order {
        var order = StartRoutes.Order()
        let members = try StartRoutes.members(body)
        if let config = members["config"]?.object {
            guard config.byteCount <= configBytesMax else {
                throw StartRoutes.invalid(
                    [.init(pointer: "/config", message: "must not be longer than \(configBytesMax) bytes")])
            }
            order.config = config
        }
        guard let state = members["initial_state"], state != .null else { return order }
        guard let state = state.object else {
            throw StartRoutes.invalid([.init(pointer: "/initial_state", message: "must be an object")])
        }
        order.initialState = state
        return order
    }
}

extension Request {
    /// What the paths of the classic API begin with.
    static let classicPrefix = "/classic"

    /// Whether its sender expects answers in classic words, whatever is at the path.
    var isClassic: Bool { path.first == "classic" }
}

extension Response {
    /// A refusal as a sentence alone: `{"detail": "…"}`.
    var inClassicWords: Response {
        guard let problem else { return self }
        let details = problem.details
        let faults = details.errors.map { $0.pointer.isEmpty ? $0.message : "\($0.pointer): \($0.message)" }
        let detail = faults.isEmpty ? details.detail : "\(details.detail) (\(faults.joined(separator: "; ")))"
        return .json(["detail": JSONText(detail)] as JSONObject, status: status, headers: problem.headers)
    }
}
