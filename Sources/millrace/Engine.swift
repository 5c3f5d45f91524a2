import Config
import Executions
import Glibc
import Graphs
import HTTPClient
import History
import JSON
import Linux
import Nodes
import Reactor
import ReactorServices
import Secrets
import Server
import Synchronization

/// What runs graphs, joined together: the reactor's services, the pool, the kinds of nodes, the store and the executions.
struct Engine {
    let reactor: Reactor
    let clock: ReactorClock
    let pool: WorkerPool
    let lanes = Lanes()
    let kinds: NodeKinds
    let python: PythonWorkers
    /// What sends the requests of nodes.
    let client: HTTPClient
    /// What sees which graphs Python files make; nil where no graph may run Python.
    let looks: PythonLooks?
    let store: HistoryStore
    let service: ExecutionService
    /// What nodes see of the graphs.
    let graphs: GraphDirectory
    /// Of the executions that earlier daemons have left.
    let lastRowID: Int64
    let executionMetrics = ExecutionMetrics()
    let childCount: ChildCount

    /// Opens the store and starts the threads. The calling thread becomes the reactor's.
    /// - Parameter runtimeFolder: the engine's own, for files that children need while they run.
    init(
        _ configuration: Configuration, _ location: HistoryStore.Location, runtimeFolder: String,
        _ installation: Installation, confinement: ChildConfinement = ChildConfinement(), cgroups: ControlGroups? = nil,
        seal: (any CheckpointSeal)? = nil, log: DaemonLog?
    ) throws {
        reactor = try Reactor()
        clock = ReactorClock(reactor)
        let cores = CPUSet.usableCount
        pool = WorkerPool(threads: configuration.workers.threads > 0 ? configuration.workers.threads : cores)
        store = HistoryStore(
            location, durability: configuration.history.durability == .power ? .power : .process,
            retention: RetentionLimits(configuration.history),
            news: RetentionNews { word in log?.log(word) }
        ) { fault in
            if let fault {
                log?.log(.error, "the history cannot be written; executions wait", ["error": fault.message])
            } else {
                log?.log(.notice, "the history can be written again")
            }
        }
        try store.start()
        let launcher = ReactorProcessLauncher(
            Children(on: reactor, helperPath: installation.helper, cgroups: cgroups, adoptsOrphans: true), on: reactor,
            confinement: confinement)
        childCount = launcher.count
        let children = ChildrenEnvironment(ProcessEnvironment.current, passing: configuration.kinds.environment)
        python = PythonWorkers(
            settings: PythonSettings(configuration.kinds.python), launcher: launcher, clock: clock, pool: pool,
            environment: children, pythonFolder: installation.pythonFolder, runtimeFolder: runtimeFolder)
        looks =
            configuration.kinds.enables("python")
            ? PythonLooks(
                settings: PythonSettings(configuration.kinds.python), launcher: launcher, clock: clock,
                environment: children, pythonFolder: installation.pythonFolder) : nil
        let syntax = PythonSyntax(
            settings: PythonSettings(configuration.kinds.python),
            runner: HelperRunner(helperPath: installation.helper, confinement: confinement),
            pythonFolder: installation.pythonFolder
        ) { log?.log(.warning, "Python is not checked", ["reason": $0]) }
        graphs = GraphDirectory(on: lanes.store)
        client = HTTPClient(ClientSettings(configuration.kinds.http)) { [names = lanes.names] name, work in
            names.offer(of: name, work)
        }
        let lua = configuration.kinds.lua
        kinds = NodeKinds.standard(
            NodeSettings(
                clock: clock, launcher: launcher, python: python, environment: children, syntax: syntax,
                lua: LuaLimits(cpuMilliseconds: lua.timeMillisecondsMax, memoryBytes: lua.memoryBytesMax),
                enabled: configuration.kinds.enabled, nodeCountMax: configuration.graphs.nodesMax,
                graphs: graphs, lane: lanes.store,
                http: HTTPNodeSettings(client: client, bodyBytesMax: configuration.kinds.http.responseBytesMax),
                llm: LLMNodeSettings(configuration, client: client, lane: lanes.store)))
        let memory = ExecutionMemory(configuration.executions)
        let environment = RunEnvironment(
            clock: clock, pool: pool, lanes: lanes, store: store,
            memory: memory,
            programs: ProgramPlaces.Bounds(
                accountBytes: memory.bytesMax, programBytesMax: lua.memoryBytesMax, processors: pool.threadCount),
            observer: RunObservers([executionMetrics] + (log.map { [$0] } ?? [])), innerGraphs: graphs, seal: seal)
        lastRowID = try store.lastRowID()
        service = ExecutionService(
            environment: environment, limits: ExecutionService.Limits(configuration.executions),
            ids: ExecutionIDGenerator(after: lastRowID))
        try pool.start()
        try lanes.start()
        try client.start()
        giveBackMemory()
    }

