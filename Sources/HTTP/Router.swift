/// Finds what serves a method and a path: a trie of path segments.
///
/// A literal segment wins over a parameter, but only where its branch serves the method too: with `POST /graphs/validate` and
/// `GET /graphs/{id}`, a GET of `/graphs/validate` reads the graph of that name.
package struct Router<Handler> {
    private var tree = RouteTree()
    private var handlers: [Handler] = []

    package enum Match {
        case found(Handler, RouteParameters)
        /// The path is known, but not with this method: 405 with `Allow`, which lists these.
        case methodNotAllowed(allow: [Method])
        /// OPTIONS on a known path that does not serve it itself: 204 with `Allow`.
        case options(allow: [Method])
        case notFound
    }

    package init() {}

    /// Adds a route. GET serves HEAD too, unless HEAD has a route of its own.
    ///
    /// - Parameter template: such as `/api/graphs/{id}/execute`. Adding one twice for a method is a bug and traps.
    package mutating func add(_ method: Method, _ template: String, _ handler: Handler) {
        tree.add(method, template, handlers.count)
        handlers.append(handler)
    }

    package func match(_ request: Request) -> Match {
        request.target.form == .asterisk ? .options(allow: tree.allMethods) : match(request.method, request.path)
    }

    /// - Parameter path: decoded segments, as in `RequestTarget.path`.
    package func match(_ method: Method, _ path: [String]) -> Match {
        switch tree.match(method, path) {
        case .found(let route, let parameters): .found(handlers[route], parameters)
        case .methodNotAllowed(let allow): .methodNotAllowed(allow: allow)
        case .options(let allow): .options(allow: allow)
        case .notFound: .notFound
        }
    }
}

extension Router: Sendable where Handler: Sendable {}
extension Router.Match: Sendable where Handler: Sendable {}

/// The decoded segments that stood in the places of `{name}`s.
package struct RouteParameters: Sendable, Equatable {
    private let names: [String]
    private let values: [String]

    fileprivate init(names: [String], values: [String]) {
        self.names = names
        self.values = values
    }

    /// The value of a parameter that the route's template names; another name is a bug and traps.
    package subscript(name: String) -> String {
        guard let index = names.firstIndex(of: name) else { preconditionFailure("no parameter named \(name)") }
        return values[index]
    }
}

/// The trie, where a handler is a number: generic code would not be specialized for the routes of another module.
private struct RouteTree: Sendable {
    typealias Match = Router<Int>.Match

    private struct Node {
        /// Few at each place, so that comparing beats hashing.
        var literals: [(segment: String, child: Int)] = []
        var parameter: Int?
        var routes: [Route] = []
    }

    private struct Route {
        let method: Method
        let handler: Int
        let parameterNames: [String]
    }

    private struct Search {
        let path: [String]
        let method: Method
        var values: [String] = []
        var allow: [Method] = []
    }

    private var nodes: [Node] = [Node()]

    mutating func add(_ method: Method, _ template: String, _ handler: Int) {
        precondition(template.hasPrefix("/"), "a template starts with /")
        var index = 0
        var names: [String] = []
        for segment in template == "/"
            ? [] : template.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        {
            if segment.hasPrefix("{"), segment.hasSuffix("}") {
                names.append(String(segment.dropFirst().dropLast()))
                index = parameter(of: index)
            } else {
                index = child(of: index, String(segment))
            }
        }
        precondition(!nodes[index].routes.contains { $0.method == method }, "\(method) \(template) is routed already")
        nodes[index].routes.append(Route(method: method, handler: handler, parameterNames: names))
    }

    private mutating func parameter(of index: Int) -> Int {
        if let child = nodes[index].parameter { return child }
        nodes.append(Node())
        nodes[index].parameter = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func child(of index: Int, _ segment: String) -> Int {
        if let known = literal(index, segment) { return known }
        nodes.append(Node())
        nodes[index].literals.append((segment, nodes.count - 1))
        return nodes.count - 1
    }

    private func literal(_ index: Int, _ segment: String) -> Int? {
        for (literal, child) in nodes[index].literals where literal == segment { return child }
        return nil
    }

    func match(_ method: Method, _ path: [String]) -> Match {
        var search = Search(path: path, method: method)
        if let found = find(from: 0, depth: 0, &search) { return found }
        if method == .head {
            search = Search(path: path, method: .get)
            if let found = find(from: 0, depth: 0, &search) { return found }
        }
        guard !search.allow.isEmpty else { return .notFound }
        let allow = Self.completed(search.allow)
        return method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }

    private func find(from index: Int, depth: Int, _ search: inout Search) -> Match? {
        guard depth < search.path.count else {
            if let route = nodes[index].routes.first(where: { $0.method == search.method }) {
                return .found(route.handler, RouteParameters(names: route.parameterNames, values: search.values))
            }
            search.allow += nodes[index].routes.map(\.method)
            return nil
        }
        let segment = search.path[depth]
        if let literal = literal(index, segment), let found = find(from: literal, depth: depth + 1, &search) {
            return found
        }
        // An empty segment names nothing.
        guard let parameter = nodes[index].parameter, !segment.isEmpty else { return nil }
        search.values.append(segment)
        defer { search.values.removeLast() }
        return find(from: parameter, depth: depth + 1, &search)
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
