/// Finds what serves a method and a path: a trie of path segments.
///
/// A literal segment wins over a parameter, but only where its branch serves the method too: with `POST /graphs/validate` and
/// `GET /graphs/{id}`, a GET of `/graphs/validate` reads the graph of that name.
package struct Router<Handler> {
    private var nodes: [Node] = [Node()]

    fileprivate struct Node {
        var literals: [String: Int] = [:]
        var parameter: Int?
        var routes: [(method: Method, handler: Handler, parameterNames: [String])] = []
    }

    package enum Match {
        case found(Handler, Parameters)
        /// The path is known, but not with this method: 405 with `Allow`, which lists these.
        case methodNotAllowed(allow: [Method])
        /// OPTIONS on a known path that does not serve it itself: 204 with `Allow`.
        case options(allow: [Method])
        case notFound
    }

    /// The decoded segments that stood in the places of `{name}`s.
    package struct Parameters: Sendable, Equatable {
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

    package init() {}

    /// Adds a route. GET serves HEAD too, unless HEAD has a route of its own.
    ///
    /// - Parameter template: such as `/api/graphs/{id}/execute`. Adding one twice for a method is a bug and traps.
    package mutating func add(_ method: Method, _ template: String, _ handler: Handler) {
        precondition(template.hasPrefix("/"), "a template starts with /")
        var index = 0
        var names: [String] = []
        for segment in template == "/"
            ? [] : template.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        {
            if segment.hasPrefix("{"), segment.hasSuffix("}") {
                names.append(String(segment.dropFirst().dropLast()))
                index = child(of: index, at: \.parameter)
            } else {
                index = child(of: index, at: \.literals[String(segment)])
            }
        }
        precondition(!nodes[index].routes.contains { $0.method == method }, "\(method) \(template) is routed already")
        nodes[index].routes.append((method, handler, names))
    }

    private mutating func child(of index: Int, at place: WritableKeyPath<Node, Int?>) -> Int {
        if let child = nodes[index][keyPath: place] { return child }
        nodes.append(Node())
        nodes[index][keyPath: place] = nodes.count - 1
        return nodes.count - 1
    }

    package func match(_ request: Request) -> Match {
        request.target.form == .asterisk ? .options(allow: allMethods) : match(request.method, request.path)
    }

    /// - Parameter path: decoded segments, as in `RequestTarget.path`.
    package func match(_ method: Method, _ path: [String]) -> Match {
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

    private struct Search {
        let path: [String]
        let method: Method
        var values: [String] = []
        var allow: [Method] = []
    }

    private func find(from index: Int, depth: Int, _ search: inout Search) -> Match? {
        guard depth < search.path.count else {
            for route in nodes[index].routes.indices where nodes[index].routes[route].method == search.method {
                let (_, handler, names) = nodes[index].routes[route]
                return .found(handler, Parameters(names: names, values: search.values))
            }
            search.allow += nodes[index].routes.map(\.method)
            return nil
        }
        let segment = search.path[depth]
        if let literal = nodes[index].literals[segment], let found = find(from: literal, depth: depth + 1, &search) {
            return found
        }
        // An empty segment names nothing.
        guard let parameter = nodes[index].parameter, !segment.isEmpty else { return nil }
        search.values.append(segment)
        defer { search.values.removeLast() }
        return find(from: parameter, depth: depth + 1, &search)
    }

    private var allMethods: [Method] {
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

extension Router: Sendable where Handler: Sendable {}
extension Router.Match: Sendable where Handler: Sendable {}
extension Router.Node: Sendable where Handler: Sendable {}
