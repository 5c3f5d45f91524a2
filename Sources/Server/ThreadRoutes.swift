import Executions
import HTTP
import JSON

/// The threads of a graph of LangGraph: what its next execution in one of them begins with.
enum ThreadRoutes {
    private static let limitUsual = 50
    private static let limitMax = 500

    static func list(_ call: Call) throws(Problem) {
        let id = call.parameter("id")
        try check(call)
        let limit = try call.number("limit", in: 1...limitMax, default: limitUsual)
        let after = call.request.option("cursor")
        let (store, service) = (call.server.store, call.server.service)
        call.then(
            on: call.server.lanes.store,
            { () throws(Problem) in
                try ExecutionRoutes.read { () throws(StoreError) in
                    try store.threads(ofGraph: id, after: after, limit: limit + 1)
                }
            },
            { call, threads in
                let next = threads.count > limit ? threads[limit - 1].name : nil
                let items = threads.prefix(limit).map { thread in
                    JSONText(json(thread, id, service.execution(inThread: thread.name, ofGraph: id)))
                }
                let body: JSONObject = [
                    "items": JSONText(array: items), "next_cursor": next.map { JSONText($0) } ?? .null,
                ]
                call.respond(
                    .json(body, headers: next.map { ["Link": call.request.nextLink(cursor: $0)] } ?? [:]))
            })
    }

    static func read(_ call: Call) throws(Problem) {
        let (id, name) = (call.parameter("id"), call.parameter("thread"))
        try check(call)
        let (store, service) = (call.server.store, call.server.service)
        call.then(
            on: call.server.lanes.store,
            { () throws(Problem) in
                let found = try ExecutionRoutes.read { () throws(StoreError) in try store.thread(name, ofGraph: id) }
                guard let thread = found else { throw unknown(name, id) }
                return (thread, try values(of: thread, CheckpointOpening(service.environment.seal)))
            },
            { call, found in
                let (thread, values) = found
                var object = json(thread, id, service.execution(inThread: name, ofGraph: id))
                object["values"] = JSONText(values)
                call.respond(.json(object))
            })
    }

    static func delete(_ call: Call) throws(Problem) {
        let (id, name) = (call.parameter("id"), call.parameter("thread"))
        try check(call)
        if let execution = call.server.service.execution(inThread: name, ofGraph: id) {
            throw Problem(
                409, "thread_busy", "Execution \(execution) runs in thread \(name); cancel it or wait for its end.")
        }
        let store = call.server.store
        call.order { reply in
            store.deleteThread(name, ofGraph: id) { reply($0.mapError(ExecutionRoutes.unavailable)) }
        } next: { (call, wasThere: Bool) throws(Problem) in
            guard wasThere else { throw unknown(name, id) }
            call.respond(Response(204))
        }
    }

    /// What the graph of each node has come to.
    private static func values(
        of thread: StoredThread, _ opening: CheckpointOpening
    ) throws(Problem) -> JSONObject {
        var values = JSONObject()
        for checkpoint in thread.checkpoints {
            do throws(NodeFailure) {
                values[JSONKey(checkpoint.nodeID)] = try opening.open(checkpoint.content["values"] ?? .null)
            } catch {
                throw Problem(409, "checkpoint_unreadable", "\(error.message).")
            }
        }
        return values
    }

    private static func check(_ call: Call) throws(Problem) {
        let id = call.parameter("id")
        guard call.server.catalog.current(id) != nil else {
            throw GraphRoutes.unknown(id, in: call.server.catalog)
        }
    }

    private static func json(_ thread: StoredThread, _ graphID: String, _ running: ExecutionID?) -> JSONObject {
        [
            "thread": JSONText(thread.name), "graph_id": JSONText(graphID),
            "execution_id": JSONText(thread.executionID.description),
            "running": running.map { JSONText($0.description) } ?? .null,
            "created_at": JSONText(timestamp: thread.createdAtMicroseconds),
            "updated_at": JSONText(timestamp: thread.updatedAtMicroseconds), "bytes": JSONText(thread.byteCount),
        ]
    }

    private static func unknown(_ name: String, _ id: String) -> Problem {
        Problem(404, "unknown_thread", "Graph \(id) has no thread \(name), as far as an execution of it has ended.")
    }
}
