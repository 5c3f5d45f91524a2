import Synchronization

/// What every run of a daemon shares.
package final class RunEnvironment: Sendable {
    package let clock: any Clock
    package let pool: WorkerPool
    /// For what blocks or takes long.
    package let lanes: Lanes
    package let store: any ExecutionStore
    package let memory: ExecutionMemory
    package let places: ProgramPlaces
    /// Who may start nodes while memory is full.
    let turns: NodeTurns
    package let observer: (any RunObserver)?
    /// Where pinned graphs are found again.
    package let innerGraphs: (any InnerGraphs)?
    /// Encrypts what workers want kept of the graphs that they host.
    package let seal: (any CheckpointSeal)?
    /// What runs have appended, on its way to the store.
    let grownLogs: GrownLogs

    package init(
        clock: any Clock, pool: WorkerPool, lanes: Lanes = Lanes(), store: any ExecutionStore,
        memory: ExecutionMemory = ExecutionMemory(), programs: ProgramPlaces.Bounds? = nil,
        observer: (any RunObserver)? = nil, innerGraphs: (any InnerGraphs)? = nil,
        seal: (any CheckpointSeal)? = nil
    ) {
        self.seal = seal
        self.clock = clock
        self.pool = pool
        self.lanes = lanes
        self.store = store
        self.memory = memory
        self.observer = observer
        self.innerGraphs = innerGraphs
        places = ProgramPlaces(
            programs ?? ProgramPlaces.Bounds(accountBytes: memory.bytesMax, processors: pool.threadCount),
            memory: memory)
        turns = NodeTurns(memory: memory, clock: clock)
        let grownLogs = GrownLogs(store)
        pool.afterJobs { grownLogs.tell() }
        self.grownLogs = grownLogs
    }

    /// Reads what an execution goes on with, apart from what computes.
    func readApart(_ work: @escaping @Sendable () -> Void) { lanes.takingUp.submit(work) }
}

/// Logs that have grown, until the store is told of all of them: it is woken once for the jobs that were waiting, and its
/// commit holds what they all have brought.
final class GrownLogs: Sendable {
    private let store: any ExecutionStore
    private let logs = Mutex<[EventLog]>([])

    init(_ store: any ExecutionStore) {
        self.store = store
    }

    func add(_ log: EventLog) {
        logs.withLock { $0.append(log) }
    }

    func tell() {
        let grown = logs.withLock { logs in
            defer { logs = [] }
            return logs
        }
        if !grown.isEmpty { store.logsHaveGrown(grown) }
    }
}
