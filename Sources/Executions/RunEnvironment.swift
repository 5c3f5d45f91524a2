import Synchronization

/// What every run of a daemon shares.
package final class RunEnvironment: Sendable {
    package let clock: any Clock
    package let pool: WorkerPool
    /// For what blocks or takes long.
    package let lanes: Lanes
    package let store: any ExecutionStore
    package let memory: LogMemory
    package let observer: (any RunObserver)?
    /// What runs have appended, on its way to the store.
    let grownLogs: GrownLogs

    package init(
        clock: any Clock, pool: WorkerPool, lanes: Lanes = Lanes(), store: any ExecutionStore,
        memory: LogMemory = LogMemory(), observer: (any RunObserver)? = nil
    ) {
        self.clock = clock
        self.pool = pool
        self.lanes = lanes
        self.store = store
        self.memory = memory
        self.observer = observer
        let grownLogs = GrownLogs(store)
        pool.afterJobs { grownLogs.tell() }
        self.grownLogs = grownLogs
    }
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