    /// Ends what still reads the store, and then the store.
    /// - Throws: when something could not be stored; it is closed nevertheless.
    func closeStore() throws(StoreError) {
        client.stop()
        lanes.stop()
        try store.stop()
    }

    /// Takes over what can change while it runs.
    func use(_ configuration: Configuration) {
        store.change(RetentionLimits(configuration.history))
        service.change(ExecutionService.Limits(configuration.executions))
    }

    /// Gives what a past load has left in the allocator back to the system, at moments when more is kept than executions hold.
    /// Small blocks leave it in the heaps of all threads; large ones go back by themselves (`Allocator.configure`).
    private func giveBackMemory() {
        _ = reactor.schedule(afterMilliseconds: Self.giveBackMilliseconds) { [self] in
            let memory = service.environment.memory
            service.environment.lanes.documents.submit {
                let kept = Allocator.usage.keptBytes
                if kept > Self.keptBytesMax, kept > memory.bytes { Allocator.giveBack() }
            }
            giveBackMemory()
        }
    }
    private static let giveBackMilliseconds: Int64 = 10_000
    /// Less than this is soon used again.
    private static let keptBytesMax = 32 << 20

    /// Ends the children and then the reactor; call it on the reactor's thread, which goes on turning meanwhile.
    func stopReactor() {
        let (python, mailbox) = (python, reactor.mailbox)
        Task(executorPreference: pool) {
            await python.shutDown()
            mailbox.post { reactor in reactor.stop() }
        }
    }
}

extension ExecutionMemory {
    /// Less than this holds not even a state.
    private static let bytesMin = 1 << 20
    private static let memoryShare = 4

    fileprivate convenience init(_ configuration: Configuration.Executions) {
        let chosen = configuration.memoryBytesMax
        self.init(bytesMax: max(chosen > 0 ? chosen : UsableMemory.bytes / Self.memoryShare, Self.bytesMin))
    }
}

extension LLMNodeSettings {
    fileprivate init(_ configuration: Configuration, client: HTTPClient, lane: BlockingLane) {
        let providers = configuration.llm.providers.map { entry in
            let secret = entry.secret.isEmpty ? nil : entry.secret
            return (
                entry.name,
                LLMProvider(baseURL: entry.baseURL, secret: secret, replay: entry.replay.isEmpty ? nil : entry.replay)
            )
        }
        let credentials = ProcessEnvironment.current["CREDENTIALS_DIRECTORY"] ?? ""
        self.init(
            providers: Dictionary(providers) { _, last in last }, client: client,
            secrets: SecretStore(folder: configuration.secrets.folder, credentials: credentials),
            bodyBytesMax: configuration.kinds.http.responseBytesMax, lane: lane)
    }
}

extension ClientSettings {
    init(_ http: Configuration.Requests) {
        self.init()
        deniedNetworks = http.deniedNetworks.compactMap { Network($0) }
        proxies = http.proxy ? ProxyVariables(ProcessEnvironment.current) : nil
        authoritiesFile = http.authoritiesFile.isEmpty ? nil : http.authoritiesFile
        // Each is a descriptor, and the daemon's own clients come first.
        let descriptors = (try? DescriptorLimit.current().soft).map { Int($0) } ?? 1024
        connectionsMax = min(http.connectionsMax, max(descriptors / 4, 16))
        connectionsPerHostMax = min(http.connectionsPerHostMax, connectionsMax)
        userAgent = "millrace/\(Installation.version)"
    }
}

extension PythonSettings {
    init(_ python: Configuration.Python) {
        self.init(
            interpreter: python.interpreter, maxWorkers: python.maxWorkers, idleMilliseconds: python.idleMilliseconds,
            startMilliseconds: python.startMilliseconds, lookMilliseconds: python.lookMilliseconds,
            memoryBytesMax: python.memoryBytesMax)
    }
}

extension ExecutionService.Limits {
    fileprivate init(_ configuration: Configuration.Executions) {
        self.init()
        runningMax = configuration.maxRunning
        queuedMax = configuration.maxQueued
        deathsMax = configuration.deathsMax
        execution.stateBytesMax = configuration.stateBytesMax
        execution.heldWithinMilliseconds = Int64(configuration.heldWithinMilliseconds)
    }
}

extension RetentionLimits {
    fileprivate init(_ configuration: Configuration.History) {
        self.init(
            days: configuration.retainDays, executions: configuration.retainExecutions,
            bytes: configuration.retainBytes,
            largeRemovalDelayMilliseconds: configuration.largeRemovalDelayMilliseconds
        )
    }
}
