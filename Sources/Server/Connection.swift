// One client: reads requests, hands each to the server, writes what comes back, one after the other. Everything happens on
// the reactor's thread. Writing is optimistic and done in the flush phase, so that what a turn has brought for a client
// leaves in one send.

import Auth
import Executions
import HTTP
import Linux
import Reactor

final class Connection: ReadinessHandler {
    /// Pipelined requests are not read on while this much of answers is unsent.
    static let outputBytesMax = 256 << 10
    /// What a stream may send in one turn, so that all get their turn.
    static let streamBytesPerTurnMax = 64 << 10

    let server: Server
    let door: Door
    /// Who sent the request that is being served, and what of that holds for the next ones.
    var access = Access.nobody
    var pass: Gate.Pass?
    /// What a trusted proxy says of the request's address.
    var place: ForwardedPlace?
    /// By which the request, and the stream that answers it, may be here.
    var ticket: TicketTable.Ticket?
    /// Numbers the requests, so that a late answer to one never reaches another.
    private(set) var exchangeNumber: UInt64 = 0
    var phase = Phase.reading
    var stream: EventStream?
    /// As one of those who watch the execution of `stream`.
    var watch: StreamHub.Watch?
    /// In place of `stream`: a dashboard's.
    var feedStream: FeedStream?
    /// An execution whose end the client waits for, as one of its watchers.
    private var awaited: StreamHub.Watch?
    var request: Request?
    /// Of the stream.
    var framing = StreamFraming.chunks
    /// Whether the client of the stream wants to go on with this connection.
    var keepsAliveAfterStream = false

    private var descriptor: Descriptor?
    private(set) var slot: Slot?
    private var parser: RequestParser
    private var input: [UInt8] = []
    var output: [UInt8] = []
    private(set) var outputSent = 0
    /// Whether the head of the request whose body is being read was looked at.
    private var isHeadJudged = false
    var accountedBodyBytes = 0
    private var mayRead = true
    private var peerHasFinished = false
    private var isBlocked = false
    private var patience = Patience()
    private var deadline: Deadline?

    init(_ descriptor: consuming Descriptor, door: Door, server: Server) {
        self.descriptor = consume descriptor
        self.door = door
        self.server = server
        parser = RequestParser(limits: server.settings.requestLimits)
    }

    func open() throws(SystemError) {
        slot = try server.reactor.register(descriptor!, .stream, self)
        deadline = Deadline(on: server.reactor) { [unowned self] in deadlinePassed() }
        arm(server.settings.headerTimeoutMilliseconds)
    }

    // MARK: Readiness

    func ready(_ readiness: Readiness) {
        if readiness.contains(.failed) || readiness.contains(.hungUp) { return close() }
        if readiness.contains(.peerFinished) { peerHasFinished = true }
        if readiness.contains(.writable) { isBlocked = false }
        if readiness.contains(.readable) || readiness.contains(.peerFinished) { mayRead = true }
        switch phase {
        case .streaming where peerHasFinished: close()
        case .reading:
            if !output.isEmpty { askForFlush() }
            read()
        case .lingering: read()
        case .handling, .streaming, .closing:
            if peerHasFinished { stopAwaiting() }
            askForFlush()
        case .closed: break
        }
    }

    func flush() {
        if case .reading = phase, !input.isEmpty { processInput() }
        guard writeOutput() else { return }
        if case .streaming = phase { feedStream == nil ? pumpStream() : pumpFeed() }
        if case .lingering = phase { return read() }
        guard case .reading = phase, output.isEmpty else { return }
        // Requests that came before are served first; the flush that this asks for comes in the next turn.
        if !input.isEmpty { return askForFlush() }
        if peerHasFinished { mayRead = true }
        read()
    }

    func reap() {
        guard let slot else { return }
        server.reactor.deregister(slot)
        descriptor?.shutDown(.both)
        descriptor = nil
        self.slot = nil
    }

    func askForFlush() {
        if let slot { server.reactor.needsFlush(slot) }
    }

    func close() {
        guard let slot, !isClosed else { return }
        endStream()
        stopAwaiting()
        phase = .closed
        account(forBody: 0)
        deadline?.cancel()
        server.forget(self)
        server.reactor.reapAtEndOfTurn(slot)
    }

    /// Kept alive, with nothing to do.
    var isIdle: Bool {
        if case .reading = phase { input.isEmpty && output.isEmpty && parser.phase == .betweenRequests } else { false }
    }

    // MARK: Reading

