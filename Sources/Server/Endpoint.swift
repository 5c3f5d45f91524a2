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

    /// Nil: everybody may.
    let needs: Scope?
    let reach: Reach
    /// The name of what it changes, for the audit log; nil if it changes nothing.
    let change: StaticString?
    let route: Route

    init(needs: Scope?, reach: Reach, change: StaticString?, route: @escaping Route) {
        self.needs = needs
        self.reach = reach
        self.change = change
        self.route = route
    }
}

@available(*, unavailable)
extension Endpoint: Sendable {}

extension Router where Handler == Endpoint {
    /// - Parameters:
    ///   - needs: the smallest scope that is enough; nil if no token is needed. No default, so that none is forgotten.
    ///   - reach: nil for what the path's beginning says.
    mutating func add(
        _ method: Method, _ template: String, needs: Scope?, reach: Endpoint.Reach? = nil,
        change: StaticString? = nil, _ route: @escaping Route
    ) {
        let reach =
            reach
            ?? (template.hasPrefix("/api/graphs/{id}")
                ? .graph : template.hasPrefix("/api/executions/{id}") ? .execution : .daemon)
        add(method, template, Endpoint(needs: needs, reach: reach, change: change, route: route))
    }
}
