import Auth
import Digest
import Executions
import Glibc
import Graphs
import HTTP
import JSON

/// `POST /classic/api/graphs/load`: a graph of a Python file of the graphs folder, or of Python that is sent.
enum ClassicLoads {
    private static let wordsBytesMax = 64 << 10

    private enum Place {
        /// `FILE.py` or `FILE.py:NAME`, below the graphs folder.
        case file(String)
        case code([UInt8])
    }

    static func load(_ call: Call) throws(Problem) {
        let catalog = call.server.catalog
        let members = try StartRoutes.members(call.request.body)
        let place = try place(members, catalog.folder)
        var wish = PythonWish(graphs: call.access.graphs)
        wish.name = try words("graph_name", members)
        wish.description = try words("description", members)
        guard let python = catalog.python else {
            throw Problem(
                422, "no_python_graphs",
                "This daemon makes no graphs of Python: kinds.enabled leaves out python, or the like.")
        }
        switch place {
        case .file(let name): load(name, wish, call)
        case .code(let text): try load(text, wish, python, call)
        }
    }

    // MARK: Files

    private static func load(_ name: String, _ wish: PythonWish, _ call: Call) {
        let (server, catalog) = (call.server, call.server.catalog)
        catalog.wish(wish, for: name)
        server.folderLook.whenLoaded(name) {
            do throws(Problem) {
                let revision = try revision(of: catalog.load(ofPython: name), name, catalog.folder)
                guard call.access.allows(graph: revision.identity.id) else { throw Server.otherGraph }
                respond(revision, call)
            } catch {
                call.respond(error.response)
            }
        }
    }

    private static func revision(
        of load: PythonLoad, _ name: String, _ folder: String?
    ) throws(Problem) -> GraphRevision {
        switch load {
        case .graph(let revision): return revision
        case .refused(let faults): throw refusal(faults, of: name)
        case .fruitless: throw Problem(422, "no_graph", "\(name) makes no graph.")
        case .named(let document):
            throw Problem(
                422, "part_of_graph",
                "\(name) is part of the graph of \(document). As \(name):NAME it makes one of its own.")
        case .missing:
            throw Problem(
                404, "unknown_file",
                folder == nil
                    ? "There is no graphs folder; start the daemon with --graphs DIR."
                    : "There is no Python file \(name) in the graphs folder, or it is none of those that are looked at."
            )
        }
    }

    // MARK: Code

    private static func load(
        _ text: [UInt8], _ wish: PythonWish, _ python: PythonSights, _ call: Call
    ) throws(Problem) {
        var hash = SHA256()
        hash.update(text)
        let stem = wish.name ?? "code-\(SHA256.text(hash.finish()).prefix(8))"
        guard let id = GraphDocument.id(ofStem: stem) else {
            throw Problem(422, "invalid_graph_name", "Nothing of graph_name can stand in the id of a graph.")
        }
        guard call.access.allows(graph: id) else { throw Server.otherGraph }
        let catalog = call.server.catalog
        let code = PythonCode(id: id, text: text)
        call.order { (reply: @escaping @Sendable (Result<JSONText, Problem>) -> Void) throws(Problem) in
            let isAccepted = python.look(atCode: catalog.lookOrder(at: code, python)) { found in
                reply(Result { () throws(Problem) in try sight(of: found) })
            }
            if !isAccepted { throw Call.overloaded }
        } next: { call, sight in
            call.then(on: call.server.lanes.compiling(bytes: text.count)) { () throws(Problem) in
                do throws(GraphCatalog.CodeError) {
                    return try catalog.put(code, sight, called: wish)
                } catch {
                    throw problem(for: error, id)
                }
            } _: { call, revision in
                respond(revision, call)
            }
        }
    }

    private static func sight(of reply: PythonLookReply) throws(Problem) -> JSONText {
        guard case .answer(let bytes) = reply, let sight = try? JSONText(parsing: bytes) else {
            guard case .none(let why) = reply else {
                throw refusal(GraphFaults("what it makes cannot be read"), of: "The code")
            }
            throw refusal(GraphFaults(why), of: "The code")
        }
        return sight
    }

