import Auth
import Executions
import HTTP
import JSON
import Reactor

/// One request on its way to an answer. A handler answers with `respond` or `stream`, once, at once or later.
struct Call {
    private(set) var request: Request
    private let route: RouteMatch.Route
    /// Who asks. What a route says of graphs that this does not allow is left out.
    let access: Access
    let connection: Connection
    private let number: UInt64

    init(request: Request, route: RouteMatch.Route, access: Access, connection: Connection) {
        self.request = request
        self.route = route
        self.access = access
        self.connection = connection
        number = connection.exchangeNumber
    }

    var server: Server { connection.server }
    var endpoint: Endpoint { server.endpoint(of: route) }

    /// The decoded segment that stood in the place of a `{name}` of the path; another name is a bug and traps.
    func parameter(_ name: String) -> String { server.parameter(name, of: route, in: request) }

    /// The same call without the body of its request, which nobody needs any more.
    func lettingBodyGo() -> Call {
        guard isCurrent, !request.body.isEmpty else { return self }
        var call = self
        call.request.letBodyGo()
        connection.letBodyGo()
        return call
    }

    func respond(_ response: Response) {
        // What was changed was changed, whether or not anybody still waits for the answer.
        audit(response.status, response.headers)
        guard isCurrent else { return }
        connection.respond(server.dressed(response, for: request, on: connection))
    }

    /// The events of an execution from `seq` on, as an event stream.
    func stream(_ log: EventLog, view: EventView, fromSeq seq: Int, headers: HeaderFields) {
        guard isCurrent else { return }
        let head = ResponseHead(200, server.dressed(headers, for: request, on: connection))
        guard opensStream(head) else { return }
        connection.respond(streaming: head, log, view, fromSeq: seq)
    }

    /// The stream of a dashboard: of these graphs, and with the whole events of some executions from a seq on.
    func stream(_ watched: [(log: EventLog, seq: Int)], view: EventView, graphIDs: Set<String>) {
        guard isCurrent else { return }
        let headers = EventRoutes.streamHeaders(for: request)
        let head = ResponseHead(200, server.dressed(headers, for: request, on: connection))
        guard opensStream(head) else { return }
        let streams = watched.map { log, seq in
            EventStream(frames: server.hub.frames(for: log, view: view, fromSeq: seq), fromSeq: seq)
        }
        connection.respond(
            feeding: head, FeedStream(graphIDs: graphIDs, watched: streams, feed: server.feed))
    }

    /// Whether a stream follows the head. If not, the head is the whole answer: nothing is kept for a stream that nobody reads.
    private func opensStream(_ head: ResponseHead) -> Bool {
        guard request.method != .head else {
            _ = connection.beginStream(head)
            return false
        }
        server.metrics.streams += 1
        return true
    }

    /// In whose name its jobs run: a token's. Where there are no tokens, whoever asks for one thing does not hold up who asks for
    /// another.
    var jobOwner: String { access.tokenID ?? endpoint.template }

    /// Does blocking work on a lane, and answers with what it gives.
    func offload(
        on lane: BlockingLane? = nil, _ work: @escaping @Sendable () throws(Problem) -> Response
    ) {
        then(on: lane, work) { $0.respond($1) }
    }

    /// Does work on a lane, the store's unless another is named, and goes on with what it gives on the reactor's thread. Where
    /// too much waits there already, the client is told to come again.
    func then<Value: Sendable>(
        on lane: BlockingLane? = nil, _ work: @escaping @Sendable () throws(Problem) -> Value,
        _ next: @escaping @Sendable (Call, Value) throws(Problem) -> Void
    ) {
        let mailbox = server.reactor.mailbox
        let confined = Confined(self, to: server.reactor)
        let isAccepted = (lane ?? server.lanes.store).offer(of: jobOwner) {
            let result = Result { () throws(Problem) in try work() }
            mailbox.post { reactor in
                let call = confined.open(on: reactor)
                guard call.isCurrent || call.endpoint.change != nil else { return }
                do throws(Problem) {
                    try next(call, try result.get())
                } catch {
                    call.respond(error.response)
                }
            }
        }
        if !isAccepted { respond(Self.overloaded.response) }
    }

    /// Gives an order that is answered later from another thread, such as the store's, and goes on with the answer on the
    /// reactor's thread. No thread waits for it meanwhile.
    /// - Parameters:
    ///   - lane: where `work` runs, if it takes long; else it runs here.
    ///   - work: throws, or sees to it that its parameter is called once.
    func order<Value: Sendable>(
        on lane: BlockingLane? = nil,
        _ work:
            @escaping @Sendable (_ reply: @escaping @Sendable (Result<Value, Problem>) -> Void) throws(Problem) -> Void,
        next: @escaping @Sendable (Call, Value) throws(Problem) -> Void
    ) {
        let mailbox = server.reactor.mailbox
        let confined = Confined(self, to: server.reactor)
        let reply = { @Sendable (result: Result<Value, Problem>) in
            mailbox.post { reactor in
                let call = confined.open(on: reactor)
                do throws(Problem) {
                    try next(call, try result.get())
                } catch {
                    call.respond(error.response)
                }
            }
        }
        let begin = { @Sendable in
            do throws(Problem) {
                try work(reply)
            } catch {
                reply(.failure(error))
            }
        }
        guard let lane else { return begin() }
        if !lane.offer(of: jobOwner, begin) { respond(Self.overloaded.response) }
    }

    /// As many requests of its kind wait as may.
    static var overloaded: Problem {
        Problem(
            503, "overloaded", "As many requests of this kind wait as may wait; try again in a moment.",
            headers: ["Retry-After": "1"])
    }

    /// Whether the connection still waits for this answer.
    var isCurrent: Bool {
        !connection.isClosed && connection.exchangeNumber == number && connection.request != nil
    }
}

/// Answers a call; throws nothing but a `Problem`. (Untyped, since the compiler cannot lower a typed one inside a generic.)
typealias Route = (Call) throws -> Void
