import Executions
import Graphs
import JSON
import Linux

/// A service with a real pool, a clock turned by hand and a store in memory.
struct Engine {
    let clock = ManualClock()
    let store: MemoryStore
    let pool: WorkerPool
    let service: ExecutionService

    init(
        threads: Int = 2, commitsAtOnce: Bool = true, limits: ExecutionService.Limits = ExecutionService.Limits(),
        executionLimits: ExecutionLimits = ExecutionLimits(), memory: ExecutionMemory = ExecutionMemory(),
        store: MemoryStore? = nil
    ) throws {
        pool = WorkerPool(threads: threads)
        let store = store ?? MemoryStore(commitsAtOnce: commitsAtOnce)
        self.store = store
        let environment = RunEnvironment(
            clock: clock, pool: pool, store: store, memory: memory)
        var limits = limits
        limits.execution = executionLimits
        service = ExecutionService(environment: environment, limits: limits, ids: ExecutionIDGenerator())
        store.observe { [service] in service.forgetFinished($0) }
        try pool.start()
        try environment.lanes.start()
    }

    /// Ends its threads.
    func stop() {
        service.environment.lanes.stop()
        pool.stop()
    }

    func start(_ graph: GraphRevision, _ initialState: JSONObject = [:]) throws -> EventLog {
        try service.start(graph, initialState: initialState)
    }

    /// All that was given to the pool, or is read for those that begin, has run, and what that gave to both. Meant for pools
    /// of one thread.
    func settle() async {
        let lane = service.environment.lanes.takingUp
        for _ in 0..<4 {
            await withCheckedContinuation { continuation in pool.submit { continuation.resume() } }
            await withCheckedContinuation { continuation in lane.submit { continuation.resume() } }
        }
        await withCheckedContinuation { continuation in pool.submit { continuation.resume() } }
    }

    /// The end of an execution is stored, whoever runs it.
    func end(of id: ExecutionID) async {
        while (try? store.execution(id))??.status.isFinished != true { await settle() }
    }

    func cancel(_ log: EventLog) async -> ExecutionService.CancelResult {
        await withCheckedContinuation { continuation in service.cancel(log.id) { continuation.resume(returning: $0) } }
    }

    /// The stored events in short: `start`, `+a`, `-a success`, `complete success`.
    func story(_ log: EventLog) throws -> [String] {
        let nodes = log.graph.graph.nodes
        return try store.events(of: log.id).map { record in
            switch record.body {
            case .start: "start"
            case .nodeStart(let rank, _): "+\(nodes[rank].id)"
            case .nodeOutput(let rank, _, let channel, let data): "\(nodes[rank].id) \(channel) \(data)"
            case .signalled(let rank, _, let answer): "\(nodes[rank].id) \(answer.approved ? "yes" : "no")"
            case .nodeComplete(let completion): "-\(nodes[completion.rank].id) \(completion.status)"
            case .complete(let status, _, _): "complete \(status)"
            case .error(let message, _, _): "error \(message)"
            case .scopeOpened(let opening): "(\(nodes[opening.rank].id)"
            case .scopeClosed(let closing): ")\(nodes[closing.rank].id) \(closing.status)"
            }
        }
    }
}

/// A body that is done at once.
func quick(
    onlyComputes: Bool = false, _ run: @escaping @Sendable (NodeCall) -> NodeOutcome = { _ in .success(update: [:]) }
) -> any NodeBody {
    ClosureBody(onlyComputes: onlyComputes) { .finished(run($0)) }
}
