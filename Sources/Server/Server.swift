// The HTTP side of the daemon: owns the connections, knows the routes, and joins them to the executions.

import Auth
import Executions
import Graphs
import HTTP
import Linux
import Metrics
import Reactor

package final class Server {
    package let reactor: Reactor
    /// May change while the server runs; a connection keeps the limits that it began with.
    package var settings: ServerSettings {
        didSet {
            guards = RequestGuards(settings)
            gate.use(settings)
            refusedOrigins = []
        }
    }
    let service: ExecutionService
    package let catalog: GraphCatalog
    package let folderLook: FolderLook
    let store: any ExecutionStore
    let hub: StreamHub
    let feed: ExecutionFeed
    private let reads: ColdReads
    let keyedStarts = KeyedStarts()
    private(set) var guards: RequestGuards
    let gate: Gate
    /// Nil for a server that has no file of tokens.
    var tokenKeeper: TokenKeeper?
    /// Takes each change that a client has asked for, for the daemon's log.
    package var audit: (AuditEntry) -> Void = { _ in }
    let report: @Sendable (String) -> Void
    var metrics = ServerMetrics()
    /// Adds what others know to the metrics; called on a lane.
    package var addMetrics: @Sendable (inout MetricsText) -> Void = { _ in }
    /// Connections read into it one after the other: an idle one owns no buffer.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    let keepAliveChunk: [UInt8]
    let keepAliveComment: [UInt8]
    /// An empty buffer with room, which connections borrow one after the other to send a short execution in one piece.
    private var spareOutput: [UInt8] = []
    /// No more than a connection could hold without it: whoever takes nothing of what it is sent keeps the buffer.
    private static let spareOutputBytes = (min: 4 << 10, max: 16 << 10)

    private let router: Router<Endpoint>
    /// Descriptors that are kept for all but connections: the store, children, files. Without any left the process could not
    /// even refuse properly.
    private static let reservedDescriptors = 512

    private var listeners: [Listener] = []
    /// Those among them that a service manager keeps: whoever knocks while the daemon is gone waits for the next one.
    private var keptListeners: [Listener] = []
    private let connectionsMax: Int
    private var isFull = false
    private var crowd = Crowd()
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var dateSecond: Int64 = -1
    private var dateText = ""
    private var retrySpread: UInt32 = 0
    var expiryTimer: TimerID?
    /// Origins whose pages were refused, as far as the log has them: each is worth a line, and there may be no end of them.
    var refusedOrigins: Set<String> = []
    /// The connections whose streams tickets have opened.
    var ticketHolders: [TicketTable.Key: Connection] = [:]
    /// Of the bodies that are being read, whosever they are.
    var bodyBytes = 0
    /// What those may take together: as much as the largest bodies of some thirty clients at once.
    static let bodyBytesMax = 256 << 20
    /// What strangers may write into the log.
    var strangerLines = RateTable<Int>(perMinute: 60, burst: 60)
    /// Serving, but about to stop: answers close their connections, and nothing new is started.
    package private(set) var isDraining = false
    /// Streams that have sent what there is end now, between two events.
    private(set) var isEndingStreams = false

    /// - Parameter report: takes a line for the daemon's log: what went wrong without being some client's fault.
    package init(
        reactor: Reactor, settings: ServerSettings, service: ExecutionService, catalog: GraphCatalog,
        store: any ExecutionStore, report: @escaping @Sendable (String) -> Void
    ) {
        self.reactor = reactor
        self.settings = settings
        self.service = service
        self.catalog = catalog
        self.store = store
        folderLook = FolderLook(reactor: reactor, catalog: catalog, lanes: service.environment.lanes)
        self.report = report
        let descriptors = (try? DescriptorLimit.current().soft) ?? 1024
        connectionsMax = max(16, Int(descriptors) - min(Self.reservedDescriptors, Int(descriptors) / 2))
        hub = StreamHub(
            reactor: reactor,
            memory: FrameMemory(
                reactor: reactor, account: service.environment.memory, bytesMax: settings.streamMemoryBytesMax)
        ) { log in service.cancel(log.id) { _ in } }
        reads = ColdReads(
            reactor: reactor, store: store, graphs: service.environment.innerGraphs,
            lane: service.environment.lanes.store, report: report)
        feed = ExecutionFeed(reactor: reactor, service: service, reads: reads, report: report)
        guards = RequestGuards(settings)
        gate = Gate(settings)
        router = Routes.router()
        var comment: [UInt8] = []
        SSEWriter.appendComment("keep-alive", to: &comment)
        keepAliveComment = comment
        var chunk: [UInt8] = []
        ChunkWriter.append(comment, to: &chunk)
        keepAliveChunk = chunk
        let tellFeed: (String, GraphHead) -> Void = { [weak feed] id, head in feed?.graphChanged(id, head) }
        let confined = Confined(tellFeed, to: reactor)
        catalog.tellChanges { [mailbox = reactor.mailbox] id, head in
            mailbox.post { reactor in confined.open(on: reactor)(id, head) }
        }
    }

    deinit {
        readBuffer.deallocate()
    }

    /// Accepts on a listening socket.
    /// - Parameters:
    ///   - isKept: a service manager holds the socket too, and hands it to the next daemon.
    ///   - isAdministrative: whoever shows the key of the state folder may do everything there, without a token.
    package func listen(
        _ socket: consuming Descriptor, isKept: Bool = false, isAdministrative: Bool = false
    ) throws(SystemError) {
        let refusal = refusal(
            Problem(503, "out_of_descriptors", "The server has no descriptor left; try again in a moment."))
        listeners.append(
            try Listener(socket, on: reactor, refusal: refusal) { [unowned self] connection, peer in
                let user = isAdministrative ? (try? connection.peerCredentials())?.userID : nil
                let door = Door(
                    peer: peer, isAdministrative: isAdministrative, userID: user,
                    isTrustedProxy: gate.trust.trusts(peer))
                accept(connection, door)
            })
        if isKept, let listener = listeners.last { keptListeners.append(listener) }
    }

    package var addresses: [SocketAddress] { listeners.map(\.address) }

    /// The visible marks of these logs have moved; from any thread through the mailbox.
    package func logsBecameVisible(_ logs: [EventLog]) {
        hub.wake(logs)
        feed.wake(logs)
    }

    /// From now on readiness is denied and nothing new starts; what runs goes on. Whoever comes to a socket that a service
    /// manager keeps waits for the next daemon; others are told that this one is stopping.
    package func drain() {
        isDraining = true
        for listener in keptListeners { listener.pause() }
    }

    /// Executions may still be handed in: another daemon will run them.
    package var hasSuccessor: Bool { !keptListeners.isEmpty }

    /// Connections that may bring a request at any moment.
    package var hasIdleConnections: Bool { connections.values.contains { $0.isIdle } }

    /// Whoever waits for an end is told where it will be found, and streams end as soon as they have sent what there is.
    package func sayFarewell() {
        isEndingStreams = true
        hub.sayFarewell()
        for connection in Array(connections.values) {
            connection.endFeedSoon()
            connection.askForFlush()
        }
    }

    /// Nobody waits for bytes any more.
    package var isQuiet: Bool { connections.values.allSatisfy { $0.isIdle } }

    /// Ends all connections, and stops listening.
    package func closeConnections() {
        for listener in listeners where !isKept(listener) { listener.close() }
        for connection in Array(connections.values) { connection.close() }
    }

    private func isKept(_ listener: Listener) -> Bool { keptListeners.contains { $0 === listener } }

    var openConnections: [Connection] { Array(connections.values) }

    func match(_ request: Request) -> RouteMatch { router.match(request) }

    func endpoint(of route: RouteMatch.Route) -> Endpoint { router[route] }

    func parameter(_ name: String, of route: RouteMatch.Route, in request: Request) -> String {
        router.parameter(name, of: route, in: request.pathSegments)
    }

    package var streamCount: Int { hub.streamCount }

    var lanes: Lanes { service.environment.lanes }

    var connectionCount: Int { connections.count }

    func streamLag() -> ServerFigures.StreamLag {
        var lag = ServerFigures.StreamLag()
        for connection in connections.values {
            guard let events = connection.lagEvents else { continue }
            lag.streams += 1
            lag.events += events
            lag.eventsMax = max(lag.eventsMax, events)
        }
        return lag
    }

    private func accept(_ descriptor: consuming Descriptor, _ door: Door) {
        if !door.isUnix {
            try? descriptor.setNoDelay()
            // A host that has vanished acknowledges nothing; without this the kernel would try for a quarter of an hour.
            try? descriptor.setUserTimeout(milliseconds: Int32(clamping: settings.writeTimeoutMilliseconds))
        }
        try? descriptor.setSendBuffer(bytes: 64 << 10)
        guard crowd.enter(door, atMost: settings.connectionsPerAddressMax, of: connectionsMax) else {
            metrics.connectionsRefused += 1
            let refusal = refusal(
                Problem(
                    429, "too_many_connections", "This address has as many connections open as it may have.",
                    headers: ["Retry-After": "5"]))
            _ = refusal.withUnsafeBytes { try? descriptor.send($0) }
            return descriptor.shutDown(.both)
        }
        let connection = Connection(descriptor, door: door, server: self)
        do {
            try connection.open()
        } catch {
            crowd.leave(door)
            return report("cannot watch a connection: \(error)")
        }
        metrics.connectionsAccepted += 1
        if connections.count + 1 >= connectionsMax { pauseAccepting() }
        connections[ObjectIdentifier(connection)] = connection
    }

    /// Whoever comes now waits in the backlog until a connection has gone.
    private func pauseAccepting() {
        guard !isFull else { return }
        isFull = true
        report("all \(connectionsMax) connections that the limit of descriptors allows are open; new ones wait")
        for listener in listeners { listener.pause() }
    }

    func forget(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = nil
        crowd.leave(connection.door)
        guard isFull, connections.count < connectionsMax - connectionsMax / 50 else { return }
        isFull = false
        for listener in listeners where !isDraining || !isKept(listener) { listener.resume() }
    }

    /// Moves `output` into the buffer with room, if that is at hand.
    func lendRoom(to output: inout [UInt8]) {
        guard output.capacity < spareOutput.capacity else { return }
        spareOutput.append(contentsOf: output)
        swap(&output, &spareOutput)
        spareOutput = []
    }

    /// Empties a buffer whose bytes were sent, and keeps one with room.
    func takeBack(_ output: inout [UInt8]) {
        if spareOutput.capacity == 0, Self.spareOutputBytes.min...Self.spareOutputBytes.max ~= output.capacity {
            output.removeAll(keepingCapacity: true)
            swap(&output, &spareOutput)
        } else {
            output = []
        }
    }

    /// The `Date` field's value, made anew once a second.
    func date() -> String {
        let second = SystemClock.wallMicroseconds() / 1_000_000
        if second != dateSecond {
            dateSecond = second
            dateText = HTTPDate.text(unixSeconds: Int(second))
        }
        return dateText
    }

    func jitteredRetry() -> Int {
        // Spread evenly by the golden ratio; nothing depends on its being unpredictable.
        retrySpread = retrySpread &+ 0x9E37_79B9
        return settings.retryMilliseconds / 2 + Int((UInt64(retrySpread) * UInt64(settings.retryMilliseconds)) >> 32)
    }
}

