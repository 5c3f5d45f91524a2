import Executions
import HTTP
import JSON
import Linux
import Reactor

/// The daemon itself: health, metrics, the description of the API, the console's files.
enum SystemRoutes {
    /// A console file is small; whatever is larger was not put there by us.
    private static let fileBytesMax = 4 << 20

    static func health(_ call: Call) throws(Problem) {
        call.respond(.json(["status": "alive", "version": JSONText(call.server.settings.version)] as JSONObject))
    }

    static func readiness(_ call: Call) throws(Problem) {
        guard !call.server.isDraining else {
            throw Problem(503, "draining", "The daemon is stopping.", headers: ["Retry-After": "5"])
        }
        call.respond(.json(["status": "ready"] as JSONObject))
    }

    static func openAPI(_ call: Call) throws(Problem) {
        guard let path = call.server.settings.openAPIPath, let bytes = try? SmallFile.read(path, bytesMax: fileBytesMax)
        else {
            throw Problem(404, "not_installed", "The description of the API is not installed beside the program.")
        }
        call.respond(Response(200, ["Content-Type": "application/json"], body: bytes))
    }

    static func metrics(_ call: Call) throws(Problem) {
        let server = call.server
        let executions = server.service.counts
        let pool = server.service.environment.pool.load
        let turns = server.reactor.turnMetrics
        var text = MetricsText()
        text.gauge("millrace_executions_running", "Executions that run now.", executions.running)
        text.gauge("millrace_executions_queued", "Executions that wait for a place.", executions.queued)
        text.gauge("millrace_streams_open", "Event streams that are open now.", server.hub.streamCount)
        text.counter("millrace_streams_total", "Event streams that were opened.", server.metrics.streams)
        text.gauge("millrace_connections_open", "Connections that are open now.", server.connectionCount)
        text.counter(
            "millrace_connections_total", "Connections that were accepted.", server.metrics.connectionsAccepted)
        text.counter("millrace_http_requests_total", "Requests that were parsed.", server.metrics.requests)
        text.counter(
            "millrace_http_faults_total", "Requests that could not be parsed, or came too slowly.",
            server.metrics.faults)
        text.counter("millrace_sent_bytes_total", "Bytes sent to clients.", server.metrics.bytesSent)
        text.gauge("millrace_workers", "Threads of the worker pool.", server.service.environment.pool.threadCount)
        text.gauge("millrace_workers_busy", "Threads of the worker pool that run something now.", pool.busy)
        text.gauge("millrace_worker_jobs_queued", "Jobs that wait for a worker thread.", pool.queued)
        text.counter("millrace_reactor_turns_total", "Turns of the event loop.", turns.turns)
        text.counter("millrace_reactor_events_total", "Readiness events that were dispatched.", turns.events)
        call.respond(
            Response(200, ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"], body: Array(text.text.utf8)))
    }

    /// A file of the console; `/` is its page.
    static func console(_ call: Call) throws(Problem) {
        let path = call.request.path
        let name = path.count == 2 ? path[1] : "index.html"
        if name == "settings.json" { return call.respond(consoleSettings(call.server.settings)) }
        guard let folder = call.server.settings.consoleFolder, isPlain(name), let type = mediaType(of: name),
            let bytes = try? SmallFile.read("\(folder)/\(name)", bytesMax: fileBytesMax)
        else {
            throw Problem(404, "not_found", "There is no such page; GET /openapi.json lists what there is.")
        }
        let headers: HeaderFields = [
            "Content-Type": type, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy":
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                + "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        ]
        call.respond(Response(200, headers, body: bytes))
    }

    /// What the console must know before it asks for anything else.
    private static func consoleSettings(_ settings: ServerSettings) -> Response {
        let start: JSONText = settings.startGraph.isEmpty ? .null : JSONText(settings.startGraph)
        let content: JSONObject = ["start_graph": start, "version": JSONText(settings.version)]
        return .json(content, headers: ["Cache-Control": "no-cache"])
    }

    /// Letters, digits, `-`, `_` and single dots: never a path.
    private static func isPlain(_ name: String) -> Bool {
        name.wholeMatch(of: /[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*/) != nil
    }

    private static func mediaType(of name: String) -> String? {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        default: nil
        }
    }
}

/// The Prometheus text format, version 0.0.4.
private struct MetricsText {
    private(set) var text = ""

    mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
        add(name, "gauge", help, value)
    }

    mutating func counter(_ name: String, _ help: String, _ value: some BinaryInteger) {
        add(name, "counter", help, value)
    }

    private mutating func add(_ name: String, _ type: String, _ help: String, _ value: some BinaryInteger) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n\(name) \(value)\n"
    }
}