    private static func problem(for error: GraphCatalog.CodeError, _ id: String) -> Problem {
        switch error {
        case .fruitless: Problem(422, "no_graph", "The code makes no graph.")
        case .change(.invalid(let faults)): refusal(faults, of: "The code")
        case .change(.store(let error)):
            Problem(503, "store_unavailable", error.message, headers: ["Retry-After": "5"])
        case .change(let error): Problem(409, "graph_contended", "\(error.faults)", headers: ["Retry-After": "1"])
        case .taken:
            Problem(
                409, "graph_exists",
                "There is a graph \(id) already, and it did not come as code: send another graph_name, or delete it.")
        }
    }

    // MARK: Both

    private static func respond(_ revision: GraphRevision, _ call: Call) {
        let (catalog, store) = (call.server.catalog, call.server.store)
        call.offload { () throws(Problem) in
            .json(
                try ClassicGraphs.loaded(revision, catalog, store), status: 201,
                headers: ["Location": "/classic/api/graphs/\(revision.identity.id)"])
        }
    }

    private static func refusal(_ faults: GraphFaults, of name: String) -> Problem {
        let what = faults.faults.map { fault in
            "\(fault.place.map { "line \($0.line): " } ?? "")\(fault.message)"
        }
        return Problem(422, "invalid_graph", "\(name): \(what.joined(separator: "; "))")
    }

    private static func words(_ key: JSONKey, _ members: JSONObject) throws(Problem) -> String? {
        guard let value = members[key], value != .null else { return nil }
        guard let text = value.string, text.utf8.count <= wordsBytesMax else {
            throw StartRoutes.invalid([
                .init(pointer: "/\(key.string)", message: "must be a text of \(wordsBytesMax) bytes at most")
            ])
        }
        return text.isEmpty ? nil : text
    }

    private static func place(_ members: JSONObject, _ folder: String?) throws(Problem) -> Place {
        let keys: [JSONKey] = ["file_path", "code", "module_path"]
        let given = keys.filter { members[$0].map { $0 != .null } ?? false }
        guard given.count == 1, let key = given.first else {
            throw StartRoutes.invalid([.init(pointer: "", message: "needs one of file_path, code and module_path")])
        }
        func refusal(_ message: String) -> Problem {
            StartRoutes.invalid([.init(pointer: "/\(key.string)", message: message)])
        }
        guard let text = members[key]?.string, !text.isEmpty else { throw refusal("must be a text") }
        guard !text.utf8.contains(0) else { throw refusal("holds a character that no Python file can have") }
        if key == "code" {
            guard text.utf8.count <= GraphBounds.fileBytesMax else {
                throw refusal("must be of \(GraphBounds.fileBytesMax) bytes at most")
            }
            return .code(Array(text.utf8))
        }
        guard text.utf8.count <= Int(PATH_MAX) else { throw refusal("is too long") }
        let path = key == "module_path" ? Self.path(ofModule: text) : text
        guard let name = Self.name(ofPath: path, in: folder) else {
            throw refusal("leads out of the graphs folder")
        }
        return .file(name)
    }

    /// `flows.triage` is `flows/triage.py`; with `:NAME` behind it, one of its graphs.
    private static func path(ofModule text: String) -> String {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let file = parts[0].split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/") + ".py"
        return parts.count == 2 ? "\(file):\(parts[1])" : file
    }

    /// A path below the graphs folder, as the files of the folder are called there. What the folder is called itself may stand
    /// before it, as it does for who calls from beside the folder. Nil for one that leads elsewhere.
    private static func name(ofPath path: String, in folder: String?) -> String? {
        var parts = path.split(separator: "/").filter { $0 != "." }.map(String.init)
        guard !parts.contains("..") else { return nil }
        let above = folder.map { $0.split(separator: "/").filter { $0 != "." }.map(String.init) } ?? []
        if path.hasPrefix("/") {
            guard parts.starts(with: above), parts.count > above.count else { return nil }
            parts.removeFirst(above.count)
        } else if let folder, parts.count > 1, parts.first == above.last,
            access("\(folder)/\(parts[0])", F_OK) != 0
        {
            parts.removeFirst()
        }
        return parts.joined(separator: "/")
    }
}
