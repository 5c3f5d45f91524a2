import Auth
import Executions
import HTTP
import JSON
import Linux
import Metrics
import Reactor

/// The daemon itself: health, metrics, the description of the API, the console's files.
enum SystemRoutes {
    static func health(_ call: Call) throws(Problem) {
        call.respond(.json(["status": "alive", "version": JSONText(call.server.settings.version)] as JSONObject))
    }

    static func readiness(_ call: Call) throws(Problem) {
        guard !call.server.isDraining else {
            throw Problem(503, "draining", "The daemon is stopping.", headers: ["Retry-After": "5"])
        }
        if let fault = call.server.store.fault {
            let gate = call.server.gate
            let isKnown = (try? gate.admitsHead(call.request, on: call.connection))?.scope != nil
            throw isKnown ? StartRoutes.historyUnwritable(fault) : StartRoutes.historyUnwritable
        }
        call.respond(.json(["status": "ready"] as JSONObject))
    }

    static func openAPI(_ call: Call) throws(Problem) {
        guard let bytes = call.server.settings.files.openAPI else {
            throw Problem(404, "not_installed", "The description of the API is not installed beside the program.")
        }
        guard let prefix = call.connection.place?.prefix, !prefix.isEmpty else {
            return call.respond(Response(200, ["Content-Type": "application/json"], body: bytes))
        }
        call.offload(on: call.server.lanes.computing) { () throws(Problem) in
            guard var description = try? JSONObject(parsing: bytes) else {
                throw Problem(500, "damaged_installation", "The description of the API is no JSON object.")
            }
            description["servers"] = JSONText(array: [["url": JSONText(prefix)]])
            return .json(description)
        }
    }

    /// The description for people.
    static func docs(_ call: Call) throws(Problem) {
        guard let html = call.server.settings.files.descriptionPage else {
            throw Problem(404, "not_installed", "The description of the API is not installed beside the program.")
        }
        call.respond(page(of: "text/html; charset=utf-8", html))
    }

    /// The JSON Schema of graph documents.
    static func graphSchema(_ call: Call) throws(Problem) {
        let schema = call.server.catalog.documentSchema
        call.respond(
            Response(
                200, ["Content-Type": "application/schema+json", "Cache-Control": "no-cache"], body: schema.bytes))
    }

    /// Prometheus' text, or OpenMetrics where that is wanted. What the reactor knows is noted here, all else on a lane.
    static func metrics(_ call: Call) throws(Problem) {
        let server = call.server
        let format: MetricsText.Format =
            Accept(call.request.headers).preferred(among: [.prometheus, .openMetrics]) == .openMetrics
            ? .openMetrics : .prometheus
        let figures = ServerFigures(server)
        let (service, addMetrics) = (server.service, server.addMetrics)
        call.offload { () throws(Problem) in
            var text = MetricsText(format)
            text.add(service)
            figures.write(to: &text)
            addMetrics(&text)
            if let usage = try? ProcessUsage.current() { text.add(usage) }
            return Response(200, ["Content-Type": format.contentType], body: Array(text.finish().utf8))
        }
    }

    /// A file of the console; `/` is its page.
    static func console(_ call: Call) throws(Problem) {
        let path = call.request.path
        let name = path.count == 2 ? path[1] : "index.html"
        if name == "settings.json" { return call.respond(consoleSettings(call.server.settings)) }
        guard let file = call.server.settings.files.console[name] else {
            throw Problem(404, "not_found", "There is no such page; GET /openapi.json lists what there is.")
        }
        call.respond(page(of: file.mediaType, file.bytes))
    }

    /// What a browser is to show, with nothing from elsewhere.
    private static func page(of mediaType: String, _ bytes: [UInt8]) -> Response {
        let headers: HeaderFields = [
            "Content-Type": mediaType, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy":
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                + "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        ]
        return Response(200, headers, body: bytes)
    }

    /// What the console must know before it asks for anything else.
    private static func consoleSettings(_ settings: ServerSettings) -> Response {
        let start: JSONText = settings.startGraph.isEmpty ? .null : JSONText(settings.startGraph)
        let content: JSONObject = ["start_graph": start, "version": JSONText(settings.version)]
        return .json(content, headers: ["Cache-Control": "no-cache"])
    }
}
