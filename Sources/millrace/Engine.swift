import Config
import Executions
import Glibc
import Graphs
import History
import JSON
import Linux
import Nodes
import Reactor
import ReactorServices
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
    let store: HistoryStore
    let service: ExecutionService
    let executionMetrics = ExecutionMetrics()
    let childCount: ChildCount

    /// Opens the store and starts the threads. The calling thread becomes the reactor's.
    /// - Parameter runtimeFolder: the engine's own, for files that children need while they run.
    init(
        _ configuration: Configuration, _ location: HistoryStore.Location, runtimeFolder: String,
        _ installation: Installation, confinement: ChildConfinement = ChildConfinement(), cgroups: ControlGroups? = nil,
        log: DaemonLog?
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
        python = Self.python(configuration, installation, clock, pool, launcher, runtimeFolder: runtimeFolder)
        let syntax = PythonSyntax(
            settings: PythonSettings(configuration.kinds.python),
            runner: HelperRunner(helperPath: installation.helper, confinement: confinement),
            pythonFolder: installation.pythonFolder
        ) { log?.log(.warning, "Python is not checked", ["reason": $0]) }
        let lua = configuration.kinds.lua
        kinds = NodeKinds.standard(
            NodeSettings(
                clock: clock, launcher: launcher, python: python, syntax: syntax,
                lua: LuaLimits(cpuMilliseconds: lua.timeMillisecondsMax, memoryBytes: lua.memoryBytesMax),
                enabled: configuration.kinds.enabled, nodeCountMax: configuration.graphs.nodesMax))
        let environment = RunEnvironment(
            clock: clock, pool: pool, lanes: lanes, store: store,
            memory: LogMemory(bytesMax: configuration.executions.memoryBytesMax),
            observer: RunObservers([executionMetrics] + (log.map { [$0] } ?? [])))
        service = ExecutionService(
            environment: environment, limits: ExecutionService.Limits(configuration.executions),
            ids: ExecutionIDGenerator(after: try store.lastRowID()))
        try pool.start()
        try lanes.start()
    }

    /// Ends what still reads the store, and then the store.
    /// - Throws: when something could not be stored; it is closed nevertheless.
    func closeStore() throws(StoreError) {
        lanes.stop()
        try store.stop()
    }

    /// Takes over what can change while it runs.
    func use(_ configuration: Configuration) {
        store.change(RetentionLimits(configuration.history))
        service.change(ExecutionService.Limits(configuration.executions))
    }

    private static func python(
        _ configuration: Configuration, _ installation: Installation, _ clock: ReactorClock, _ pool: WorkerPool,
        _ launcher: any ProcessLauncher, runtimeFolder: String
    ) -> PythonWorkers {
        PythonWorkers(
            settings: PythonSettings(configuration.kinds.python), launcher: launcher, clock: clock, pool: pool,
            pythonFolder: installation.pythonFolder,
            runtimeFolder: runtimeFolder)
    }

    /// Ends the children and then the reactor; call it on the reactor's thread, which goes on turning meanwhile.
    func stopReactor() {
        let (python, mailbox) = (python, reactor.mailbox)
        Task(executorPreference: pool) {
            await python.shutDown()
            mailbox.post { reactor in reactor.stop() }
        }
    }
}

extension PythonSettings {
    fileprivate init(_ python: Configuration.Python) {
        self.init(
            interpreter: python.interpreter, maxWorkers: python.maxWorkers, idleMilliseconds: python.idleMilliseconds,
            startMilliseconds: python.startMilliseconds, memoryBytesMax: python.memoryBytesMax)
    }
}

extension ExecutionService.Limits {
    fileprivate init(_ configuration: Configuration.Executions) {
        self.init()
        runningMax = configuration.maxRunning
        queuedMax = configuration.maxQueued
        execution.stateBytesMax = configuration.stateBytesMax
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
