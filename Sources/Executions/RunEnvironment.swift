/// What every run of a daemon shares.
package struct RunEnvironment: Sendable {
    package let clock: any Clock
    package let pool: WorkerPool
    package let store: any ExecutionStore
    package let limits: ExecutionLimits
    package let memory: LogMemory
    package let observer: (any RunObserver)?

    package init(
        clock: any Clock, pool: WorkerPool, store: any ExecutionStore, limits: ExecutionLimits = ExecutionLimits(),
        memory: LogMemory = LogMemory(),
        observer: (any RunObserver)? = nil
    ) {
        self.clock = clock
        self.pool = pool
        self.store = store
        self.limits = limits
        self.memory = memory
        self.observer = observer
    }
}

/// Told on the pool, while the run is being stepped: short, never blocking. For counters and the daemon's log.
package protocol RunObserver: Sendable {
    /// - Parameter timestampMicroseconds: the event's own.
    func executionEmitted(_ event: EventRecord.Body, atMicroseconds timestampMicroseconds: Int64, in log: EventLog)
}
