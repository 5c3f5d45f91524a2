// One thread owns the writing connection. Logs that have grown gather in a queue; the thread takes what is there, commits it
// in one transaction, moves the visible marks, and tells the observer. The next batch gathers meanwhile, so that batches
// grow with the load and nobody waits for a timer.

import Executions
import GRDB
import Glibc
import Linux
import Synchronization

/// The history in one SQLite file.
///
/// What `logsBecameVisible` has told survives the end of the process, however it ends, and with `Durability.power` also a
/// loss of power. While the file cannot be written, logs stay in memory, unseen, and the store tries again until it can.
package final class HistoryStore: Sendable {
    package enum Location: Sendable {
        /// The path of the SQLite file; its `-wal` and `-shm` files lie beside it.
        case file(String)
        /// Gone when the store stops.
        case memory
    }

    package enum Durability: Sendable {
        /// Commits survive the process (`PRAGMA synchronous = NORMAL`).
        case process
        /// Commits survive a loss of power (`PRAGMA synchronous = FULL`).
        case power
    }

    private struct Running {
        let connections: HistoryConnections
        let thread: SpawnedThread
    }

    private struct Guarded {
        var running: Running?
        weak var observer: (any ExecutionStoreObserver)?
        var fault: StoreError?
    }

    private let location: Location
    private let durability: Durability
    private let retention: RetentionPolicy
    private let onFault: @Sendable (StoreError?) -> Void
    let deletions = DeletionCount()
    let graphUses = GraphUses()
    package let retentionNews: RetentionNews
    package let metrics = StoreMetrics()
    private let queue = StoreQueue()
    private let guarded = Mutex(Guarded())

    /// - Parameter onFault: told on the store's thread when it cannot store, once, and with nil when it can again.
    package init(
        _ location: Location, durability: Durability = .process, retention: RetentionLimits = RetentionLimits(),
        news: RetentionNews = RetentionNews(), onFault: @escaping @Sendable (StoreError?) -> Void = { _ in }
    ) {
        self.location = location
        self.durability = durability
        self.retention = RetentionPolicy(retention)
        self.onFault = onFault
        retentionNews = news
    }

    /// Who is told what became visible; not retained.
    package var observer: (any ExecutionStoreObserver)? {
        get { guarded.withLock { $0.observer } }
        set { guarded.withLock { $0.observer = newValue } }
    }

    /// These hold from the next look at the limits on.
    package func change(_ retention: RetentionLimits) {
        self.retention.limits = retention
    }

    /// Opens the file and begins to store. Logs that were announced before are stored first.
    package func start() throws(StoreError) {
        let connections = try HistoryConnections(location, durability)
        do throws(SystemError) {
            let thread = try spawnThread(name: "history", scheduling: .gathering) {
                [location, retention, deletions, graphUses, retentionNews, metrics, queue, onFault, weak self] in
                var loop = CommitLoop(
                    database: connections.writer, path: location.name, queue: queue,
                    retention: Retention(
                        retention, deletions, uses: graphUses, news: retentionNews, now: SystemClock.wallMicroseconds),
                    metrics: metrics,
                    publish: { self?.observer?.logsBecameVisible($0) },
                    onFault: { fault in
                        self?.guarded.withLock { $0.fault = fault }
                        onFault(fault)
                    })
                loop.run()
            }
            guarded.withLock { $0.running = Running(connections: connections, thread: thread) }
        } catch {
            throw StoreError("the history's thread could not be started: \(error)")
        }
    }

    /// Stores everything that was announced, and closes the file. The store cannot be started again.
    /// - Throws: when some of it could not be stored; the file is closed nevertheless.
    package func stop() throws(StoreError) {
        guard let running = guarded.withLock({ $0.running.take() }) else { return }
        queue.stop()
        running.thread.join()
        let lost = queue.close().logs.count
        do {
            try running.connections.close()
        } catch {
            throw StoreError(error, doing: "closing the history", path: location.name)
        }
        guard lost == 0 else {
            throw StoreError("the latest events of \(lost) executions could not be stored in \(location.name)")
        }
    }

    /// Of the history's file and its journal; nil in memory.
    package var fileBytes: Int? {
        guard case .file(let path) = location else { return nil }
        return ["", "-wal"].reduce(0) { bytes, suffix in
            var status = stat()
            return stat(path + suffix, &status) == 0 ? bytes + Int(status.st_size) : bytes
        }
    }

    /// Runs `body` on the reading connection, on the calling thread.
    func read<Result>(_ body: (Database) throws -> Result) throws(StoreError) -> Result {
        guard let reader = guarded.withLock({ $0.running?.connections.reader }) else { throw Self.notRunning }
        do {
            return try reader.inDatabase { database in
                try database.snapshot { try body(database) }
            }
        } catch {
            throw StoreError(error, doing: "reading the history", path: location.name)
        }
    }

    /// Has `body` run on the store's thread, inside of the next commit. What it throws undoes it alone.
    /// - Parameters:
    ///   - bytes: about as many are written.
    ///   - reply: called once, on the store's thread after the commit: short, never blocking. Or at once, where nobody will
    ///     run it.
    func write<Value: Sendable>(
        bytes: Int = 0, _ body: @escaping @Sendable (Database) throws -> Value,
        _ reply: @escaping @Sendable (Result<Value, StoreError>) -> Void
    ) {
        guard guarded.withLock({ $0.running != nil }) else { return reply(.failure(Self.notRunning)) }
        let path = location.name
        let fail = { @Sendable (error: any Error) in
            reply(.failure(StoreError(error, doing: "writing the history", path: path)))
        }
        let order = StoreQueue.Order(
            bytes: bytes,
            run: { database in
                let value = try body(database)
                return { fault in
                    if let fault { fail(fault) } else { reply(.success(value)) }
                }
            }, fail: fail)
        if !queue.add(order) { reply(.failure(Self.notRunning)) }
    }

    /// The same, waiting for the commit on the calling thread.
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) throws(StoreError) -> Value {
        try waited { write(body, $0) }
    }

    private static var notRunning: StoreError { StoreError("the history is not open") }
}

extension HistoryStore: ExecutionStore {
    package var fault: StoreError? { guarded.withLock { $0.fault } }

    package func logHasGrown(_ log: EventLog) {
        queue.add([log])
    }

    package func logsHaveGrown(_ logs: [EventLog]) {
        queue.add(logs)
    }
}
