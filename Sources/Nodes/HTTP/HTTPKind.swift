import Executions
import Graphs
import HTTPClient
import JSON

/// What http nodes need of the daemon.
package struct HTTPNodeSettings: Sendable {
    package let client: HTTPClient
    /// Of a response's body, or of one line or event of a stream.
    package let bodyBytesMax: Int

    package init(client: HTTPClient, bodyBytesMax: Int) {
        self.client = client
        self.bodyBytesMax = bodyBytesMax
    }
}

/// `http`: asks a server, and takes its answer into the state.
struct HTTPKind: NodeKind {
    let name = "http"
    let title = "HTTP request"
    let summary = """
        Sends a request and takes the response into the state. A status of 400 and above is an error, with status, headers and \
        the beginning of the body in its details; `retry` goes by Retry-After. Requests that change something carry an \
        Idempotency-Key that stays the same over all attempts. At most 5 redirects are followed.
        """
    let runsCode = false
    let settings: HTTPNodeSettings
    let clock: any Clock

    let configSchema: JSONText = [
        "type": "object",
        "properties": [
            "method": [
                "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], "default": "GET",
                "title": "Method",
                "description": "What is asked for.",
            ],
            "url": [
                "type": "string", "minLength": 1, "title": "URL",
                "description": """
                http:// or https://. May hold Lua expressions over the state; what they put behind the host is \
                percent-encoded: `https://api.example.com/users/{{ state.user }}`.
                """,
                "examples": ["https://api.example.com/users/{{ state.user }}"],
            ],
            "query": [
                "type": "object", "title": "Query",
                "description": """
                Added to the URL: names and texts, numbers or truth values; a list repeats its name, null leaves it out. \
                Strings may be templates.
                """,
            ],
            "headers": [
                "type": "object", "title": "Headers",
                "additionalProperties": ["type": ["string", "number", "boolean", "null"]],
                "description": "Fields of the request. Strings may be templates; null leaves a field out.",
            ],
            "body": [
                "title": "Body",
                "description":
                    "A string is sent as it is, any other JSON as application/json. Strings in it may be templates.",
            ],
            "response": [
                "enum": ["json", "text", "base64", "none"], "title": "Response",
                "description": """
                How the body comes into the state: json (the default), text (the default with stream), base64, or none, which \
                leaves it out.
                """,
            ],
            "stream": [
                "enum": ["lines", "sse", "bytes"], "title": "Stream",
                "description": """
                Puts the body out on channel `chunk` as it comes: lines of text, server-sent events as \
                `{"event", "data", "id"}`, or bytes in base64. With response none the stream may be of any length.
                """,
            ],
            "into": [
                "type": "object", "title": "Into",
                "properties": [
                    "body": ["type": "string", "minLength": 1, "title": "Body", "description": "Takes the body."],
                    "status": [
                        "type": "string", "minLength": 1, "title": "Status", "description": "Takes the status code.",
                    ],
                    "headers": [
                        "type": "string", "minLength": 1, "title": "Headers",
                        "description": "Takes the fields of the response, an object by names in lower case.",
                    ],
                ],
                "additionalProperties": false,
                "description":
                    "The keys of the state that take parts of the response. Default: the body, under the node's id.",
            ],
        ],
        "required": ["url"],
        "additionalProperties": false,
    ]

    func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        HTTPBody(config: try HTTPConfig(config), settings: settings, clock: clock)
    }
}

private struct HTTPBody: NodeBody {
    let config: HTTPConfig
    let settings: HTTPNodeSettings
    let clock: any Clock

    func start(_ call: NodeCall) -> NodeStart {
        .waiting {
            do throws(NodeFailure) {
                return .success(update: try await run(call))
            } catch {
                return .failure(error)
            }
        }
    }

    private func run(_ call: NodeCall) async throws(NodeFailure) -> JSONObject {
        let request = try await config.request(call)
        guard !Task.isCancelled else { throw .cancelled }
        let pieces = config.streaming.map { StreamedPieces($0, bytesMax: settings.bodyBytesMax, call.output, clock) }
        let receiver = ReplyReceiver(
            keepsBody: config.response != .none, bytesMax: settings.bodyBytesMax, pieces: pieces, clock: clock,
            idleTimeoutMilliseconds: call.idleTimeoutMilliseconds)
        let reply = try await receiver.reply(to: request, by: settings.client)
        return try reply.update(config, nodeID: call.nodeID)
    }
}
