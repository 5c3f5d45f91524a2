import Auth
import Executions
import HTTP
import JSON

/// The events of an execution, as a stream or as an array.
enum EventRoutes {
    /// What the array form may hold; more is to be had as a stream.
    private static let arrayBytesMax = 64 << 20

    private static let closingStreamHeaders: HeaderFields = [
        // Without the charset some clients take text for Latin-1; compressing hops would hold events back.
        "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache, no-transform",
        "X-Accel-Buffering": "no",
        "Cross-Origin-Resource-Policy": "same-origin",
    ]
    private static let keptStreamHeaders: HeaderFields = {
        var headers = closingStreamHeaders
        headers.add("Connection", "keep-alive")
        return headers
    }()

    /// A client that wants the connection closed, or knows no other end of a stream, is told that it will be.
    static func streamHeaders(for request: Request) -> HeaderFields {
        request.keepsAlive && request.version == .http11 ? keptStreamHeaders : closingStreamHeaders
    }

    static func events(_ call: Call) throws(Problem) {
        let view = try EventView(call.request)
        let after = try cursor(call.request)
        let ticket = call.connection.ticket
        let types: [MediaType] = ticket == nil ? [.eventStream, .json] : [.eventStream]
        guard let type = Accept(call.request.headers).preferred(among: types) else {
            throw Problem(
                406, "not_acceptable",
                "Events are to be had as \(types.map(\.essence).joined(separator: " or ")).")
        }
        if let ticket, call.request.method == .get {
            call.server.gate.tickets.bind(ticket.key, toOrigin: call.request.headers["origin"])
        }
        try ExecutionRoutes.withLog(call) { (call, log) throws(Problem) in
            guard type == .json else {
                return try stream(call, log, view, after: after, headers: streamHeaders(for: call.request))
            }
            try check(after, in: log)
            array(call, log, view, after: after)
        }
    }

    /// Goes on behind an event that the client has; where nothing will follow that one, the answer says so (204).
    static func stream(
        _ call: Call, _ log: EventLog, _ view: EventView, after: Int, headers: HeaderFields
    ) throws(Problem) {
        try check(after, in: log)
        if after == max(log.visibleSeq, 0), log.isFinishedAndVisible { return call.respond(Response(204)) }
        if call.isCurrent, let ticket = call.connection.ticket, call.request.method == .get {
            call.server.streamBegins(of: ticket, on: call.connection)
        }
        call.stream(log, view: view, fromSeq: after + 1, headers: headers)
    }

    private static func check(_ after: Int, in log: EventLog) throws(Problem) {
        let last = max(log.visibleSeq, 0)
        guard after <= last else { throw cursorAhead(after, last: last) }
    }

    static func cursorAhead(_ after: Int, last: Int) -> Problem {
        Problem(400, "cursor_ahead", "The last event so far is \(last); nothing can be resumed after \(after).")
    }

    /// `?state=`
    static func detail(_ request: Request) throws(Problem) -> StateDetail {
        guard let text = request.queryValue("state") else { return .full }
        guard let detail = StateDetail(rawValue: text) else {
            throw Problem(400, "invalid_parameter", "state must be full, update or none.")
        }
        return detail
    }

    /// The seq after which to go on: the header wins over the parameter; 0 is the beginning.
    private static func cursor(_ request: Request) throws(Problem) -> Int {
        if let seq = try lastEventID(request) { return seq }
        return try request.option("after").map { text throws(Problem) in try seq(text, "after") } ?? 0
    }

    /// The last event that the client has, if it says so.
    static func lastEventID(_ request: Request) throws(Problem) -> Int? {
        let texts = request.headers.values(of: "last-event-id").filter { !$0.isEmpty }
        guard let text = texts.first else { return nil }
        guard texts.allSatisfy({ $0 == text }) else {
            throw Problem(400, "invalid_cursor", "There are two fields Last-Event-ID, and they differ.")
        }
        return try seq(text, "Last-Event-ID")
    }

    private static func seq(_ text: String, _ name: String) throws(Problem) -> Int {
        guard let seq = LastEventID.sequence(text), let seq = Int(exactly: seq) else {
            throw Problem(400, "invalid_cursor", "\(name) must be the seq of an event, or 0 for the beginning.")
        }
        return seq
    }

    private static func array(_ call: Call, _ log: EventLog, _ view: EventView, after: Int) {
        let (store, graphs) = (call.server.store, call.server.service.environment.innerGraphs)
        let last = max(log.visibleSeq, 0)
        call.offload(on: call.server.lanes.computing) { () throws(Problem) in
            .json(try array(of: log, view, after: after, through: last, from: store, graphs))
        }
    }

    /// The events behind a seq, up to another that is stored. Blocks.
    static func array(
        of log: EventLog, _ view: EventView, after: Int = 0, through last: Int, from store: any ExecutionStore,
        _ graphs: (any InnerGraphs)?
    ) throws(Problem) -> JSONText {
        do {
            return JSONText(trusted: try render(log, view, after: after, through: last, from: store, graphs))
        } catch let error as StoreError {
            throw ExecutionRoutes.unavailable(error)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(500, "damaged_history", "The events of this execution cannot be read: \(error).")
        }
    }

    private static func render(
        _ log: EventLog, _ view: EventView, after: Int, through last: Int, from store: any ExecutionStore,
        _ graphs: (any InnerGraphs)?
    ) throws -> [UInt8] {
        var renderer = EventRenderer(log: log, detail: view.detail)
        var output = ByteWriter()
        output.append(byte: UInt8(ascii: "["))
        while renderer.nextSeq <= last {
            let slice = try store.records(of: log.id, after: renderer.nextSeq - 1, bytesMax: 1 << 20)
            guard !slice.ends.isEmpty else { throw RecordError(message: "event \(renderer.nextSeq) is missing") }
            for revision in try PinnedRevisions.revisions(in: slice, from: graphs) { log.pinned.pin(revision) }
            let from = max(after + 1, renderer.nextSeq)
            renderer.pass(toSeq: slice.firstSeq)
            if slice.firstSeq > from, view.dialect == .native {
                if output.count > 1 { output.append(byte: UInt8(ascii: ",")) }
                EventRenderer.renderGap(of: log.idText, from: from, to: slice.firstSeq - 1, to: &output)
            }
            try slice.forEachRecord { record in
                guard renderer.nextSeq <= last else { return }
                let event = try EventRecord(decoding: record)
                try renderer.enter(event)
                guard renderer.nextSeq > after, view.shows(event, renderer) else { return renderer.skip(event) }
                if output.count > 1 { output.append(byte: UInt8(ascii: ",")) }
                view.render(event, by: &renderer, to: &output)
            }
            guard output.count <= arrayBytesMax else {
                throw Problem(
                    413, "too_many_events", "The array would pass 64 MiB; read the events as text/event-stream.")
            }
        }
        output.append(byte: UInt8(ascii: "]"))
        return output.bytes
    }
}
