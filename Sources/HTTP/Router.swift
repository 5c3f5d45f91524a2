/// Finds what serves a method and a path: a trie of path segments.
///
/// A literal segment wins over a parameter, but only where its branch serves the method too: with `POST /graphs/validate` and
/// `GET /graphs/{id}`, a GET of `/graphs/validate` reads the graph of that name.
package struct Router<Handler> {
    private var tree = RouteTree()
    private var handlers: [Handler] = []

    package init() {}

    /// Adds a route. GET serves HEAD too, unless HEAD has a route of its own.
    ///
    /// - Parameter template: such as `/api/graphs/{id}/execute`. Adding one twice for a method is a bug and traps.
    package mutating func add(_ method: Method, _ template: String, _ handler: Handler) {
        tree.add(method, template)
        handlers.append(handler)
    }

    package func match(_ request: Request) -> RouteMatch {
        request.target.form == .asterisk
            ? .options(allow: tree.allMethods) : tree.match(request.method, request.pathSegments)
    }

    package func match(_ method: Method, _ path: PathSegments) -> RouteMatch { tree.match(method, path) }

    /// What serves a route that was found.
    package subscript(route: RouteMatch.Route) -> Handler { handlers[route.index] }

    /// The decoded segment that stands in the place of a `{name}` in a path that the route was found for. A name that the route's
    /// template does not have is a bug and traps.
    package func parameter(_ name: String, of route: RouteMatch.Route, in path: PathSegments) -> String {
        path[tree.depth(ofParameter: name, of: route.index)]
    }
}

extension Router: Sendable where Handler: Sendable {}

/// What a router knows of a path and a method. It says nothing of handlers: generic code would not be specialized for those of
/// another module.
package enum RouteMatch: Sendable {
    case found(Route)
    /// The path is known, but not with this method: 405 with `Allow`, which lists these.
    case methodNotAllowed(allow: [Method])
    /// OPTIONS on a known path that does not serve it itself: 204 with `Allow`.
    case options(allow: [Method])
    case notFound

    /// Names a route of the router that found it: how many were added before it.
    package struct Route: Sendable {
        fileprivate let index: Int
    }
}

/// The trie, in a few flat tables that refer to one another by index: matching copies nothing and counts no references.
private struct RouteTree: Sendable {
    private static let none = -1

    private struct Node {
        /// The first of the literals that may come next: few at each place, so that comparing beats hashing.
        var firstLiteral = none
        /// The node behind a parameter.
        var parameter = none
        var firstRoute = none
    }

    private struct Literal {
        /// In `text`.
        let start: Int
        let end: Int
        let child: Int
        /// The next one at the same place.
        var next: Int
    }

    private struct Route {
        let method: Method
        /// The next one of the same path.
        var next: Int
    }

    private struct Parameter {
        let route: Int
        let name: String
        /// Which segment of the path it stands for.
        let depth: Int
    }

    private var nodes: [Node] = [Node()]
    private var literals: [Literal] = []
    /// The literals' segments.
    private var text: [UInt8] = []
    /// By the number of the handler.
    private var routes: [Route] = []
    private var parameters: [Parameter] = []

    mutating func add(_ method: Method, _ template: String) {
        precondition(template.hasPrefix("/"), "a template starts with /")
        var index = 0
        let segments =
            template == "/" ? [] : template.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (depth, segment) in segments.enumerated() {
            if segment.hasPrefix("{"), segment.hasSuffix("}") {
                let name = String(segment.dropFirst().dropLast())
                parameters.append(Parameter(route: routes.count, name: name, depth: depth))
                index = parameter(of: index)
            } else {
                index = child(of: index, Array(segment.utf8))
            }
        }
        precondition(!methods(at: index).contains(method), "\(method) \(template) is routed already")
        // Behind those that are there, since `Allow` lists them in this order.
        var last = nodes[index].firstRoute
        while last != Self.none, routes[last].next != Self.none { last = routes[last].next }
        if last == Self.none { nodes[index].firstRoute = routes.count } else { routes[last].next = routes.count }
        routes.append(Route(method: method, next: Self.none))
    }

    private mutating func parameter(of index: Int) -> Int {
        if nodes[index].parameter == Self.none {
            nodes.append(Node())
            nodes[index].parameter = nodes.count - 1
        }
        return nodes[index].parameter
    }

    private mutating func child(of index: Int, _ segment: [UInt8]) -> Int {
        let known = segment.withUnsafeBytes { child(behind: $0, at: index) }
        if known != Self.none { return known }
        nodes.append(Node())
        let start = text.count
        text += segment
        literals.append(
            Literal(start: start, end: text.count, child: nodes.count - 1, next: nodes[index].firstLiteral))
        nodes[index].firstLiteral = literals.count - 1
        return nodes.count - 1
    }

    private func child(behind segment: UnsafeRawBufferPointer, at index: Int) -> Int {
        var literal = nodes[index].firstLiteral
        while literal != Self.none {
            let (start, end) = (literals[literal].start, literals[literal].end)
            if end - start == segment.count, text.withUnsafeBytes({ segment.equals($0.part(start..<end)) }) {
                return literals[literal].child
            }
            literal = literals[literal].next
        }
        return Self.none
    }

    func depth(ofParameter name: String, of route: Int) -> Int {
        for parameter in parameters where parameter.route == route && parameter.name == name { return parameter.depth }
        preconditionFailure("no parameter named \(name)")
    }

    func match(_ method: Method, _ path: PathSegments) -> RouteMatch {
        path.withBytes { path in
            var allow: [Method] = []
            if let route = find(method, path, from: 0, &allow) { return .found(RouteMatch.Route(index: route)) }
            if method == .head {
                allow = []
                if let route = find(.get, path, from: 0, &allow) { return .found(RouteMatch.Route(index: route)) }
            }
            guard !allow.isEmpty else { return .notFound }
            allow = Self.completed(allow)
            return method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
        }
    }

    /// - Parameters:
    ///   - path: the segments that are left.
    ///   - allow: gets the methods of a path that is routed, but not for this one.
    private func find(
        _ method: Method, _ path: UnsafeRawBufferPointer, from index: Int, _ allow: inout [Method]
    ) -> Int? {
        guard !path.isEmpty else {
            var route = nodes[index].firstRoute
            while route != Self.none, routes[route].method != method { route = routes[route].next }
            if route != Self.none { return route }
            allow += methods(at: index)
            return nil
        }
        var rest = path
        let segment = PathSegments.popFirst(&rest)
        let literal = child(behind: segment, at: index)
        if literal != Self.none, let route = find(method, rest, from: literal, &allow) { return route }
        // An empty segment names nothing.
        guard nodes[index].parameter != Self.none, !segment.isEmpty else { return nil }
        return find(method, rest, from: nodes[index].parameter, &allow)
    }

    private func methods(at index: Int) -> [Method] {
        var methods: [Method] = []
        var route = nodes[index].firstRoute
        while route != Self.none {
            methods.append(routes[route].method)
            route = routes[route].next
        }
        return methods
    }

    var allMethods: [Method] { Self.completed(routes.map(\.method)) }

    /// Each once, with those that the router itself serves.
    private static func completed(_ methods: [Method]) -> [Method] {
        var result: [Method] = []
        for method in methods + (methods.contains(.get) ? [.head] : []) + [.options] where !result.contains(method) {
            result.append(method)
        }
        return result
    }
}
