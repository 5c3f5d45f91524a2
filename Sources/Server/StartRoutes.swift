import Auth
import Executions
import Graphs
import HTTP
import JSON
import Reactor

/// The calls that start an execution.
enum StartRoutes {
    /// A body up to this size is parsed where it arrives; a larger one on a lane.
    private static let inlineBodyBytesMax = Lanes.largeBytes

    /// What a start may say in its body.
    struct Order: Sendable {
        var initialState = JSONObject()
        var cancelsOnDisconnect = false
        var labels = JSONObject()
        var thread: String?
        /// Over that of the nodes that run graphs of LangGraph.
        var config = JSONObject()
        /// What is wrong with its state, if that was looked at already, and for which revision.
        var judged: (revision: GraphRevision, unfit: [ProblemDetails.Violation])?
    }

    /// What a start is answered with.
    private enum Answer: Sendable {
        /// The events as they come.
        /// - Parameter after: the last event that the client has of the execution that its key has started; nil: none.
        case events(EventView, after: Int?)
        /// The end, or its place if it does not come so soon.
        case end(withinMilliseconds: Int64?)
        /// Where the end will be found.
        case place
    }

    private static let anyones = ExecutionOrigin(startedBy: Access.anyone.starter)

    static func stream(_ call: Call) throws(Problem) {
        let view = try EventView(call.request)
        guard Accept(call.request.headers).preferred(among: [.eventStream]) != nil else {
            throw Problem(
                406, "not_acceptable",
                "This stream is to be had as text/event-stream; POST …/execute answers with application/json.")
        }
        let after = try EventRoutes.lastEventID(call.request)
        if after != nil, try KeyedStarts.key(of: call) == nil {
            throw Problem(
                400, "resume_without_key",
                "A POST without Idempotency-Key starts an execution and resumes none. To go on behind Last-Event-ID, GET "
                    + "/api/executions/{id}/events, the Location of the answer that broke off.")
        }
        try begin(call, .events(view, after: after))
    }

    static func execute(_ call: Call) throws(Problem) {
        let preferences = Preferences(call.request.headers)
        if let seconds = preferences.waitSeconds {
            return try begin(call, seconds == 0 ? .place : .end(withinMilliseconds: Int64(seconds) * 1_000))
        }
        try begin(call, preferences.respondsAsync ? .place : .end(withinMilliseconds: nil))
    }

    /// In the classic dialect, whatever the caller accepts: it knows but one form.
    static func classicStream(_ call: Call) throws(Problem) { try begin(call, .events(.classic, after: nil)) }

    static func classicExecute(_ call: Call) throws(Problem) { try begin(call, .end(withinMilliseconds: nil)) }

    private static func begin(_ call: Call, _ answer: Answer) throws(Problem) {
        let body = call.request.body
        if body.isEmpty { return begin(call, Order(), answer) }
        let isYAML = call.request.headers["content-type"].flatMap { MediaType($0) }?.isYAML == true
        guard !isYAML else {
            throw Problem(415, "unsupported_media_type", "Send what an execution starts with as application/json.")
        }
        let read = call.endpoint.isClassic ? ClassicRoutes.order : order
        if body.count <= inlineBodyBytesMax { return begin(call, try read(body), answer) }
        call.then(on: call.server.lanes.computing, { () throws(Problem) in try read(body) }) { call, order in
            begin(call, order, answer)
        }
    }

    /// Begins once the graph is what its files say.
    private static func begin(_ call: Call, _ order: Order, _ answer: Answer) {
        call.server.folderLook.whenCurrent(call.parameter("id")) {
            do throws(Problem) {
                guard call.isCurrent || call.endpoint.change != nil else { return }
                guard let graph = call.server.catalog.current(call.parameter("id")),
                    graph.graph.document.inputSchema != nil
                else { return try beginNow(call, order, answer) }
                // A key that has started an execution gives that one, whatever fits now: the verdict is for the start.
                call.then(on: call.server.lanes.computing) { () throws(Problem) in
                    var order = order
                    order.judged = (graph, unfit(order.initialState, for: graph.graph, at: "initial_state"))
                    return order
                } _: { (call, order) throws(Problem) in
                    try beginNow(call, order, answer)
                }
            } catch {
                call.respond(error.response)
            }
        }
    }

