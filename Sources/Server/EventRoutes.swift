import Executions
import HTTP
import JSON

/// The events of an execution, as a stream or as an array.
enum EventRoutes {
    /// What the array form may hold; more is to be had as a stream.
    private static let arrayBytesMax = 64 << 20

    private static let closingStreamHeaders: HeaderFields = [
        "Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no",
        "Cross-Origin-Resource-Policy": "same-origin",
    ]
    private static let keptStreamHeaders: HeaderFields = {
        var headers = closingStreamHeaders
        headers.add("Connection", "keep-alive")
        return headers
    }()

    /// A client that wants the connection closed is told that it will be.
    static func streamHeaders(for request: Request) -> HeaderFields {
        request.keepsAlive ? keptStreamHeaders : closingStreamHeaders
    }

    static func events(_ call: Call) throws(Problem) {
        let detail = try detail(call.request)
        let after = try cursor(call.request)
        guard let type = Accept(call.request.headers).preferred(among: [.eventStream, .json]) else {
            throw Problem(406, "not_acceptable", "Events are to be had as text/event-stream or application/json.")
        }
        try ExecutionRoutes.withLog(call) { (call, log) throws(Problem) in
            let last = max(log.visibleSeq, 0)
            guard after <= last else {
                throw Problem(
                    400, "cursor_ahead", "The last event so far is \(last); nothing can be resumed after \(after).")
            }
            if type == .json { return array(call, log, detail, after: after) }
            if after == last, log.isFinishedAndVisible { return call.respond(Response(204)) }
            try requireChunks(call.request)
            call.stream(log, detail: detail, fromSeq: after + 1, headers: streamHeaders(for: call.request))
        }
    }

    /// `?state=`
    static func detail(_ request: Request) throws(Problem) -> StateDetail {
        guard let text = request.queryValue("state") else { return .full }
        guard let detail = StateDetail(rawValue: text) else {
            throw Problem(400, "invalid_parameter", "state must be full, update or none.")
        }
        return detail
    }

    /// A stream's end must be told from a break, so it needs the chunked coding.
    static func requireChunks(_ request: Request) throws(Problem) {
        guard request.version == .http11 else {
            throw Problem(
                505, "http_version_not_supported", "Streams need HTTP/1.1; ask for application/json with HTTP/1.0.")
        }
    }

    /// The seq after which to go on: the header wins over the parameter; 0 is the beginning.
    private static func cursor(_ request: Request) throws(Problem) -> Int {
        let (name, text) =
            request.headers["last-event-id"].map { ("Last-Event-ID", $0) }
            ?? ("after", request.queryValue("after") ?? "0")
        guard let seq = LastEventID.sequence(text), let seq = Int(exactly: seq) else {
            throw Problem(400, "invalid_cursor", "\(name) must be the seq of an event, or 0 for the beginning.")
        }
        return seq
    }

    private static func array(_ call: Call, _ log: EventLog, _ detail: StateDetail, after: Int) {
        let (store, graphs) = (call.server.store, call.server.service.environment.innerGraphs)
        let last = max(log.visibleSeq, 0)
        call.offload(on: call.server.lanes.computing) { () throws(Problem) in
            do {
                return .json(
                    JSONText(trusted: try render(log, detail, after: after, through: last, from: store, graphs)))
            } catch let error as StoreError {
                throw ExecutionRoutes.unavailable(error)
            } catch let problem as Problem {
                throw problem
            } catch {
                throw Problem(500, "damaged_history", "The events of this execution cannot be read: \(error).")
            }
        }
    }

    private static func render(
        _ log: EventLog, _ detail: StateDetail, after: Int, through last: Int, from store: any ExecutionStore,
        _ graphs: (any InnerGraphs)?
    ) throws -> [UInt8] {
        var renderer = EventRenderer(log: log, detail: detail)
        var output = ByteWriter()
        output.append(byte: UInt8(ascii: "["))
        while renderer.nextSeq <= last {
            let slice = try store.records(of: log.id, after: renderer.nextSeq - 1, bytesMax: 1 << 20)
            guard !slice.ends.isEmpty else { throw RecordError(message: "event \(renderer.nextSeq) is missing") }
            for revision in try PinnedRevisions.revisions(in: slice, from: graphs) { log.pinned.pin(revision) }
            let from = max(after + 1, renderer.nextSeq)
            renderer.pass(toSeq: slice.firstSeq)
            if slice.firstSeq > from {
                if output.count > 1 { output.append(byte: UInt8(ascii: ",")) }
                EventRenderer.renderGap(of: log.idText, from: from, to: slice.firstSeq - 1, to: &output)
            }
            try slice.forEachRecord { record in
                guard renderer.nextSeq <= last else { return }
                guard renderer.nextSeq > after else { return try renderer.skip(record) }
                if output.count > 1 { output.append(byte: UInt8(ascii: ",")) }
                try renderer.render(record, to: &output)
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
