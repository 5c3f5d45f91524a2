import Auth
import Executions
import HTTP
import JSON
import Linux

/// Tickets: stream addresses that need no header, for `EventSource` and for pages of other origins.
enum TicketRoutes {
    /// The parameter that carries one.
    static let parameter = "ticket"

    static func issue(_ call: Call) throws(Problem) {
        let view = try EventView(call.request)
        try ExecutionRoutes.withLog(call) { (call, log) throws(Problem) in
            let (now, wallNow) = (SystemClock.monotonicNanoseconds(), Gate.now)
            var generator = SystemRandomNumberGenerator()
            let id = log.id.description
            let text = call.server.gate.tickets.issue(for: id, call.access, nowNanoseconds: now, using: &generator)
            guard let text else {
                throw Problem(
                    429, "too_many_tickets", "As many tickets are open as may be; try again in a minute.",
                    headers: ["Retry-After": "60"])
            }
            let state = view.detail == .full ? "" : "&state=\(view.detail.rawValue)"
            let depth = view.depth.map { "&depth=\($0)" } ?? ""
            let body: JSONObject = [
                "url": JSONText(call.address("/api/executions/\(id)/events?\(parameter)=\(text)\(state)\(depth)")),
                "expires": JSONText(timestamp: wallNow + TicketTable.idleNanoseconds / 1_000),
            ]
            call.respond(.json(body, status: 201, headers: ["Cache-Control": "no-store"]))
        }
    }

    static let invalid = Problem(
        401, "invalid_ticket",
        "This ticket is not good here, or not any more: it is to be opened within a minute, by pages of one origin, and ends a "
            + "minute after its stream. POST /api/executions/{id}/ticket makes another.")
}

extension Server {
    /// The ticket that a request shows, if it asks for a stream by one.
    func ticket(of request: Request, on connection: Connection) throws(Problem) -> TicketTable.Ticket? {
        // Of two, neither is to be believed; the route refuses them.
        let texts = request.query.filter { $0.name == TicketRoutes.parameter }.map(\.value)
        guard texts.count == 1, let text = texts.first else { return nil }
        let path = request.path
        guard path.count == 4, path[0] == "api", path[1] == "executions", path[3] == "events" else { return nil }
        let ticket = gate.tickets.find(text, for: path[2], nowNanoseconds: SystemClock.monotonicNanoseconds())
        guard let ticket, !gate.isStale(ticket.access), ticket.page.takes(request.headers["origin"]) else {
            throw gate.ticketFailure(of: request, connection.door)
        }
        return ticket
    }

    /// The stream that answers a request with a ticket is about to begin; the one that the ticket had before ends.
    func streamBegins(of ticket: TicketTable.Ticket, on connection: Connection) {
        ticketHolders.removeValue(forKey: ticket.key)?.giveWay()
        gate.tickets.streamBegan(ticket.key)
        ticketHolders[ticket.key] = connection
    }

    func streamEnded(of ticket: TicketTable.Ticket, on connection: Connection) {
        guard ticketHolders[ticket.key] === connection else { return }
        ticketHolders[ticket.key] = nil
        gate.tickets.streamEnded(ticket.key, nowNanoseconds: SystemClock.monotonicNanoseconds())
    }
}

extension TicketTable.Page {
    fileprivate func takes(_ origin: String?) -> Bool {
        switch self {
        case .unknown: true
        case .known(let known): known == origin
        }
    }
}
