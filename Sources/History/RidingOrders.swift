import GRDB

/// The orders of one transaction. Each is answered once, when that is through or has failed.
struct RidingOrders {
    private var waiting: [StoreQueue.Order] = []
    private var outcomes: [StoreQueue.Outcome] = []

    var count: Int { waiting.count }

    mutating func add(_ order: StoreQueue.Order) { waiting.append(order) }

    /// Runs them inside of the transaction. One that fails leaves no trace, and does no harm to what is beside it.
    /// - Returns: about how many bytes they write.
    mutating func run(_ database: Database) throws -> Int {
        var bytes = 0
        while let order = waiting.first {
            waiting.removeFirst()
            do {
                outcomes.append(try database.savepoint { try order.run(database) })
                bytes += order.bytes
            } catch {
                order.fail(error)
                // The whole transaction has ended with it (SQLITE_FULL, SQLITE_IOERR): lang_transaction.html.
                guard database.isInsideTransaction else { throw error }
            }
        }
        return bytes
    }

    /// - Parameter fault: why there was no commit.
    mutating func answer(_ fault: (any Error)?) {
        for outcome in outcomes { outcome(fault) }
        if let fault { for order in waiting { order.fail(fault) } }
        (outcomes, waiting) = ([], [])
    }
}