@available(*, unavailable)
extension Server: Sendable {}

extension Server {
    /// Serves one request: guards, route, who may, answer.
    func handle(_ request: Request, on connection: Connection) {
        metrics.requests += 1
        let match = router.match(request)
        do throws(Problem) {
            try look(at: request, match, on: connection)
            if request.body.count > Self.strangerBodyBytesMax, gate.registry.isInForce,
                let problem = refusal(ofHead: request, isLarge: true, on: connection)
            {
                throw problem
            }
        } catch {
            return connection.respond(dressed(error.response, for: request, on: connection))
        }
        do throws(Problem) {
            connection.access = try admit(request, match, on: connection)
        } catch {
            auditRefusal(error, of: request, on: connection)
            return connection.respond(dressed(error.response, for: request, on: connection))
        }
        switch match {
        case .found(let route):
            serve(Call(request: request, route: route, access: connection.access, connection: connection))
        case .options(let allow):
            let answer = guards.preflight(request, allow: allow, byTicket: connection.ticket != nil)
            connection.respond(dressed(answer, for: request, on: connection))
        case .methodNotAllowed, .notFound:
            if let problem = Self.absence(match) {
                connection.respond(dressed(problem.response, for: request, on: connection))
            }
        }
    }

    /// Has records read that have left memory.
    /// - Returns: whether they are there already; if not, this stream is woken, with all others that wait for them.
    func readStore(for frames: FrameLog, after seq: Int, waking slot: Slot) -> Bool {
        if !frames.isAwaitingStore, let page = reads.page(of: frames.log.id, after: seq) {
            frames.provide(page)
            return true
        }
        frames.wait(slot)
        guard !frames.isAwaitingStore else { return false }
        frames.isAwaitingStore = true
        reads.read(frames.log.id, after: seq) { [reactor, weak frames] page in
            guard let frames else { return }
            switch page {
            case .success(let records): frames.provide(records)
            case .failure: frames.readFailed()
            }
            for slot in frames.takeWaiting() { reactor.needsFlush(slot) }
        }
        return false
    }
}
