import Executions
import GRDB
import GRDBSQLite

/// The store's thread: takes what has gathered, commits it, tells what became visible, and only then does what can wait,
/// indexing and checkpoints. A commit that fails is tried again until it succeeds; what it held stays in its log.
struct CommitLoop {
    /// Logs and bytes of one transaction, so that those in it wait no longer than a few milliseconds for each other.
    static let batchLogsMax = 2000
    static let batchBytesMax = 4 << 20
    /// Orders that ride in one transaction: some milliseconds of work.
    static let batchOrdersMax = 100
    /// Pages in the -wal file at which they are brought into the file: often, and therefore little each time. With 4,000
    /// the slowest in a thousand commits took 27 ms instead of 4.5, with 16,000 up to 170.
    static let checkpointPages: Int32 = 150
    /// Between attempts to store: doubled from the first to the second.
    static let retryMilliseconds = 50...5000
    static let checkpointRetryMilliseconds = 1000
    /// Attempts once the store is to stop, with the first waits between them: less than two seconds.
    static let lastAttemptsMax = 6

    private let database: DatabaseQueue
    private let path: String
    private let queue: StoreQueue
    private var retention: Retention
    private let metrics: StoreMetrics
    private let publish: ([EventLog]) -> Void
    private let onFault: (StoreError?) -> Void

    /// Announced, and not stored yet.
    private var pending: [EventLog] = []
    /// Not run yet.
    private var orders: [StoreQueue.Order] = []
    private var writer = ExecutionWriter()
    private var retryDelay = Self.retryMilliseconds.lowerBound
    private var commitFault: StoreError?
    private var checkpointFault: StoreError?
    private var isFaultTold = false
    /// Pages in the -wal file, as `sqlite3_wal_hook` tells at each commit.
    private let walPages = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

    init(
        database: DatabaseQueue, path: String, queue: StoreQueue, retention: Retention,
        metrics: StoreMetrics,
        publish: @escaping ([EventLog]) -> Void, onFault: @escaping (StoreError?) -> Void
    ) {
        self.database = database
        self.path = path
        self.queue = queue
        self.retention = retention
        self.metrics = metrics
        self.publish = publish
        self.onFault = onFault
    }

    /// Returns once the queue is stopped and all is stored. What cannot be stored then goes back into the queue.
    mutating func run() {
        watchWAL()
        var attemptsLeft = Self.lastAttemptsMax
        while true {
            let work = queue.take(waitMilliseconds: pending.isEmpty && orders.isEmpty ? idleMilliseconds() : 0)
            pending += work.logs
            orders += work.orders
            // While nothing can be stored, orders are tried without the logs: a removal may be what makes room.
            while commitFault != nil, !orders.isEmpty { commit(logsMax: 0) }
            while !pending.isEmpty || !orders.isEmpty, commit(logsMax: Self.batchLogsMax) { continue }
            if !pending.isEmpty {
                if work.isStopping {
                    if attemptsLeft == Self.lastAttemptsMax { retryDelay = Self.retryMilliseconds.lowerBound }
                    attemptsLeft -= 1
                }
                if attemptsLeft > 0 { pause() }
            }
            if work.isStopping, orders.isEmpty, pending.isEmpty || attemptsLeft == 0 { break }
            if checkpointFault != nil { checkpoint() }
            if pending.isEmpty { retain() }
        }
        queue.add(pending)
        unwatchWAL()
    }

    /// How long there is nothing to do unless something comes. A checkpoint that failed is tried again also when nothing comes.
    private func idleMilliseconds() -> Int {
        let retentionWait = retention.waitMilliseconds()
        return checkpointFault == nil ? retentionWait : min(retentionWait, Self.checkpointRetryMilliseconds)
    }

