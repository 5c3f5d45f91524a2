import Auth
import Config
import Executions
import Glibc
import Graphs
import HTTP
import History
import Linux
import Nodes
import Reactor
import ReactorServices
import Server
import Systemd

/// The daemon: everything joined together, from a configuration to the last event.
final class Daemon {
    private let configuration: Configuration
    private let engine: Engine
    private let catalog: GraphCatalog
    private let server: Server
    private let log: DaemonLog
    private let relay: VisibilityRelay
    private let state: StateFolder
    /// What was not as it should be in the state folder.
    private let putRight: [String]
    private let confinement: ConfinementReport
    private let placement: (level: LogLevel, text: String)?
    private let lock: StateLock
    private let stopMark: StopMark
    private let holdsAll: Bool
    private let report: ServiceReport
    private let reloader: Reloader
    private var signals: SignalSource?
    private var drain: Drain?

    /// - Throws: `StartError` and the like, each one line that says what to do.
    /// - Parameter holdsAll: nothing that an earlier daemon has left goes on by itself.
    init(
        _ configuration: Configuration, from source: ConfigurationSource, holdsAll: Bool = false, log: DaemonLog
    ) throws {
        self.configuration = configuration
        self.log = log
        self.holdsAll = holdsAll
        let installation = Installation.find()
        let folder = configuration.stateDirectory
        stopMark = StopMark(folder: folder)
        state = StateFolder(path: folder)
        if let former = state.formerFolder {
            throw StartError(
                "state_dir: the state still lies in \(former), and has moved to \(folder): stop what uses it, and move the "
                    + "files there (mkdir -m 700 \(folder); mv \(former)/[!s]* \(folder); and give it to the daemon's user)",
                status: ExitStatus.configuration)
        }
        try SpaceWait(folder: folder, listen: configuration.listen, log: log).wait()
        lock = try StateLock(folder)
        putRight = state.mend()
        let cgroups = ControlGroups.takeDelegated()
        engine = try Engine(
            configuration, .file("\(folder)/history.sqlite"), runtimeFolder: "\(folder)/python", installation,
            confinement: ChildConfinement(
                configuration, installation, environment: ProcessEnvironment.current, cgroups: cgroups),
            cgroups: cgroups, seal: try checkpointKey(configuration), log: log)
        confinement = ConfinementReport(configuration, installation, cgroups: cgroups)
        let graphs = Self.graphsFolder(configuration, installation)
        placement = StatePlacement.complaint(
            configuration, graphs: graphs, start: ConfigurationLoader.workingFolder())
        catalog = GraphCatalog(
            store: engine.store, compiler: engine.kinds, clock: engine.clock,
            folder: graphs, python: engine.looks.map { PythonSights(looker: $0, keptIn: "\(folder)/python-graphs") })
        engine.graphs.use(catalog)
        server = Server(
            reactor: engine.reactor, settings: ServerSettings(configuration, installation.files()),
            service: engine.service,
            catalog: catalog, store: engine.store
        ) { [log] line in log.log(.error, "a request met a fault", ["error": line]) }
        let metrics = DaemonMetrics(
            store: engine.store, python: engine.python, children: engine.childCount,
            executions: engine.executionMetrics, version: Installation.version)
        server.addMetrics = { metrics.write(to: &$0) }
        relay = VisibilityRelay(engine.service, server)
        engine.store.observer = relay
        let (service, server) = (engine.service, server)
        report = ServiceReport(engine.reactor) {
            ServiceReport.Counts(
                running: service.begun.count, queued: service.counts.queued, streams: server.streamCount,
                entryRule: server.entryRule)
        }
        reloader = Reloader(source, inForce: configuration, installation, server, engine, log, report)
        engine.python.observeImports { [catalog] id, folder, path in catalog.shown(path, in: folder, byGraph: id) }
        server.folderLook.refused = { [log] complaints in
            for complaint in complaints { log.log(.warning, .graphRefused, ["reason": complaint]) }
        }
        server.audit = { [log] entry in log.audit(entry) }
        if let identity = try engine.store.identity() { server.nameSessions(after: identity) }
        try server.useTokens(
            own: TokenFile(path: "\(folder)/\(TokenFile.name)"), fixed: try Self.fixedTokens(),
            key: Self.administratorKey(configuration, log))
        for complaint in try catalog.load() { log.log(.warning, .graphRefused, ["reason": complaint]) }
    }