    private func read() {
        let buffer = server.readBuffer
        for _ in 0..<4 {
            guard mayRead, descriptor != nil else { return }
            guard let transfer = try? descriptor!.receive(into: buffer) else { return close() }
            switch transfer {
            case .bytes(let count):
                // A stream socket that gives less than it could has no more; another edge will tell.
                if count < buffer.count { mayRead = false }
                take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            case .wouldBlock:
                mayRead = false
            case .endOfStream:
                return peerEnded()
            case .closedByPeer:
                return close()
            }
            guard isListening else { return }
        }
        askForFlush()
    }

    private func peerEnded() {
        peerHasFinished = true
        mayRead = false
        switch phase {
        case .reading: if output.isEmpty { close() } else { phase = .closing(lingers: false) }
        case .lingering, .streaming: close()
        case .handling, .closing, .closed: break
        }
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        switch phase {
        case .lingering(let end):
            let left = (end - server.reactor.now()) / 1_000_000
            left > 0 ? arm(min(left, Linger.pauseMilliseconds)) : close()
        case .reading where input.isEmpty:
            let consumed = parse(bytes)
            if consumed < bytes.count { input.append(contentsOf: bytes[consumed...]) }
        case .reading, .handling, .streaming:
            input.append(contentsOf: bytes)
            if case .reading = phase { processInput() }
        case .closing, .closed:
            break
        }
    }

    private func processInput() {
        let bytes = input
        input = []
        let consumed = bytes.withUnsafeBytes(parse)
        if consumed < bytes.count { input = consumed == 0 ? bytes : Array(bytes[consumed...]) }
    }