    private static func beginNow(_ call: Call, _ order: Order, _ answer: Answer) throws(Problem) {
        guard let key = try KeyedStarts.key(of: call) else {
            let call = call.lettingBodyGo()
            return try follow(try start(call, order, answer) { _ in }, call, answer, isNew: true)
        }
        try call.server.keyedStarts.begin(
            call, key,
            start: { (call, prepare) throws(Problem) in
                if case .events(_, let after?) = answer, after > 0 { throw EventRoutes.cursorAhead(after, last: 0) }
                return try start(call, order, answer, prepare)
            },
            next: { (call, log, isNew) throws(Problem) in
                try follow(log, call.lettingBodyGo(), answer, isNew: isNew)
            })
    }

    private static func follow(_ log: EventLog, _ call: Call, _ answer: Answer, isNew: Bool) throws(Problem) {
        let hub = call.server.hub
        if isNew, log.cancelsWhenAbandoned { hub.watchAbandonment(of: log) }
        switch answer {
        case .events(let view, let after):
            var headers = EventRoutes.streamHeaders(for: call.request)
            guard view.dialect == .native else {
                headers.add("Content-Location", "/classic/api/executions/", trusted: log.idText)
                return call.stream(log, view: view, fromSeq: 1, headers: headers)
            }
            headers.add("Content-Location", "/api/executions/", trusted: log.idText)
            headers.add("Location", "/api/executions/", trusted: log.idText, "/events")
            if let after { return try EventRoutes.stream(call, log, view, after: after, headers: headers) }
            call.stream(log, view: view, fromSeq: 1, headers: headers)
        case .place:
            hub.whenStored(log.change, of: log) { accept(log, call) }
        case .end(let milliseconds):
            call.connection.awaitEnd(of: log)
            let reactor = call.server.reactor
            let timer = milliseconds.map {
                reactor.schedule(afterMilliseconds: $0) { hub.whenStored(log.change, of: log) { accept(log, call) } }
            }
            // A client that waits when the daemon stops learns where the end will be found.
            hub.whenFinished(log) {
                if let timer { reactor.cancel(timer) }
                guard call.endpoint.isClassic else { return ExecutionRoutes.respondFinished(log, call) }
                ClassicExecutions.respond(log, call)
            } farewell: {
                guard call.endpoint.isClassic else { return accept(log, call) }
                ClassicExecutions.respond(log, call, status: 202)
            }
        }
    }

    static func accept(_ log: EventLog, _ call: Call) {
        var headers: HeaderFields = ["Location": "/api/executions/\(log.id)"]
        if let preference = Preferences(call.request.headers).applied { headers.add("Preference-Applied", preference) }
        let summary = log.summary
        let place = summary.status == .queued ? call.server.service.queuePositions(of: [log.id])[log.id] : nil
        call.respond(.json(ExecutionRoutes.json(summary, queuePosition: place), status: 202, headers: headers))
    }

    private static func start(
        _ call: Call, _ order: Order, _ answer: Answer, _ prepare: (EventLog) -> Void
    ) throws(Problem) -> EventLog {
        let id = call.parameter("id")
        guard let graph = call.server.catalog.current(id) else {
            throw GraphRoutes.unknown(id, in: call.server.catalog)
        }
        let judged = order.judged.flatMap { $0.revision === graph ? $0.unfit : nil }
        let unfit = judged ?? unfit(order.initialState, for: graph.graph, at: "initial_state")
        guard unfit.isEmpty else { throw invalid(unfit) }
        if order.thread != nil, graph.hostRanks.isEmpty {
            let message = "graph \(id) has no langgraph node, and only those go on with a thread"
            throw invalid([.init(pointer: "/thread", message: message)])
        }
        let trace = call.trace
        // Most starts say no more of themselves than where everybody may start something.
        let origin =
            trace == nil && !order.cancelsOnDisconnect && order.labels.isEmpty && order.thread == nil
                && order.config.isEmpty && call.access.holder == .anyone
            ? anyones
            : ExecutionOrigin(
                traceparent: trace?.description, cancelsWhenAbandoned: order.cancelsOnDisconnect,
                startedBy: call.access.starter, labels: order.labels, thread: order.thread, config: order.config)
        return try start(graph, call, initialState: order.initialState, origin: origin) { log in
            prepare(log)
            if case .events(let view, _) = answer { log.renderEarly(view.detail) }
        }
    }

