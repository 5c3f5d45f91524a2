import Auth
import Executions
import HTTP
import JSON
import Reactor

/// Executions: list, read, cancel.
enum ExecutionRoutes {
    static func list(_ call: Call) throws(Problem) {
        let listing = ExecutionListing(
            query: try query(call), graphs: call.access.graphs, statuses: try statuses(call.request))
        let (store, service, request) = (call.server.store, call.server.service, call.request)
        let answer = { @Sendable (page: ExecutionPage) in
            self.answer(page, countMax: listing.query.limit - 1, request, service)
        }
        guard let search = ExecutionSearch(listing, request, in: call.server.catalog) else {
            return call.offload { () throws(Problem) in answer(ExecutionPage(try listing.fetch(store))) }
        }
        call.offload(search) { (search) throws(Problem) in try search.step(store).map(answer) }
    }

    private static func answer(
        _ page: ExecutionPage, countMax: Int, _ request: Request, _ service: ExecutionService
    ) -> Response {
        let shown = page.found.prefix(countMax)
        let places = service.queuePositions(of: shown.filter { $0.status == .queued }.map(\.id))
        let items = shown.map { JSONText(json($0, queuePosition: places[$0.id])) }
        var body: JSONObject = ["items": JSONText(array: items), "next_cursor": .null]
        var headers: HeaderFields = [:]
        if let cursor = page.found.count > countMax ? shown.last?.id : page.goesOnBefore {
            body["next_cursor"] = JSONText(cursor.description)
            headers.add("Link", request.nextLink(cursor: cursor.description))
        }
        return .json(body, headers: headers)
    }

    static func read(_ call: Call) throws(Problem) {
        let (store, service, id) = (call.server.store, call.server.service, try id(call))
        call.offload { () throws(Problem) in
            guard let summary = try read({ () throws(StoreError) in try store.execution(id) }) else {
                throw unknown(id)
            }
            let isQueued = summary.status == .queued
            return .json(json(summary, queuePosition: isQueued ? service.queuePositions(of: [id])[id] : nil))
        }
    }

    static func delete(_ call: Call) throws(Problem) {
        let (store, id) = (call.server.store, try id(call))
        call.order { reply in
            store.deleteExecution(id) { reply($0.mapError(unavailable)) }
        } next: { (call, deletion: ExecutionDeletion) throws(Problem) in
            switch deletion {
            case .unknown: throw unknown(id)
            case .unfinished:
                throw Problem(
                    409, "execution_running", "Execution \(id) has not ended; cancel it before it is deleted.")
            case .deleted(let summary):
                call.server.hub.forget(id)
                call.server.feed.executionWasDeleted(summary)
                call.respond(Response(204))
            }
        }
    }

    static func cancel(_ call: Call) throws(Problem) {
        let (store, id) = (call.server.store, try id(call))
        let mailbox = call.server.reactor.mailbox
        let confined = Confined(call, to: call.server.reactor)
        call.server.service.cancel(id) { result in
            mailbox.post { reactor in
                let call = confined.open(on: reactor)
                switch result {
                case .cancelled(let log, let change):
                    call.server.hub.whenStored(change, of: log) { call.respond(.json(json(log.summary), status: 202)) }
                case .alreadyFinished: call.respond(finished(id).response)
                case .unknown:
                    call.offload { () throws(Problem) in
                        guard let summary = try read({ () throws(StoreError) in try store.execution(id) }) else {
                            throw unknown(id)
                        }
                        guard summary.status == .cancelled else { throw finished(id) }
                        return .json(json(summary), status: 202)
                    }
                }
            }
        }
    }

    private static func finished(_ id: ExecutionID) -> Problem {
        Problem(409, "execution_finished", "Execution \(id) has ended; there is nothing to cancel.")
    }

    private static func query(_ call: Call) throws(Problem) -> ExecutionQuery {
        // One more than the page holds: whether there is another page.
        var query = ExecutionQuery(limit: try call.number("limit", in: 1...500, default: 50) + 1)
        query.graphID = call.request.queryValue("graph_id")
        query.sinceMicroseconds = try call.time("since")
        query.untilMicroseconds = try call.time("until")
        if let text = call.request.option("cursor") {
            guard let before = ExecutionID(text) else {
                throw Problem(400, "invalid_cursor", "cursor must be a next_cursor that was returned before.")
            }
            query.before = before
        }
        return query
    }