    /// Feeds the parser as long as requests are wanted.
    /// - Returns: how many bytes it took.
    private func parse(_ bytes: UnsafeRawBufferPointer) -> Int {
        var offset = 0
        while offset < bytes.count, case .reading = phase, output.count < Self.outputBytesMax {
            let before = parser.phase
            let (step, consumed) = parser.consume(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
            offset += consumed
            switch step {
            case .needsMore: if parser.phase == .body { judgeLargeBody() }
            case .expectsContinue: continueOrRefuse()
            case .request(let request): begin(request)
            case .fault(let fault):
                server.metrics.faults += 1
                refuse(Problem(ProblemDetails(fault)))
            }
            if let problem = account(forBody: parser.bodyBytesRead), case .reading = phase { refuse(problem) }
            armForParser(from: before)
        }
        return offset
    }

    /// A body that is larger than a stranger's may be is read on only for whoever may send it.
    private func judgeLargeBody() {
        if !isHeadJudged, parser.bodyBytesExpected > Server.strangerBodyBytesMax { judgeHead() }
    }

    private func judgeHead() {
        isHeadJudged = true
        let isLarge = parser.bodyBytesExpected > Server.strangerBodyBytesMax
        guard let pending = parser.pending,
            let problem = server.refusal(ofHead: pending, isLarge: isLarge, on: self)
        else { return }
        refuse(problem, pending)
    }

    private func continueOrRefuse() {
        judgeHead()
        guard case .reading = phase else { return }
        // What comes in chunks may grow beyond what strangers may send.
        isHeadJudged = parser.bodyBytesExpected > Server.strangerBodyBytesMax
        ResponseHead.writeContinue(to: &output)
        askForFlush()
    }

    private func begin(_ request: Request) {
        isHeadJudged = false
        exchangeNumber += 1
        self.request = request
        phase = .handling
        deadline?.disarm()
        server.handle(request, on: self)
    }

    // MARK: Deadlines

    private func armForParser(from before: RequestParser.Phase) {
        guard case .reading = phase, parser.phase != before else { return }
        armForParser()
    }

    private func armForParser() {
        switch parser.phase {
        case .head: arm(server.settings.headerTimeoutMilliseconds)
        case .body: arm(server.settings.bodyTimeoutMilliseconds)
        case .betweenRequests: arm(server.settings.idleTimeoutMilliseconds)
        case .failed: break
        }
    }

    func arm(_ milliseconds: Int64) {
        deadline?.arm(afterMilliseconds: milliseconds)
    }

    private func deadlinePassed() {
        switch phase {
        // While it does not take its answers, the rest of its next request is not read either.
        case .reading where isBlocked: closeUnlessPeerReads()
        case .reading:
            switch parser.phase {
            case .head: refuse(Problem(ProblemDetails(.headerTimeout)))
            case .body: refuse(Problem(ProblemDetails(.bodyTimeout)))
            case .betweenRequests, .failed: close()
            }
        case .streaming:
            if isBlocked { closeUnlessPeerReads() } else { keepAlive() }
        case .closing(lingers: true) where request == nil && patience.isWanted: closeUnlessPeerReads()
        case .lingering, .closing:
            close()
        case .handling, .closed:
            break
        }
    }

    // MARK: Answering

    /// Answers the request that is being served.
    func respond(_ response: Response) {
        guard let request, case .handling = phase else { return }
        let keepsAlive = request.keepsAlive && !server.isDraining
        let recipient = ResponseHead.Recipient(
            isHead: request.method == .head, version: request.version, keepsAlive: keepsAlive)
        ResponseHead(response.status, response.headers.guarded(for: access)).write(
            body: response.body, to: &output, date: server.date(), recipient: recipient)
        finish(keepsAlive: keepsAlive)
    }

    func finish(keepsAlive: Bool) {
        stopAwaiting()
        request = nil
        phase = keepsAlive ? .reading : .closing(lingers: true)
        patience.isWanted = !keepsAlive
        arm(keepsAlive ? server.settings.idleTimeoutMilliseconds : server.settings.writeTimeoutMilliseconds)
        // Behind a stream that was sent there is nothing to do before the next request arrives.
        if keepsAlive, output.isEmpty, input.isEmpty, !mayRead, !peerHasFinished { return }
        askForFlush()
    }

    /// Until the answer, or until the client goes, the connection is a watcher of the execution.
    func awaitEnd(of log: EventLog) {
        guard let slot, case .handling = phase, !peerHasFinished else { return }
        awaited = server.hub.watch(slot, log)
    }

    private func stopAwaiting() {
        if let watch = awaited.take() { server.hub.unwatch(watch) }
    }

    /// Answers a request that is not read on, and closes.
    func refuse(_ problem: Problem, _ request: Request? = nil) {
        var response = problem.response
        if let request { response = server.dressed(response, for: request, on: self) }
        ResponseHead(response.status, response.headers).write(
            body: response.body, to: &output, date: server.date(), recipient: ResponseHead.Recipient(keepsAlive: false))
        phase = .closing(lingers: true)
        patience.isWanted = false
        input = []
        arm(Linger.milliseconds)
        askForFlush()
    }

    // MARK: Writing

    /// - Returns: whether all is sent and the connection goes on.
    func writeOutput() -> Bool {
        if case .streaming = phase, !readyForHead() { return false }
        while outputSent < output.count, !isBlocked {
            let transfer = output.withUnsafeBytes { send(UnsafeRawBufferPointer(rebasing: $0[outputSent...])) }
            guard case .bytes(let count) = transfer else { break }
            outputSent += count
        }
        guard !isClosed else { return false }
        guard outputSent == output.count else { return false }
        server.takeBack(&output)
        outputSent = 0
        if patience.wasNeeded {
            patience.wasNeeded = false
            if case .reading = phase { armForParser() }
        }
        guard case .closing(let lingers) = phase else { return true }
        lingers && !peerHasFinished ? linger() : close()
        return false
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        guard let transfer = try? descriptor!.send(bytes) else {
            close()
            return .closedByPeer
        }
        switch transfer {
        case .bytes(let count): server.metrics.bytesSent += UInt64(count)
        case .wouldBlock:
            if !isBlocked { startWaiting() }
            isBlocked = true
        case .endOfStream, .closedByPeer: close()
        }
        return transfer
    }

    private func linger() {
        descriptor?.shutDown(.sending)
        phase = .lingering(untilNanoseconds: server.reactor.now() + Linger.millisecondsMax * 1_000_000)
        arm(parser.phase == .betweenRequests ? Linger.milliseconds : Linger.pauseMilliseconds)
        mayRead = true
        read()
    }

    /// For a stream that says nothing as long as nothing happens: the kernel finds out that its host has vanished.
    func watchSilentPeer() {
        guard !door.isUnix else { return }
        try? descriptor?.askAfterSilence(seconds: Int32(clamping: server.settings.keepAliveMilliseconds / 1_000))
    }

    var canWrite: Bool { !isBlocked && output.isEmpty }

    /// The peer has to take something before more can be sent.
    private func startWaiting() {
        patience.begin(server.reactor.now())
        if case .reading = phase, parser.phase == .betweenRequests { arm(server.settings.writeTimeoutMilliseconds) }
    }

    /// Gives up a peer that takes nothing of what it is sent; one that takes it slowly is waited for.
    private func closeUnlessPeerReads() {
        guard descriptor != nil else { return close() }
        // The peer has just made room; what is left is sent later in this turn.
        guard isBlocked || output.isEmpty else { return arm(server.settings.writeTimeoutMilliseconds) }
        guard isBlocked else { return close() }
        let left = patience.left(
            server.reactor.now(), unsentBytes: descriptor!.unsentBytes(),
            timeoutMilliseconds: server.settings.writeTimeoutMilliseconds)
        if left > 0 { arm(left) } else { close() }
    }
}
