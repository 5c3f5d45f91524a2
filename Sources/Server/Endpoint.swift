import Auth
import HTTP

/// What a path and method stand for: who may call it, and what it does.
final class Endpoint {
    /// How a token that is restricted to some graphs is kept to them.
    enum Reach {
        /// `{id}` names a graph; others are refused before the route is asked.
        case graph
        /// `{id}` names an execution; those of other graphs are as if they did not exist.
        case execution
        /// The route itself looks at `call.access`.
        case route
        /// Whatever it says, it says nothing of any stored graph.
        case nothing
        /// The whole daemon: not for restricted tokens.
        case daemon
    }

    /// Of its path.
    let template: String
    /// Nil: everybody may.
    let needs: Scope?
    let reach: Reach
    /// The name of what it changes, for the audit log; nil if it changes nothing.
    let change: StaticString?
    /// The parameters of the query that it takes, or where there is a dot at the end, what they begin with; nil where nobody
    /// looks at them.
    let query: [String]?
    /// Whether pages of whatever origin may have it: files that say nothing of anybody. So the console can say what is refused
    /// to it, and which line mends that.
    let isForAnyPage: Bool
    /// Whether its callers were written for the system that Millrace replaces.
    let isClassic: Bool
    let route: Route

    init(
        template: String, needs: Scope?, reach: Reach, change: StaticString?, query: [String]?,
        isForAnyPage: Bool = false, route: @escaping Route
    ) {
        self.template = template
        self.needs = needs
        self.reach = reach
        self.change = change
        self.query = query
        self.isForAnyPage = isForAnyPage
        isClassic = template.hasPrefix(Request.classicPrefix)
        self.route = route
    }

    /// Refuses a query that would not be done as it was meant.
    func checkQuery(of request: Request) throws(Problem) {
        guard let query else { return }
        let names = request.query.map(\.name)
        for (index, name) in names.enumerated() {
            guard query.contains(where: { $0 == name || $0.hasSuffix(".") && name.hasPrefix($0) && name != $0 }) else {
                let known = query.isEmpty ? "it takes none" : "it takes \(query.joined(separator: ", "))"
                throw Problem(
                    400, "unknown_parameter", "\(name.prefix(80)) is no parameter of this call; \(known).")
            }
            guard !names[..<index].contains(name) else {
                throw Problem(400, "repeated_parameter", "The parameter \(name) stands there twice.")
            }
        }
    }
}

@available(*, unavailable)
extension Endpoint: Sendable {}

extension Router where Handler == Endpoint {
    /// - Parameters:
    ///   - needs: the smallest scope that is enough; nil if no token is needed. No default, so that none is forgotten.
    ///   - query: the parameters of a path of the API; elsewhere nobody looks at them.
    ///   - reach: nil for what the path's beginning says.
    mutating func add(
        _ method: Method, _ template: String, needs: Scope?, reach: Endpoint.Reach? = nil,
        change: StaticString? = nil, query: [String] = [], _ route: @escaping Route
    ) {
        let isClassic = template.hasPrefix(Request.classicPrefix)
        let path = isClassic ? template.dropFirst(Request.classicPrefix.count) : template[...]
        let reach =
            reach
            ?? (path.hasPrefix("/api/graphs/{id}")
                ? .graph : path.hasPrefix("/api/executions/{id}") ? .execution : .daemon)
        add(
            method, template,
            Endpoint(
                template: template, needs: needs, reach: reach, change: change,
                query: path.hasPrefix("/api/") || isClassic ? query : nil,
                isForAnyPage: template == "/" || template.hasPrefix("/console/"), route: route))
    }
}