    /// Listens, says so, and serves until it is told to stop.
    func run() throws {
        try takeUpExecutions()
        try listen()
        signals = try SignalSource([.terminate, .interrupt, .hangUp], on: engine.reactor) { [unowned self] signal, _ in
            received(signal)
        }
        let addresses = server.addresses.map { address -> String in
            if case .unix = address { address.description } else { "http://\(address)" }
        }
        watchState()
        warnOfOpenProxies()
        let rule = server.entryRule
        log.log(.notice, "who may enter", ["rule": rule])
        log.announce(["millrace \(Installation.version) ready on \(addresses.joined(separator: " "))", rule])
        report.serving()
        try engine.reactor.run()
        try engine.closeStore()
        log.log(.notice, "stopped")
    }

    /// Those that the service manager hands over. A doubt is no reason to open the doors.
    private static func fixedTokens() throws -> TokenFile? {
        do throws(SystemError) {
            return try ServiceManager.credential("tokens").map { TokenFile(path: $0) }
        } catch {
            throw TokenFile.Failure(
                "the credentials of the service cannot be read, and there may be tokens among them: \(error)")
        }
    }

    /// Nil, and no key lies in the folder, where nothing would keep node code from it.
    private static func administratorKey(_ configuration: Configuration, _ log: DaemonLog) -> AdministratorKey? {
        let (folder, kinds) = (configuration.stateDirectory, configuration.kinds)
        guard !kinds.runsCode || kinds.confined && ProcessPrivacy.landlockVersion >= 1 else {
            unlink("\(folder)/\(AdministratorKey.fileName)")
            return nil
        }
        do throws(TokenFile.Failure) {
            return try AdministratorKey.make(in: folder)
        } catch {
            // A full disk keeps no daemon from starting.
            log.log(.warning, "the socket in the state folder asks for a token", ["reason": error.description])
            return nil
        }
    }

    /// Whoever may connect to a socket that is a proxy's says where requests come from.
    private func warnOfOpenProxies() {
        guard configuration.http.trustedProxies.contains("unix") else { return }
        for case .unix(let path) in server.addresses {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & 0o002 != 0 else { continue }
            log.log(
                .warning,
                "every user of this host may connect as a trusted proxy, and name the address that log and limits see",
                ["socket": path, "setting": "http.trusted_proxies: [unix]"])
        }
    }

    /// Node code may change modes there, as the owner of all that lies in it.
    private func watchState() {
        for line in putRight { log.log(.warning, .statePutRight, ["reason": line]) }
        for line in confinement.lines { log.log(.notice, "node code is not confined in all", ["reason": line]) }
        if let (level, text) = placement {
            log.log(level, "node code is held up by where the state lies", ["reason": text])
        }
        if !state.isSheltered {
            log.log(
                .notice,
                "the state folder lies in no folder of another user that keeps others out; its modes are looked at",
                ["folder": state.path, "seconds": "\(Self.stateSeconds)"])
        }
        lookAtState()
        log.warnOfInterpreter(configuration)
    }

    private static let stateSeconds: Int64 = 30

    private func lookAtState() {
        _ = engine.reactor.schedule(afterMilliseconds: Self.stateSeconds * 1_000) { [weak self] in
            guard let self else { return }
            engine.lanes.store.submit { [state, log] in
                for line in state.mend() { log.log(.warning, .statePutRight, ["reason": line]) }
            }
            lookAtState()
        }
    }

    private static func graphsFolder(_ configuration: Configuration, _ installation: Installation) -> String? {
        if !configuration.graphsDirectory.isEmpty { return absolute(configuration.graphsDirectory) }
        return ["/etc/millrace/graphs", installation.graphsFolder].first { access($0, R_OK | X_OK) == 0 }
    }

