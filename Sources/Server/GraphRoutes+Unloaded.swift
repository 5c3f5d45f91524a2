import Auth
import Executions
import Graphs
import HTTP
import JSON

/// What of the graphs folder is not in force, and why.
extension GraphRoutes {
    /// Answers with a page of the list, and with what is not in force where `?faults=true` asks for it.
    static func respond(_ call: Call, _ page: JSONObject, _ headers: HeaderFields) throws(Problem) {
        guard try call.flag("faults") else { return call.respond(.json(page, headers: headers)) }
        let (catalog, access) = (call.server.catalog, call.access)
        let changes = catalog.marks
        call.server.folderLook.noticePython(changes)
        call.offload(on: call.server.lanes.documents) { () throws(Problem) in
            let files = try ExecutionRoutes.read { () throws(StoreError) in try catalog.unloadedFiles(changes) }
            let visible = files.filter { file in file.graphID.map { access.allows(graph: $0) } ?? (access.graphs == nil)
            }
            var page = page
            page["faults"] = JSONText(array: visible.map(\.json))
            return .json(page, headers: headers)
        }
    }

    /// Answers that there is no such graph, and names the file that would hold it if it were in force.
    static func respondUnknown(_ call: Call, _ id: String) {
        let catalog = call.server.catalog
        let changes = catalog.marks
        call.server.folderLook.noticePython(changes)
        call.offload(on: call.server.lanes.documents) { () throws(Problem) in
            let files = try ExecutionRoutes.read { () throws(StoreError) in try catalog.unloadedFiles(changes) }
            throw unknown(id, files.first { $0.mayHold(id) })
        }
    }

    /// The same for one whose start has looked at the folder already.
    static func unknown(_ id: String, in catalog: GraphCatalog) -> Problem {
        unknown(id, catalog.refusedFiles.first { $0.mayHold(id) })
    }

    private static func unknown(_ id: String, _ file: UnloadedFile?) -> Problem {
        guard let file, let name = file.name else { return unknown(id) }
        let why =
            switch file.reason {
            case .refused: "was refused"
            case .waiting:
                "has come or changed since the folder was looked at, and is loaded at the next start or reload"
            case .looking, .renamed: "is being looked at, and it is not known yet which graph it makes"
            }
        let count = file.faults.count == 1 ? "a fault" : "\(file.faults.count) faults"
        let more = file.reason == .refused ? " It has \(count); see errors." : ""
        return Problem(
            ProblemDetails(
                404, code: "unknown_graph",
                detail: "There is no graph \(id): the file \(name) of the graphs folder \(why).\(more)",
                errors: file.reason == .refused ? violations(file.faults) : []))
    }

    static func violations(_ faults: GraphFaults) -> [ProblemDetails.Violation] {
        faults.faults.map { fault in
            ProblemDetails.Violation(
                pointer: fault.pointer, message: fault.message, place: fault.place.map { ($0.line, $0.column) })
        }
    }
}

extension Call {
    /// A query parameter that is true or false, which it is by default.
    func flag(_ name: String) throws(Problem) -> Bool {
        switch request.option(name) {
        case "true": return true
        case nil, "false": return false
        default: throw Problem(400, "invalid_parameter", "\(name) must be true or false.")
        }
    }
}