    /// `?status=`: one, or several between commas; nil for all.
    private static func statuses(_ request: Request) throws(Problem) -> Set<ExecutionStatus>? {
        guard let names = request.options("status") else { return nil }
        let statuses = names.compactMap { ExecutionStatus(rawValue: $0) }
        guard statuses.count == names.count else {
            let known = ExecutionStatus.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(
                400, "invalid_parameter", "status must be one of \(known), or some of them between commas.")
        }
        return Set(statuses)
    }
}

extension ExecutionRoutes {
    /// Goes on with the log of the execution that the path names: of one that is running, or of one from the history.
    static func withLog(_ call: Call, _ next: @escaping @Sendable (Call, EventLog) throws(Problem) -> Void)
        throws(Problem)
    {
        try withLogs([try id(call)], call) { (call, logs) throws(Problem) in try next(call, logs[0]) }
    }

    /// The same for several, in their order.
    static func withLogs(
        _ ids: [ExecutionID], _ call: Call, _ next: @escaping @Sendable (Call, [EventLog]) throws(Problem) -> Void
    ) throws(Problem) {
        let live = ids.map { id -> EventLog? in
            guard let log = call.server.service.log(of: id) ?? call.server.hub.log(of: id) else { return nil }
            return log.visibleSeq >= 0 ? log : nil
        }
        let known = live.compactMap { $0 }
        if known.count == ids.count { return try next(call, known) }
        if call.server.service.isTakingUp {
            return try call.whenTakenUp { (call) throws(Problem) in try withLogs(ids, call, next) }
        }
        let (store, catalog) = (call.server.store, call.server.catalog)
        let summaries = { @Sendable () throws(Problem) in
            var found: [Found] = []
            for (id, log) in zip(ids, live) {
                if let log { found.append(.log(log)) } else { found.append(.summary(try summary(id, store))) }
            }
            return found
        }
        call.then(summaries) { (call, found) throws(Problem) in
            let logs = found.compactMap { $0.log(catalog.knownRevision) }
            if logs.count == found.count { return try next(call, logs) }
            // An old revision is read out of its document.
            call.then(
                on: call.server.lanes.computing,
                { () throws(Problem) in
                    var logs: [EventLog] = []
                    for found in found { logs.append(try found.log(in: catalog)) }
                    return logs
                }, next)
        }
    }

    /// What `withLogs` has come to for one of the executions.
    private enum Found: Sendable {
        case log(EventLog)
        case summary(ExecutionSummary)

        func log(_ revision: (Int, String) -> GraphRevision?) -> EventLog? {
            switch self {
            case .log(let log): log
            case .summary(let summary):
                revision(summary.graphRevision, summary.graphID).map { EventLog(stored: summary, graph: $0) }
            }
        }

        func log(in catalog: GraphCatalog) throws(Problem) -> EventLog {
            switch self {
            case .log(let log): return log
            case .summary(let summary):
                let revision = try read { () throws(StoreError) in
                    try catalog.revision(summary.graphRevision, of: summary.graphID)
                }
                guard let revision else {
                    throw Problem(
                        500, "damaged_history",
                        "Revision \(summary.graphRevision) of graph \(summary.graphID) is missing.")
                }
                return EventLog(stored: summary, graph: revision)
            }
        }
    }

    private static func summary(_ id: ExecutionID, _ store: any ExecutionStore) throws(Problem) -> ExecutionSummary {
        guard let summary = try read({ () throws(StoreError) in try store.execution(id) }) else { throw unknown(id) }
        return summary
    }

    /// The finished execution with its final state: the answer to a start that waited.
    static func respondFinished(_ log: EventLog, _ call: Call) {
        let store = call.server.store
        call.offload(on: call.server.lanes.computing) { () throws(Problem) in
            var body = json(log.summary)
            do {
                body["final_state"] = try finalState(of: log, in: store)
            } catch {
                throw Problem(503, "store_unavailable", "\(error)")
            }
            return .json(body, headers: ["Content-Location": "/api/executions/\(log.id)"])
        }
    }

