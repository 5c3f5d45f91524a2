import Auth
import Executions
import HTTP
import JSON
import Reactor

/// Taking up executions that are held.
enum ResumeRoutes {
    static func resume(_ call: Call) throws(Problem) {
        let id = try ExecutionRoutes.id(call)
        try call.whenTakenUp { (call) throws(Problem) in
            switch call.server.service.resume(id) {
            case .resumed(let log, let change):
                call.server.hub.whenStored(change, of: log) {
                    call.respond(.json(ExecutionRoutes.json(log.summary), status: 202))
                }
            case .notHeld: throw notHeld(id)
            case .unknown:
                let store = call.server.store
                call.offload { () throws(Problem) in
                    guard try ExecutionRoutes.read({ () throws(StoreError) in try store.execution(id) }) != nil else {
                        throw ExecutionRoutes.unknown(id)
                    }
                    throw notHeld(id)
                }
            }
        }
    }

    /// All that are held, of the graphs that the token is for. Answers how many once that is stored.
    static func resumeHeld(_ call: Call) throws(Problem) {
        guard call.request.queryValue("status") == ExecutionStatus.held.rawValue else {
            throw Problem(400, "invalid_parameter", "Say which: status must be held.")
        }
        let graphs = call.access.graphs
        try call.whenTakenUp { (call) throws(Problem) in
            let resumed = call.server.service.resumeAllHeld { graphs?.contains($0) ?? true }
            let answer: JSONObject = ["resumed": JSONText(resumed.count)]
            whenStored(resumed[...], call) { call.respond(.json(answer, status: 202)) }
        }
    }

    private static func whenStored(
        _ resumed: ArraySlice<(log: EventLog, change: Int)>, _ call: Call, _ action: @escaping () -> Void
    ) {
        var left = resumed.count
        guard left > 0 else { return action() }
        for (log, change) in resumed {
            call.server.hub.whenStored(change, of: log) {
                left -= 1
                if left == 0 { action() }
            }
        }
    }

    private static func notHeld(_ id: ExecutionID) -> Problem {
        Problem(409, "execution_not_held", "Execution \(id) is not held; there is nothing to resume.")
    }
}

extension Call {
    /// Goes on once all is known that an earlier daemon has left.
    func whenTakenUp(_ next: @escaping @Sendable (Call) throws(Problem) -> Void) throws(Problem) {
        let service = server.service
        guard service.isTakingUp else { return try next(self) }
        let mailbox = server.reactor.mailbox
        let confined = Confined(self, to: server.reactor)
        service.whenTakenUp {
            mailbox.post { reactor in
                let call = confined.open(on: reactor)
                do throws(Problem) {
                    try next(call)
                } catch {
                    call.respond(error.response)
                }
            }
        }
    }
}
