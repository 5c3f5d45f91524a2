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
import Synchronization

/// What runs graphs, joined together: the reactor's services, the pool, the kinds of nodes, the store and the executions.
struct Engine {
    let reactor: Reactor
    let clock: ReactorClock
    let pool: WorkerPool
    let kinds: NodeKinds
    let store: HistoryStore
    let service: ExecutionService

    /// Opens the store and starts the threads. The calling thread becomes the reactor's.
    init(_ configuration: Configuration, _ location: HistoryStore.Location, _ installation: Installation, log: DaemonLog?) throws {
        reactor = try Reactor()
        clock = ReactorClock(reactor)
        let cores = CPUSet.usableCount
        pool = WorkerPool(threads: configuration.workers.threads > 0 ? configuration.workers.threads : cores)
        store = HistoryStore(location, durability: configuration.history.durability == .power ? .power : .process) { fault in
            if let fault { log?.log(.error, "the history cannot be written; executions wait", ["error": fault.message]) }
            else { log?.log(.notice, "the history can be written again") }
        }
        try store.start()
        kinds = try Self.kinds(configuration, installation, clock, reactor, cores: cores)
        var limits = ExecutionLimits()
        limits.stateBytesMax = configuration.executions.stateBytesMax
        let environment = RunEnvironment(clock: clock, pool: pool, store: store, limits: limits, observer: log)
        var admission = ExecutionService.Limits()
        admission.runningMax = configuration.executions.maxRunning
        admission.queuedMax = configuration.executions.maxQueued
        service = ExecutionService(
            environment: environment, limits: admission, ids: ExecutionIDGenerator(after: try store.lastRowID()))
        try pool.start()
    }

    private static func kinds(
        _ configuration: Configuration, _ installation: Installation, _ clock: ReactorClock, _ reactor: Reactor, cores: Int
    ) throws -> NodeKinds {
        let children = Children(on: reactor, helperPath: installation.helper)
        let lua = configuration.kinds.lua
        return NodeKinds.standard(
            NodeSettings(
                clock: clock, launcher: ReactorProcessLauncher(children, on: reactor),
                lua: LuaLimits(cpuMilliseconds: lua.timeMillisecondsMax, memoryBytes: lua.memoryBytesMax),
                enabled: configuration.kinds.enabled))
    }
}
