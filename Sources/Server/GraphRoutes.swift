import Auth
import Executions
import Graphs
import HTTP
import JSON
import OrderedCollections

/// Graphs: read, write, check.
enum GraphRoutes {
    static func list(_ call: Call) throws(Problem) {
        let limit = try call.number("limit", in: 1...500, default: 50)
        let cursor = call.request.option("cursor") ?? ""
        let after = call.server.catalog.list.filter {
            $0.identity.id > cursor && call.access.allows(graph: $0.identity.id)
        }
        let items = after.prefix(limit).map { JSONText(summary(of: $0)) }
        var page: JSONObject = ["items": JSONText(array: Array(items)), "next_cursor": .null]
        var headers: HTTP.HeaderFields = [:]
        if after.count > limit, let last = after.prefix(limit).last?.identity.id {
            page["next_cursor"] = JSONText(last)
            headers.add("Link", call.request.nextLink(cursor: last))
        }
        try respond(call, page, headers)
    }

    static func create(_ call: Call) throws(Problem) {
        let (catalog, body, format) = (call.server.catalog, call.request.body, try documentFormat(call.request))
        let access = call.access
        let lane = call.server.lanes.compiling(bytes: body.count)
        call.order(on: lane) { (reply) throws(Problem) in
            let content = try parse(body, format, catalog)
            let id = content.graph.document.id
            guard access.allows(graph: id) else { throw Server.otherGraph }
            catalog.put(content, text: format == .yaml ? body : nil, expecting: 0, on: lane) { result in
                reply(
                    result.mapError { error in
                        guard case .conflict = error else { return problem(for: error) }
                        return Problem(
                            409, "graph_exists", "There is a graph \(id) already; PUT /api/graphs/\(id) replaces it.")
                    })
            }
        } next: { (call, change: GraphCatalog.Change) in
            call.respond(document(change.revision, status: 201, isNew: true))
        }
    }

    static func read(_ call: Call) throws(Problem) {
        let id = call.parameter("id")
        let accept = Accept(call.request.headers)
        guard let type = accept.preferred(among: [.json] + MediaType.yamls) else {
            throw Problem(406, "not_acceptable", "A graph is to be had as application/json or application/yaml.")
        }
        if call.request.queryValue("revision") != nil {
            let number = try call.number("revision", in: 1...Int.max, default: 1)
            let catalog = call.server.catalog
            return call.offload(on: call.server.lanes.computing) { () throws(Problem) in
                let revision = try ExecutionRoutes.read { () throws(StoreError) in try catalog.revision(number, of: id)
                }
                guard let revision else {
                    guard catalog.head(of: id) != .none else { throw unknown(id) }
                    throw Problem(
                        404, "unknown_revision",
                        "Graph \(id) has no revision \(number), or it is no longer kept; GET /api/graphs/\(id)/revisions lists"
                            + " those there are.")
                }
                return try answer(revision, as: type, catalog)
            }
        }
        guard let revision = call.server.catalog.current(id) else { return respondUnknown(call, id) }
        switch try preconditions(call.request).evaluate(
            current: tags(ofRevision: revision.identity.revision), isRead: true)
        {
        case .proceed where !type.isYAML: call.respond(document(revision, status: 200))
        case .proceed:
            let catalog = call.server.catalog
            call.offload { () throws(Problem) in try answer(revision, as: type, catalog) }
        case .notModified:
            call.respond(Response(304, ["ETag": tag(of: revision, type).description, "Vary": "Accept"]))
        case .failed: throw changed(revision.identity.revision)
        }
    }

    static func replace(_ call: Call) throws(Problem) {
        let (catalog, body, format) = (call.server.catalog, call.request.body, try documentFormat(call.request))
        let id = call.parameter("id")
        let conditions = try preconditions(call.request)
        let lane = call.server.lanes.compiling(bytes: body.count)
        call.order(on: lane) { (reply) throws(Problem) in
            let content = try parse(body, format, catalog)
            guard content.graph.document.id == id else {
                let fault = GraphFaults(pointer: "/id", "is \(content.graph.document.id), but the path says \(id)")
                throw invalid(fault.placed(in: body, format))
            }
            let revision = try expected(conditions, catalog.currentNumber(id))
            let text = format == .yaml ? body : nil
            catalog.put(content, text: text, expecting: revision, on: lane) { reply($0.mapError(problem)) }
        } next: { (call, change: GraphCatalog.Change) in
            let status: Status = change.isNew ? 201 : 200
            call.respond(document(change.revision, status: status, isNew: change.isNew))
        }
    }