    /// Stores one batch. Its orders are answered, whatever comes of it; its logs come again when it fails.
    /// - Returns: false when it must be tried again later.
    @discardableResult
    private mutating func commit(logsMax: Int) -> Bool {
        var riding = takeOrders()
        do {
            let began = monotonicNanoseconds()
            let batch = try database.inDatabase { try writeBatch($0, logsMax: logsMax, &riding) }
            riding.answer(nil)
            guard !batch.written.isEmpty else {
                checkpoint()
                return true
            }
            let stored = batch.written
            metrics.committed(batch, nanoseconds: Int(monotonicNanoseconds() - began))
            retention.added(executions: stored.count { $0.log.visibleSeq < 0 }, eventBytes: batch.recordBytes)
            for (log, seq, change) in stored { log.markStored(through: seq, change: change) }
            pending.removeFirst(stored.count)
            commitFault = nil
            retryDelay = Self.retryMilliseconds.lowerBound
            tellFault()
            publish(stored.map(\.log))
            index()
            checkpoint()
            return true
        } catch {
            riding.answer(error)
            writer.forget()
            retention.forget()
            // What only orders have met, their callers are told.
            guard !pending.isEmpty, logsMax > 0 else { return false }
            metrics.failed()
            commitFault = StoreError(error, doing: "storing events in", path: path)
            tellFault()
            return false
        }
    }

    /// - Returns: the batch: the orders, and the first pending logs.
    private mutating func writeBatch(
        _ database: Database, logsMax: Int, _ riding: inout RidingOrders
    ) throws -> CommitBatch {
        var batch = CommitBatch()
        do {
            try database.transaction {
                batch.bytes = try riding.run(database)
                let statements = try writer.prepare(database, isRepeated: commitFault != nil)
                for log in pending.prefix(logsMax) where batch.bytes < Self.batchBytesMax {
                    let unstored = log.unstored()
                    batch.written.append((log, unstored.slice.lastSeq, unstored.change))
                    batch.bytes += unstored.slice.records.count
                    batch.recordBytes += unstored.slice.records.count
                    batch.events += unstored.slice.ends.count
                    try writer.write(unstored, statements)
                }
                try writer.finish(statements)
            }
        } catch {
            giveBack(batch.written.map(\.log))
            throw error
        }
        return batch
    }

    /// Those of the next transaction.
    private mutating func takeOrders() -> RidingOrders {
        var riding = RidingOrders()
        var bytes = 0
        for order in orders.prefix(Self.batchOrdersMax) where bytes < Self.batchBytesMax {
            bytes += order.bytes
            riding.add(order)
        }
        orders.removeFirst(riding.count)
        return riding
    }

    /// After a failed commit: of the logs in it, those that were announced anew meanwhile wait in the queue already.
    private mutating func giveBack(_ logs: [EventLog]) {
        pending.replaceSubrange(0..<logs.count, with: logs.filter { $0.markUnstored() })
    }

    private mutating func index() {
        guard writer.isIndexDue else { return }
        do {
            try database.inDatabase { database in
                try database.transaction { try writer.index(database) }
            }
        } catch {
            // Nothing is lost: lists find the rows all the same, and the next commit tries again.
            writer.forget()
        }
    }

    private mutating func retain() {
        guard retention.waitMilliseconds() == 0 else { return }
        do {
            try database.inDatabase { try retention.run($0) }
            checkpoint()
        } catch {
            // Nothing is lost: it is tried again, and what fails for good fails in commits too, which tell it.
        }
    }

    private mutating func pause() {
        queue.pause(milliseconds: retryDelay)
        retryDelay = min(retryDelay * 2, Self.retryMilliseconds.upperBound)
    }

    private mutating func checkpoint() {
        guard walPages.pointee >= Self.checkpointPages else { return }
        do {
            let (_, _) = try database.inDatabase { try $0.checkpoint(.passive) }
            checkpointFault = nil
        } catch {
            checkpointFault = StoreError(error, doing: "checkpointing", path: path)
        }
        tellFault()
    }

    private mutating func tellFault() {
        let fault = commitFault ?? checkpointFault
        guard (fault != nil) != isFaultTold else { return }
        isFaultTold = fault != nil
        onFault(fault)
    }

    private func watchWAL() {
        walPages.initialize(to: 0)
        database.inDatabase { database in
            _ = sqlite3_wal_hook(
                database.sqliteConnection,
                { context, _, _, pages in
                    context?.assumingMemoryBound(to: Int32.self).pointee = pages
                    return SQLITE_OK
                }, walPages)
        }
    }

    private func unwatchWAL() {
        database.inDatabase { _ = sqlite3_wal_hook($0.sqliteConnection, nil, nil) }
        walPages.deallocate()
    }
}