    /// A folder is kept with the graphs that came from it, and must mean the same wherever the daemon is started next.
    private static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private func listen() throws {
        let inherited = try ServiceManager.takeListeningSockets().filter(isForHTTP)
        for socket in inherited { try adopt(socket) }
        if inherited.isEmpty {
            for text in configuration.listen {
                guard let address = SocketAddress(text) else {
                    throw StartError("listen: \(text) is no address; write HOST:PORT or unix:PATH")
                }
                try listen(at: address)
            }
        }
        let socket = SocketAddress.unix("\(configuration.stateDirectory)/millrace.sock")
        try listen(at: socket, unixMode: 0o600, isAdministrative: true)
    }

    /// A socket whose name is for something else is closed.
    private func isForHTTP(_ socket: InheritedSocket) -> Bool {
        if socket.isForHTTP { return true }
        log.log(.warning, "no use for a socket of this name; http is the one that is served", ["name": socket.name])
        close(socket.raw)
        return false
    }

    private func adopt(_ socket: InheritedSocket) throws {
        let address: SocketAddress
        do throws(SystemError) {
            let listener = try Socket.adoptListener(socket.raw)
            address = try listener.localAddress()
            try server.listen(listener, isKept: true)
        } catch {
            throw StartError(
                "descriptor \(socket.raw) (\(socket.name)) that the service manager handed over is no listening stream "
                    + "socket (\(error)); use ListenStream= and Accept=no in the socket unit")
        }
        try requireTokens(for: address)
    }

    private func listen(at address: SocketAddress, unixMode: UInt32 = 0o660, isAdministrative: Bool = false) throws {
        try requireTokens(for: address)
        do throws(SystemError) {
            try server.listen(
                try Socket.listen(at: address, unixMode: unixMode), isAdministrative: isAdministrative)
        } catch {
            guard error.code == .addressInUse else { throw error }
            throw StartError(
                "\(address) is in use by another program; stop it, or listen elsewhere with --listen HOST:PORT")
        }
    }

    /// Whoever can be reached from other hosts must be able to tell who may do what.
    private func requireTokens(for address: SocketAddress) throws {
        guard !address.isLoopback, !server.needsTokens else { return }
        throw StartError(
            "listen: \(address) can be reached from other hosts, and there are no tokens to tell who may; make one "
                + "(millrace token create --scope admin), or listen on loopback or a unix socket")
    }

    private func received(_ signal: Signal) {
        switch signal {
        case .hangUp: reloader.reload()
        default:
            if drain != nil { exit(0) }
            stop(signal)
        }
    }

    private func stop(_ signal: Signal) {
        log.log(
            .notice, "stopping", ["signal": signal.description, "executions": "\(engine.service.unfinished.count)"])
        report.stopping()
        stopMark.set()
        let drain = Drain(engine.reactor, engine.service, server) { [unowned self] in
            let left = engine.service.unfinished.count
            if left > 0 { log.log(.notice, "executions wait for the next start", ["executions": "\(left)"]) }
            engine.stopReactor()
        }
        self.drain = drain
        drain.begin(graceMilliseconds: reloader.configuration.executions.drainMilliseconds)
    }

    /// What an earlier daemon has left goes on, apart from all else: there may be much of it.
    private func takeUpExecutions() throws {
        let order = TakeUp(isAfterStop: try stopMark.take(), holdsAll: holdsAll)
        let (service, log) = (engine.service, log)
        let left = LeftExecutions(
            store: engine.store, catalog: catalog, service: service, lastRowID: engine.lastRowID, order: order)
        service.use(StoredStarts(store: engine.store, catalog: catalog))
        service.willTakeUp()
        left.takeUp(on: service.environment.lanes.documents) { id, reason in
            log.log(.error, "an execution cannot be taken up", ["execution_id": id.description, "reason": reason])
        } finish: { result in
            service.hasTakenUp()
            switch result {
            case .success(0): break
            case .success(let count):
                log.log(
                    .notice, "taking executions up again",
                    ["executions": "\(count)", "held": "\(service.heldCount)"])
            case .failure(let error):
                log.log(.error, "executions of an earlier start cannot be read", ["error": error.message])
            }
        }
    }
}

