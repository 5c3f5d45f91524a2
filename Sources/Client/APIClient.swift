import HTTP
import JSON
import Linux

/// Talks to one daemon, blocking: a request at a time on the calling thread, each on a connection of its own.
package struct APIClient: Sendable {
    /// The largest answer: the events of an execution as an array are at most 64 MiB.
    package static let bodyBytesMax = 72 << 20
    package static let timeoutMillisecondsDefault = 30_000
    /// Who does not accept a connection in that time is not there.
    static let connectTimeoutMilliseconds = 5_000

    package let address: ServerAddress
    /// A bearer token; visible ASCII.
    package let token: String?
    /// What is shown besides, asked for each request anew: the daemon that answers may be another one by then.
    package let credential: @Sendable () -> (name: String, value: String)?
    /// Becomes readable to end every wait with `interrupted`, such as a `SignalDescriptor`'s. Borrowed: its owner must
    /// outlive the client.
    package var interruptDescriptor: Int32?
    /// For any request until its answer is whole, and for a stream until it opens.
    package var timeoutMilliseconds = timeoutMillisecondsDefault

    /// - Parameter token: one with characters that no header field can carry is a usage error and traps: check it first
    ///   with `isValidToken`.
    package init(
        _ address: ServerAddress, token: String? = nil, interruptDescriptor: Int32? = nil,
        credential: @escaping @Sendable () -> (name: String, value: String)? = { nil }
    ) {
        precondition(token.map(Self.isValidToken) ?? true, "a token is visible ASCII")
        self.address = address
        self.token = token
        self.credential = credential
        self.interruptDescriptor = interruptDescriptor
    }

    package static func isValidToken(_ token: String) -> Bool {
        !token.isEmpty && token.utf8.allSatisfy { 0x21...0x7E ~= $0 }
    }

    /// The first of the addresses that accepts connections.
    /// - Throws: `unreachable` with all of them.
    package static func firstReachable(among addresses: [ServerAddress]) throws(ClientError) -> ServerAddress {
        var attempts: [ClientError.Attempt] = []
        for address in addresses {
            do throws(ClientError) {
                let deadline = Poll.deadline(inMilliseconds: connectTimeoutMilliseconds)
                try Exchange.probe(address, deadlineNanoseconds: deadline, interrupt: nil)
                return address
            } catch {
                guard case .unreachable(let failed) = error else { throw error }
                attempts += failed
            }
        }
        throw .unreachable(attempts)
    }

    /// The socket address of a daemon that is spoken to without TLS.
    /// - Throws: `unreachable` where nothing accepts connections.
    package static func reachableSocketAddress(of address: ServerAddress) throws(ClientError) -> SocketAddress {
        try Exchange.reachableAddress(
            of: address, deadlineNanoseconds: Poll.deadline(inMilliseconds: connectTimeoutMilliseconds))
    }

    /// Sends a request and reads the answer, whatever its status is.
    package func send(_ request: ClientRequest) throws(ClientError) -> ClientResponse {
        var exchange = try open(request, target: request.target)
        let deadline = Poll.deadline(inMilliseconds: timeoutMilliseconds)
        let head = try head(&exchange, of: request, deadline)
        return try read(&exchange, head, deadline)
    }

    /// Sends a request and reads the answer.
    /// - Throws: `refused` for any status of 300 or more.
    package func call(_ request: ClientRequest) throws(ClientError) -> ClientResponse {
        let response = try send(request)
        if let problem = response.problem { throw .refused(problem) }
        return response
    }

    func open(_ request: ClientRequest, target: String) throws(ClientError) -> Exchange {
        var request = request
        if let (name, value) = credential() { request.headers.add(name, value) }
        let bytes = request.bytes(target: address.prefix + target, authority: address.authority, token: token)
        let deadline = Poll.deadline(inMilliseconds: Self.connectTimeoutMilliseconds)
        return try Exchange.open(bytes, to: address, deadlineNanoseconds: deadline, interrupt: interruptDescriptor)
    }

    /// Reads the rest of an answer.
    func read(
        _ exchange: inout Exchange, _ head: ResponseParser.Head, _ deadline: Int64
    ) throws(ClientError) -> ClientResponse {
        var body: [UInt8] = []
        while true {
            switch try exchange.next(deadlineNanoseconds: deadline) {
            case .body(let range):
                guard body.count + range.count <= Self.bodyBytesMax else {
                    throw .tooLarge("the answer", bytesMax: Self.bodyBytesMax)
                }
                exchange.withBody(range) { body.append(contentsOf: $0) }
            case .end: return ClientResponse(status: head.status, headers: head.headers, body: body)
            case .timedOut: throw .timedOut(milliseconds: timeoutMilliseconds)
            case .head: preconditionFailure("a response has one head")
            }
        }
    }
}

// MARK: - Streams

extension APIClient {
    /// The events of an execution behind `after`, replayed and then live.
    /// - Parameter eventBytesMax: of one event; a larger one ends the stream with an error.
    package func events(
        of executionID: String, after: UInt64 = 0, detail: StreamDetail = .full,
        eventBytesMax: Int = SSEParser.eventBytesMaxDefault
    ) throws(ClientError) -> EventStream {
        let request = ClientRequest(
            .get, ["api", "executions", executionID, "events"], query: [("state", detail.rawValue)],
            headers: EventStream.headers(after: after))
        return try EventStream(
            self, request, resumePath: request.pathText, after: after, detail: detail, eventBytesMax: eventBytesMax)
    }

    /// Starts an execution of a graph and streams it. If the connection breaks before the daemon has said where the
    /// stream is resumed, the execution may have been started or not; it is never started twice.
    package func execute(
        _ graphID: String, initialState: JSONObject = [:], thread: String? = nil, detail: StreamDetail = .full
    ) throws(ClientError) -> EventStream {
        let request = ClientRequest(
            .post, ["api", "graphs", graphID, "execute", "stream"], query: [("state", detail.rawValue)],
            headers: EventStream.headers(after: 0),
            body: .json(Self.order(initialState, thread)))
        return try EventStream(self, request, resumePath: nil, after: 0, detail: detail)
    }

    /// Starts an execution of a graph, which goes on by itself.
    /// - Returns: its summary.
    package func start(
        _ graphID: String, initialState: JSONObject = [:], thread: String? = nil
    ) throws(ClientError) -> JSONObject {
        try call(
            ClientRequest(
                .post, ["api", "graphs", graphID, "execute"], headers: ["Prefer": "respond-async"],
                body: .json(Self.order(initialState, thread)))
        ).object()
    }

    private static func order(_ initialState: JSONObject, _ thread: String?) -> JSONText {
        var order: JSONObject = ["initial_state": JSONText(initialState)]
        if let thread { order["thread"] = JSONText(thread) }
        return JSONText(order)
    }

    package func resume(_ executionID: String) throws(ClientError) -> JSONObject {
        try call(ClientRequest(.post, ["api", "executions", executionID, "resume"])).object()
    }

    /// - Returns: how many go on.
    package func resumeAllHeld() throws(ClientError) -> Int {
        let query = [(name: "status", value: "held")]
        return try call(ClientRequest(.post, ["api", "executions", "resume"], query: query)).object()["resumed"]?.int
            ?? 0
    }

    /// Asks for an execution's end.
    /// - Returns: the execution's summary, still running.
    package func cancel(_ executionID: String) throws(ClientError) -> JSONObject {
        try call(ClientRequest(.post, ["api", "executions", executionID, "cancel"])).object()
    }
}