    static func delete(_ call: Call) throws(Problem) {
        let (catalog, id) = (call.server.catalog, call.parameter("id"))
        let current = catalog.currentNumber(id)
        let revision = current == 0 ? nil : try expected(try preconditions(call.request), current)
        delete(id, expecting: revision, call, answer: Response(204))
    }

    static func delete(_ id: String, expecting revision: Int?, _ call: Call, answer: Response) {
        let catalog = call.server.catalog
        call.order { reply in
            catalog.delete(id, expecting: revision) { result in
                reply(
                    result.mapError { error in
                        if case .conflict(current: 0) = error { unknown(id) } else { problem(for: error) }
                    })
            }
        } next: { (call, _: Void) in
            call.respond(answer)
        }
    }

    static func revisions(_ call: Call) throws(Problem) {
        let (catalog, id) = (call.server.catalog, call.parameter("id"))
        call.offload { () throws(Problem) in
            let all = try ExecutionRoutes.read { () throws(StoreError) in try catalog.revisions(of: id) }
            guard !all.isEmpty else { throw unknown(id) }
            let items = all.map { summary -> JSONText in
                [
                    "revision": JSONText(summary.revision),
                    "created_at": JSONText(Timestamp.string(microseconds: summary.createdAtMicroseconds)),
                    "deleted": JSONText(summary.isDeletion),
                    "file": summary.fileName.map { JSONText($0) } ?? .null,
                ]
            }
            return .json(["items": JSONText(array: items)] as JSONObject)
        }
    }

    /// With `?document=`, the answer holds the document in that format too, valid or not, if only it can be parsed.
    static func validate(_ call: Call) throws(Problem) {
        let (catalog, body, format) = (call.server.catalog, call.request.body, try documentFormat(call.request))
        let wanted = try wantedFormat(call.request)
        call.offload(on: call.server.lanes.compiling(bytes: body.count)) { () throws(Problem) in
            var answer: JSONObject
            do throws(GraphFaults) {
                _ = try catalog.validate(body, format: format)
                answer = ["valid": true, "errors": []]
            } catch {
                answer = ["valid": false, "errors": JSONText(array: error.faults.map(\.json))]
            }
            if let wanted, let source = try? Graph.source(body, format) {
                answer["document"] = wanted == .yaml ? JSONText(source.yaml()) : source
            }
            return .json(answer)
        }
    }

    static func kinds(_ call: Call) throws(Problem) {
        call.respond(.json(call.server.catalog.kindDescriptions))
    }

    static func layout(_ call: Call) throws(Problem) {
        let (catalog, body, format) = (call.server.catalog, call.request.body, try documentFormat(call.request))
        call.offload(on: call.server.lanes.compiling(bytes: body.count)) { () throws(Problem) in
            var positions: JSONObject = [:]
            for (id, position) in Layout.positions(of: try outline(body, format, catalog)) {
                positions[id] = ["x": JSONText(position.x), "y": JSONText(position.y)]
            }
            return .json(["positions": JSONText(positions)] as JSONObject)
        }
    }
}

extension GraphRoutes {
    static func unknown(_ id: String) -> Problem {
        Problem(404, "unknown_graph", "There is no graph \(id); GET /api/graphs lists those there are.")
    }

    private static func summary(of revision: GraphRevision) -> JSONObject {
        let document = revision.graph.document
        return [
            "id": JSONText(document.id), "name": JSONText(document.name), "description": JSONText(document.description),
            "revision": JSONText(revision.identity.revision), "node_count": JSONText(document.nodes.count),
            "edge_count": JSONText(document.edges.count),
            "updated_at": JSONText(Timestamp.string(microseconds: revision.createdAtMicroseconds)),
        ]
    }

    /// A revision as JSON, with its number.
    /// - Parameter isNew: whether the graph came into being, so that `Location` says where.
    private static func document(_ revision: GraphRevision, status: Status, isNew: Bool = false) -> Response {
        var headers: HeaderFields = ["ETag": tag(of: revision, .json).description, "Vary": "Accept"]
        if isNew { headers.add("Location", "/api/graphs/\(revision.identity.id)") }
        let source = revision.graph.document.source.withRevision(revision.identity.revision)
        return .json(source, status: status, headers: headers)
    }

