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
        tree.add(method, template, handlers.count)
        handlers.append(handler)
    }

    package func match(_ request: Request) -> RouteMatch {
        request.target.form == .asterisk
            ? .options(allow: tree.allMethods) : tree.match(request.method, request.target.path)
    }

    package func match(_ method: Method, _ path: PathSegments) -> RouteMatch { tree.match(method, path) }

    /// What serves a route that was found.
    package subscript(route: RouteMatch.Route) -> Handler { handlers[route.index] }
}

extension Router: Sendable where Handler: Sendable {}

/// What a router knows of a path and a method. It says nothing of handlers: generic code would not be specialized for those of
/// another module.
package enum RouteMatch: Sendable {
    case found(Route, RouteParameters)
    /// The path is known, but not with this method: 405 with `Allow`, which lists these.
    case methodNotAllowed(allow: [Method])
    /// OPTIONS on a known path that does not serve it itself: 204 with `Allow`.
    case options(allow: [Method])
    case notFound

    /// Names a route of the router that found it.
    package struct Route: Sendable {
        fileprivate let index: Int
    }
}

/// The decoded segments that stood in the places of `{name}`s.
package struct RouteParameters: Sendable {
    fileprivate struct Name {
        let text: String
        /// Which segment of the path it stands for.
        let depth: Int
    }

    private let names: [Name]
    private let path: PathSegments

    fileprivate init(_ names: [Name], of path: PathSegments) {
        self.names = names
        self.path = path
    }

    /// The value of a parameter that the route's template names; another name is a bug and traps.
    package subscript(name: String) -> String {
        for known in names where known.text == name { return path[known.depth] }
        preconditionFailure("no parameter named \(name)")
    }
}

/// The trie.
private struct RouteTree: Sendable {
    private struct Node {
        /// Few at each place, so that comparing beats hashing.
        var literals: [(segment: [UInt8], child: Int)] = []
        var parameter: Int?
        var routes: [Route] = []
    }

    private struct Route {
        let method: Method
        let handler: Int
        let parameters: [RouteParameters.Name]
    }

    private struct Search {
        let method: Method
        var allow: [Method] = []
    }

    private var nodes: [Node] = [Node()]

    mutating func add(_ method: Method, _ template: String, _ handler: Int) {
        precondition(template.hasPrefix("/"), "a template starts with /")
        var index = 0
        var parameters: [RouteParameters.Name] = []
        let segments =
            template == "/" ? [] : template.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (depth, segment) in segments.enumerated() {
            if segment.hasPrefix("{"), segment.hasSuffix("}") {
                parameters.append(.init(text: String(segment.dropFirst().dropLast()), depth: depth))
                index = parameter(of: index)
            } else {
                index = child(of: index, Array(segment.utf8))
            }
        }
        precondition(!nodes[index].routes.contains { $0.method == method }, "\(method) \(template) is routed already")
        nodes[index].routes.append(Route(method: method, handler: handler, parameters: parameters))
    }

    private mutating func parameter(of index: Int) -> Int {
        if let child = nodes[index].parameter { return child }
        nodes.append(Node())
        nodes[index].parameter = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func child(of index: Int, _ segment: [UInt8]) -> Int {
        if let known = segment.withUnsafeBytes({ literal(index, $0) }) { return known }
        nodes.append(Node())
        nodes[index].literals.append((segment, nodes.count - 1))
        return nodes.count - 1
    }

    private func literal(_ index: Int, _ segment: UnsafeRawBufferPointer) -> Int? {
        for (literal, child) in nodes[index].literals where segment.equals(literal) { return child }
        return nil
    }

    func match(_ method: Method, _ path: PathSegments) -> RouteMatch {
        var search = Search(method: method)
        if let found = find(path, &search) { return found }
        if method == .head {
            search = Search(method: .get)
            if let found = find(path, &search) { return found }
        }
        guard !search.allow.isEmpty else { return .notFound }
        let allow = Self.completed(search.allow)
        return method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }

    private func find(_ path: PathSegments, _ search: inout Search) -> RouteMatch? {
        guard let (node, route) = path.withBytes({ find(from: 0, $0, &search) }) else { return nil }
        let found = nodes[node].routes[route]
        return .found(RouteMatch.Route(index: found.handler), RouteParameters(found.parameters, of: path))
    }

    /// - Parameter path: the segments that are left.
    private func find(
        from index: Int, _ path: UnsafeRawBufferPointer, _ search: inout Search
    ) -> (node: Int, route: Int)? {
        guard !path.isEmpty else {
            let routes = nodes[index].routes
            if let route = routes.firstIndex(where: { $0.method == search.method }) { return (index, route) }
            search.allow += routes.map(\.method)
            return nil
        }
        var rest = path
        let segment = PathSegments.popFirst(&rest)
        if let literal = literal(index, segment), let found = find(from: literal, rest, &search) { return found }
        // An empty segment names nothing.
        guard let parameter = nodes[index].parameter, !segment.isEmpty else { return nil }
        return find(from: parameter, rest, &search)
    }

    var allMethods: [Method] {
        Self.completed(nodes.flatMap { $0.routes.map(\.method) })
    }

    /// Each once, with those that the router itself serves.
    private static func completed(_ methods: [Method]) -> [Method] {
        var result: [Method] = []
        for method in methods + (methods.contains(.get) ? [.head] : []) + [.options] where !result.contains(method) {
            result.append(method)
        }
        return result
    }
}
