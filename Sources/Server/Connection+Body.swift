import Executions
import HTTP

/// Bodies of requests in the account of all executions, as far as they have come.
extension Connection {
    /// Of a body that is never refused because others are large.
    static let smallBodyBytesMax = 64 << 10

    /// Too much is in hand of all bodies together; a small one goes through all the same.
    func refuseFlood() {
        countBody()
        guard case .reading = phase, bodyBytes > Self.smallBodyBytesMax, !server.service.environment.memory.takesBodies
        else { return }
        server.metrics.bodiesRefused += 1
        refuse(
            Problem(
                503, "memory_full", "As much of requests is in hand as may be; try again in a moment.",
                headers: ["Retry-After": "1"]))
    }

    /// Brings the account up to date.
    func countBody() {
        let isOver =
            switch phase {
            case .closing, .lingering, .closed: true
            case .reading, .handling, .streaming: false
            }
        let now = isOver ? 0 : (parser.pending?.body.count ?? 0) + (request?.body.count ?? 0)
        guard now != bodyBytes else { return }
        server.service.environment.memory.change(.bodies, by: now - bodyBytes)
        bodyBytes = now
    }

    /// The body of the request that is being served is needed no more: it may be large, and the answer far away.
    func letBodyGo() {
        guard bodyBytes > 0 else { return }
        request?.letBodyGo()
        countBody()
    }
}