    /// A revision as JSON or as one of the types that YAML goes by, as it was written. Blocks.
    private static func answer(
        _ revision: GraphRevision, as type: MediaType, _ catalog: GraphCatalog
    ) throws(Problem) -> Response {
        guard type.isYAML else { return document(revision, status: 200) }
        let text = try ExecutionRoutes.read { () throws(StoreError) in try catalog.yaml(of: revision) }
        let headers: HeaderFields = [
            "ETag": tag(of: revision, type).description, "Vary": "Accept", "Content-Type": type.essence,
        ]
        return Response(200, headers, body: text)
    }

    private static func tag(of revision: GraphRevision, _ type: MediaType) -> EntityTag {
        tag(ofRevision: revision.identity.revision, type.isYAML ? .yaml : .json)
    }

    private static func tag(ofRevision number: Int, _ format: GraphFormat) -> EntityTag {
        EntityTag(format == .yaml ? "\(number).yaml" : "\(number)")
    }

    private static func tags(ofRevision number: Int) -> [EntityTag] {
        [tag(ofRevision: number, .json), tag(ofRevision: number, .yaml)]
    }

    private static func preconditions(_ request: Request) throws(Problem) -> Preconditions {
        do {
            return try Preconditions(request.headers)
        } catch {
            throw Problem(ProblemDetails(error))
        }
    }

    /// The revision that a change may replace; nil if the request does not care.
    private static func expected(_ conditions: Preconditions, _ current: Int) throws(Problem) -> Int? {
        let tags = current == 0 ? [] : tags(ofRevision: current)
        guard case .proceed = conditions.evaluate(current: tags, isRead: false) else { throw changed(current) }
        return conditions.ifMatch == nil && conditions.ifNoneMatch == nil ? nil : current
    }

    private static func changed(_ revision: Int) -> Problem {
        let now = revision == 0 ? "there is no such graph now" : "the current revision is \(revision)"
        return Problem(
            412, "precondition_failed", "The graph is not as the request expects: \(now). Read it and decide anew.")
    }

    private static func wantedFormat(_ request: Request) throws(Problem) -> GraphFormat? {
        switch request.queryValue("document") {
        case nil: return nil
        case "json": return .json
        case "yaml": return .yaml
        default: throw Problem(400, "invalid_parameter", "document must be yaml or json.")
        }
    }

    private static func documentFormat(_ request: Request) throws(Problem) -> GraphFormat {
        guard let type = request.headers["content-type"].flatMap({ MediaType($0) }) else {
            throw Problem(
                415, "unsupported_media_type", "Send a graph document as application/json or application/yaml.")
        }
        return type.isYAML ? .yaml : .json
    }

    private static func parse(
        _ body: [UInt8], _ format: GraphFormat, _ catalog: GraphCatalog
    ) throws(Problem) -> GraphRevisionContent {
        do {
            return try catalog.validate(body, format: format)
        } catch {
            throw invalid(error)
        }
    }

    private static func outline(
        _ body: [UInt8], _ format: GraphFormat, _ catalog: GraphCatalog
    ) throws(Problem) -> Graph {
        do {
            return try catalog.outline(body, format: format)
        } catch {
            throw invalid(error)
        }
    }

    private static func invalid(_ faults: GraphFaults) -> Problem {
        let count = faults.count == 1 ? "a fault" : "\(faults.count) faults"
        return Problem(
            ProblemDetails(
                422, code: "invalid_graph", detail: "The graph document has \(count); see errors.",
                errors: violations(faults)))
    }

    private static func problem(for error: GraphCatalog.ChangeError) -> Problem {
        switch error {
        case .invalid(let faults): invalid(faults)
        case .conflict(let current): changed(current)
        case .contended:
            Problem(
                409, "graph_contended",
                "Others have changed the graph at the same moment, \(GraphCatalog.triesMax) times in a row; read it and decide anew.",
                headers: ["Retry-After": "1"])
        case .store(let error): Problem(503, "store_unavailable", error.message, headers: ["Retry-After": "5"])
        }
    }
}