/// What `serve` exits with when it cannot start.
enum ExitStatus {
    static let other: Int32 = 1
    /// Trying again changes nothing (sysexits.h, EX_CONFIG).
    static let configuration: Int32 = 78
}

/// The state folder, made if it is missing, and its lock: one daemon at a time.
struct StateLock: ~Copyable {
    private let lock: FileLock

    init(_ folder: String) throws(StartError) {
        var made = ""
        for part in folder.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && part.isEmpty ? "/" : (made.hasSuffix("/") || made.isEmpty ? "" : "/") + part
            if mkdir(made, 0o700) != 0, errno != EEXIST {
                throw StartError(
                    "state_dir: cannot make \(made): \(String(cString: strerror(errno))); \(Self.advice(errno, folder))"
                )
            }
        }
        do throws(SystemError) {
            switch try FileLock.acquire("\(folder)/lock") {
            case .acquired(let lock): self.lock = lock
            case .held(let process):
                let holder = process.map { "process \($0)" } ?? "another process"
                throw SystemError(SystemError.Code(rawValue: EBUSY), holder)
            }
        } catch {
            if error.code.rawValue == EBUSY {
                throw StartError(
                    "state_dir: \(folder) is in use by \(error.call); stop it, or choose another with --state-dir DIR")
            }
            throw StartError(
                "state_dir: \(folder) cannot be written (\(error)); \(Self.advice(error.code.rawValue, folder))")
        }
    }

    private static func advice(_ code: Int32, _ folder: String) -> String {
        guard [EROFS, EACCES].contains(code), getenv("INVOCATION_ID") != nil else {
            return "choose another with --state-dir DIR"
        }
        return "make it for the service's user, and let the unit write there, in a drop-in: ReadWritePaths=\(folder)"
    }
}

/// Carries the news of what became visible from the store's thread to the executions and the server.
private final class VisibilityRelay: ExecutionStoreObserver {
    private let service: ExecutionService
    private let mailbox: Mailbox
    private let server: Confined<Server>

    init(_ service: ExecutionService, _ server: Server) {
        self.service = service
        self.server = Confined(server, to: server.reactor)
        mailbox = server.reactor.mailbox
    }

    func logsBecameVisible(_ logs: [EventLog]) {
        service.forgetFinished(logs)
        mailbox.post { [server] reactor in server.open(on: reactor).logsBecameVisible(logs) }
    }
}

extension ServerSettings {
    init(_ configuration: Configuration, _ files: StaticFiles) {
        self.init()
        let http = configuration.http
        requestLimits.requestLineBytesMax = http.requestLineBytesMax
        requestLimits.headerBytesMax = http.headerBytesMax
        requestLimits.headerFieldsMax = http.headerFieldsMax
        requestLimits.bodyBytesMax = http.bodyBytesMax
        headerTimeoutMilliseconds = Int64(http.headerTimeoutMilliseconds)
        bodyTimeoutMilliseconds = Int64(http.bodyTimeoutMilliseconds)
        idleTimeoutMilliseconds = Int64(http.idleTimeoutMilliseconds)
        writeTimeoutMilliseconds = Int64(http.writeTimeoutMilliseconds)
        connectionsPerAddressMax = http.connectionsPerAddressMax
        requestsPerSecondPerAddress = http.requestsPerSecondPerAddress
        trustedProxies = http.trustedProxies
        requestsPerSecondPerToken = configuration.auth.requestsPerSecondPerToken
        failuresPerMinutePerAddress = configuration.auth.failuresPerMinutePerAddress
        sessionMilliseconds = Int64(configuration.auth.sessionMilliseconds)
        keepAliveMilliseconds = Int64(configuration.stream.keepAliveMilliseconds)
        retryMilliseconds = configuration.stream.retryMilliseconds
        streamMemoryBytesMax = configuration.stream.memoryBytesMax
        allowedHosts = Set(http.allowedHosts)
        allowedOrigins = Set(http.allowedOrigins)
        allowsForwardedWithoutTokens = configuration.auth.allowForwardedWithoutTokens
        startGraph = configuration.console.startGraph
        version = Installation.version
        self.files = files
    }
}