    static func finalState(of log: EventLog, in store: any ExecutionStore) throws -> JSONText {
        var state = State()
        var seq = 0
        while true {
            let slice: EventLog.Slice
            switch log.read(after: seq, bytesMax: 1 << 20) {
            case .events(let events): slice = events
            case .caughtUp: return state.text
            case .evicted: slice = try store.records(of: log.id, after: seq, bytesMax: 1 << 20)
            }
            // What it was made of is no longer kept.
            guard slice.firstSeq == seq + 1 else { return .null }
            guard !slice.ends.isEmpty else { throw StoreError("event \(seq + 1) of execution \(log.id) is missing") }
            try slice.forEachRecord { record in
                let record = try EventRecord(decoding: record)
                guard record.scope == 0 else { return }
                switch record.body {
                case .start(_, let initialState):
                    state = State(initial: initialState, reducers: log.graph.graph.reducers)
                case .nodeComplete(let completion) where !completion.willRetry:
                    state.apply(completion.update, rank: completion.rank)
                case .nodeStart, .nodeOutput, .signalled, .nodeComplete, .complete, .error, .scopeOpened, .scopeClosed:
                    break
                }
            }
            seq = slice.lastSeq
        }
    }

    /// - Parameter queuePosition: its place among those that wait, if it does.
    static func json(_ summary: ExecutionSummary, queuePosition: Int? = nil) -> JSONObject {
        var object: JSONObject = [
            "execution_id": JSONText(summary.id.description), "graph_id": JSONText(summary.graphID),
            "graph_revision": JSONText(summary.graphRevision), "status": JSONText(summary.status.rawValue),
            "created_at": JSONText(Timestamp.string(microseconds: summary.createdAtMicroseconds)),
            "started_at": summary.startedAtMicroseconds.map { JSONText(Timestamp.string(microseconds: $0)) } ?? .null,
            "ended_at": summary.endedAtMicroseconds.map { JSONText(Timestamp.string(microseconds: $0)) } ?? .null,
            "duration_ms": .null, "node_count": JSONText(summary.nodeCount),
            "failed_nodes": JSONText(array: summary.failedNodes.map { JSONText($0) }),
            "last_seq": JSONText(summary.lastSeq), "attempt": JSONText(summary.attempt),
            "rerun_of": summary.origin?.rerunOf.map { JSONText($0.description) } ?? .null,
            "started_by": summary.startedBy.map { JSONText($0) } ?? .null,
            "waiting_for": summary.waits.map(json) ?? .null,
        ]
        if let duration = summary.durationMicroseconds {
            var writer = ByteWriter()
            writer.append(milliseconds: duration)
            object["duration_ms"] = JSONText(trusted: writer.bytes)
        }
        if let traceparent = summary.origin?.traceparent { object["traceparent"] = JSONText(traceparent) }
        if summary.origin?.cancelsWhenAbandoned == true { object["on_disconnect"] = "cancel" }
        if let labels = summary.origin?.labels, !labels.isEmpty { object["labels"] = labels.text }
        if let thread = summary.origin?.thread { object["thread"] = JSONText(thread) }
        if let error = summary.error { object["error"] = JSONText(error) }
        if let queuePosition { object["queue_position"] = JSONText(queuePosition) }
        return object
    }

    private static func json(_ waits: ExecutionWaits) -> JSONText {
        let questions = waits.questions.map { question -> JSONText in
            [
                "path": question.path, "node_id": JSONText(question.nodeID), "question": JSONText(question.seq),
                "since": JSONText(timestamp: question.atMicroseconds),
            ]
        }
        return [
            "until": waits.wakesAtMicroseconds.map { JSONText(timestamp: $0) } ?? .null,
            "approvals": JSONText(array: questions),
        ]
    }

    static func id(_ call: Call) throws(Problem) -> ExecutionID {
        let text = call.parameter("id")
        guard let id = ExecutionID(text) else {
            throw Problem(
                404, "unknown_execution", "\(text.prefix(80)) is no execution's id, which is a UUID of version 7.")
        }
        return id
    }

    static func unknown(_ id: ExecutionID) -> Problem {
        Problem(404, "unknown_execution", "There is no execution \(id); GET /api/executions lists those there are.")
    }

    static func read<Value>(_ work: () throws(StoreError) -> Value) throws(Problem) -> Value {
        do {
            return try work()
        } catch {
            throw unavailable(error)
        }
    }

    static func unavailable(_ error: StoreError) -> Problem {
        Problem(503, "store_unavailable", error.message, headers: ["Retry-After": "5"])
    }
}
