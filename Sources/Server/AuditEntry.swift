import Auth
import Executions
import HTTP
import Linux

/// One change that was asked for: who, what, and how it ended.
package struct AuditEntry: Sendable {
    /// Such as `graph.put`.
    package let action: StaticString
    /// The graph, execution or token, as far as it is known.
    package let subject: String
    package let status: Int
    /// Such as `token:ID`, `session:ID`, `uid:1000`, `anyone`, `nobody`.
    package let holder: String
    /// The name of the token.
    package let name: String?
    /// Where the request came from.
    package let address: String
    /// The execution that was started.
    package let execution: String?

    package init(
        action: StaticString, subject: String, status: Int, holder: String, name: String? = nil, address: String,
        execution: String? = nil
    ) {
        self.action = action
        self.subject = subject
        self.status = status
        self.holder = holder
        self.name = name
        self.address = address
        self.execution = execution
    }
}

extension Access {
    /// For the log.
    var holderText: (holder: String, name: String?) {
        switch holder {
        case .nobody: ("nobody", nil)
        case .anyone: ("anyone", nil)
        case .localUser(let id): ("uid:\(id)", nil)
        case .token(let id, let name): ("token:\(id)", name)
        case .session(_, let id, let name): ("session:\(id)", name)
        }
    }
}

extension Access {
    /// For the execution that it starts.
    var starter: String {
        switch holder {
        case .anyone, .nobody: "anyone"
        case .localUser: "local user"
        case .token(let id, let name): name.isEmpty ? id : name
        case .session(_, let id, let name): "session \(name.isEmpty ? id : name)"
        }
    }
}

extension Server {
    /// Strangers cannot fill the log, and what a limit has kept out is no news.
    func mayLog(_ status: Status, _ access: Access) -> Bool {
        guard status != 429 else { return false }
        guard case .nobody = access.holder else { return true }
        return strangerLines.take(0, nowNanoseconds: SystemClock.monotonicNanoseconds()) == nil
    }

    /// Notes a token that was no good.
    func auditRefusal(_ problem: Problem, of request: Request, on connection: Connection) {
        guard problem.details.code == "invalid_token", mayLog(problem.details.status, .nobody) else { return }
        audit(
            AuditEntry(
                action: "authenticate", subject: "-", status: problem.details.status.code, holder: "nobody",
                address: gate.origin(of: request, connection.door).text))
    }
}

extension Call {
    /// Notes an execution that the request has started; how it ends is the execution's own story.
    func auditStart(of log: EventLog) {
        let (holder, name) = access.holderText
        server.audit(
            AuditEntry(
                action: "execution.start", subject: log.graph.identity.id, status: 202, holder: holder, name: name,
                address: server.gate.origin(of: request, connection.door).text, execution: log.id.description))
    }

    /// Notes a change and its outcome.
    func audit(_ status: Status, _ headers: HeaderFields) {
        guard let change = endpoint.change, server.mayLog(status, access) else { return }
        let made = headers["location"]?.split(separator: "/").last.map(String.init)
        let place = endpoint.isClassic ? 3 : 2
        let named = request.path.count > place ? request.path[place] : nil
        let (holder, name) = access.holderText
        server.audit(
            AuditEntry(
                action: change, subject: (named ?? made).map { String($0.prefix(128)) } ?? "-", status: status.code,
                holder: holder, name: name, address: server.gate.origin(of: request, connection.door).text))
    }
}