    static func start(
        _ graph: GraphRevision, _ call: Call, initialState: JSONObject = [:], origin: ExecutionOrigin? = nil,
        rerun: RerunPlan? = nil, _ prepare: (EventLog) -> Void = { _ in }
    ) throws(Problem) -> EventLog {
        let server = call.server
        guard !server.isDraining || server.hasSuccessor else {
            throw Problem(
                503, "draining", "The daemon is stopping; try again in a moment.", headers: ["Retry-After": "5"])
        }
        if graph.excludesStarter, call.access.person == nil {
            throw Problem(
                422, "starter_unknown",
                "A node of graph \(graph.identity.id) excludes whoever starts it from those who approve "
                    + "(exclude_starter), and without tokens nobody knows who that is; make some with millrace token create."
            )
        }
        // Nobody would learn of its start, and it would only lie in memory beside all that waits there.
        if let fault = server.store.fault { throw historyUnwritable(fault) }
        do throws(ExecutionService.AdmissionError) {
            let log = try server.service.start(
                graph, initialState: initialState, origin: origin, rerun: rerun, prepare: prepare)
            call.auditStart(of: log)
            return log
        } catch {
            switch error {
            case .queueFull:
                throw Problem(
                    429, "queue_full", "As many executions wait as may wait (executions.max_queued); try again later.",
                    headers: ["Retry-After": "1"])
            case .closed:
                throw Problem(
                    503, "draining", "The daemon is stopping; try again in a moment.", headers: ["Retry-After": "5"])
            }
        }
    }

    /// What is wrong with a state that is laid over the document's: with the values that reducers begin with, and by the
    /// document's schema.
    static func unfit(_ state: JSONObject, for graph: Graph, at member: String) -> [ProblemDetails.Violation] {
        let reducers = graph.reducers
        let refused =
            reducers.isEmpty
            ? []
            : state.compactMap { key, value in
                reducers[key]?.refusal(ofInitial: value).map {
                    ProblemDetails.Violation(pointer: JSONPointer([member, key.string]).description, message: $0)
                }
            }
        let unfit = graph.document.inputFaults(over: state)
        return refused + unfit.map { .init(pointer: "/\(member)" + $0.pointer, message: $0.message) }
    }

    /// For those who need not know where things lie.
    static let historyUnwritable = Problem(
        503, "history_unwritable", "Nothing can be stored at the moment.", headers: ["Retry-After": "5"])

    static func historyUnwritable(_ fault: StoreError) -> Problem {
        Problem(
            503, "history_unwritable", "Nothing can be stored at the moment: \(fault.message).",
            headers: ["Retry-After": "5"])
    }

    static func members(_ body: [UInt8]) throws(Problem) -> JSONObject {
        do {
            return try JSONObject(parsing: body)
        } catch {
            throw Problem(400, "invalid_json", "The body is no JSON object: \(error.message).")
        }
    }

    @Sendable private static func order(_ body: [UInt8]) throws(Problem) -> Order {
        var order = Order()
        var faults: [ProblemDetails.Violation] = []
        for (key, value) in try members(body) {
            switch key.string {
            case "initial_state":
                if let state = value.object {
                    order.initialState = state
                } else {
                    faults.append(.init(pointer: "/initial_state", message: "must be an object"))
                }
            case "on_disconnect":
                switch value.string {
                case "continue": order.cancelsOnDisconnect = false
                case "cancel": order.cancelsOnDisconnect = true
                default: faults.append(.init(pointer: "/on_disconnect", message: "must be \"continue\" or \"cancel\""))
                }
            case "labels":
                let (labels, labelFaults) = Labels.read(value)
                order.labels = labels
                faults += labelFaults
            case "thread":
                order.thread = value.string
                if value != .null, value.string.map(ThreadName.isName) != true {
                    let message = "must be a name of 1 to \(ThreadName.bytesMax) bytes without control characters"
                    faults.append(.init(pointer: "/thread", message: message))
                }
            default:
                faults.append(.init(pointer: JSONPointer([key.string]).description, message: "unknown key"))
            }
        }
        guard faults.isEmpty else { throw invalid(faults) }
        return order
    }

    static func invalid(_ faults: [ProblemDetails.Violation]) -> Problem {
        Problem(
            ProblemDetails(422, code: "invalid_request", detail: "The body does not fit; see errors.", errors: faults))
    }
}

extension Call {
    /// The trace that the request belongs to. One that is malformed, or not alone, is ignored.
    var trace: TraceParent? {
        let values = request.headers.values(of: "traceparent")
        return values.count == 1 ? TraceParent(values[0]) : nil
    }
}
