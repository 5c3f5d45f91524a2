import Executions
import HTTP
import JSON
import Reactor

extension Call {
    /// Does long work on a lane in steps, each a job of its own so that others get their turn, until one gives the answer.
    func offload<Work: Sendable>(
        _ work: Work, step: @escaping @Sendable (inout Work) throws(Problem) -> Response?
    ) {
        let mailbox = server.reactor.mailbox
        let confined = Confined(self, to: server.reactor)
        let (lane, owner) = (server.lanes.computing, jobOwner)
        let finish = { @Sendable (response: Response) in
            mailbox.post { reactor in confined.open(on: reactor).respond(response) }
        }
        if !lane.offer(of: owner, { advance(work, on: lane, of: owner, step, finish) }) {
            respond(Self.overloaded.response)
        }
    }
}

private func advance<Work: Sendable>(
    _ work: Work, on lane: BlockingLane, of owner: String,
    _ step: @escaping @Sendable (inout Work) throws(Problem) -> Response?,
    _ finish: @escaping @Sendable (Response) -> Void
) {
    var work = work
    do throws(Problem) {
        guard let response = try step(&work) else {
            return lane.submit(of: owner) { [work] in advance(work, on: lane, of: owner, step, finish) }
        }
        finish(response)
    } catch {
        finish(error.response)
    }
}

/// The visible events of an execution from the first one on, from memory or from the store, a piece at a time. It blocks.
struct LogScan: Sendable {
    /// Of records in one piece: some milliseconds of work.
    static let pieceBytesMax = 1 << 20
    /// The same for who looks at few of them.
    static let smallPieceBytesMax = 64 << 10

    let log: EventLog
    let store: any ExecutionStore
    private let pieceBytes: Int
    /// What is visible later is not read.
    private let last: Int
    private var seq = 0
    /// Of all records so far.
    private(set) var bytes = 0

    init(_ log: EventLog, from store: any ExecutionStore, pieceBytes: Int = LogScan.pieceBytesMax) {
        self.log = log
        self.pieceBytes = pieceBytes
        self.store = store
        last = max(log.visibleSeq, 0)
    }

    /// Hands on the records of the next piece.
    /// - Returns: false when there was none any more.
    mutating func readPiece(_ take: (EventRecord) -> Void) throws(Problem) -> Bool {
        try readPiece { _, record in
            take(record)
            return true
        }
    }

    /// Goes on with the record of this seq, which lies further on.
    mutating func jump(to next: Int) { seq = max(seq, next - 1) }

    /// The same, with the seq of each record; the rest of the piece is left out once `take` returns false.
    mutating func readPiece(_ take: (Int, EventRecord) -> Bool) throws(Problem) -> Bool {
        guard seq < last else { return false }
        var wantsMore = true
        do {
            let slice = try piece()
            guard slice.firstSeq == seq + 1 else {
                throw Problem(
                    410, "events_dropped",
                    "The history no longer keeps the first \(slice.firstSeq - 1) events of execution \(log.id).")
            }
            guard !slice.ends.isEmpty else {
                // It may have been deleted in the meantime.
                guard try store.execution(log.id) != nil else { throw ExecutionRoutes.unknown(log.id) }
                throw RecordError(message: "event \(seq + 1) is missing")
            }
            try slice.forEachRecord { record in
                guard seq < last, wantsMore else { return }
                seq += 1
                wantsMore = take(seq, try EventRecord(decoding: record))
            }
            bytes += slice.records.count
        } catch let problem as Problem {
            throw problem
        } catch let error as StoreError {
            throw Problem(503, "store_unavailable", error.message, headers: ["Retry-After": "5"])
        } catch {
            throw Problem(500, "damaged_history", "The events of execution \(log.id) cannot be read: \(error).")
        }
        return true
    }

    private func piece() throws -> EventLog.Slice {
        switch log.read(after: seq, bytesMax: pieceBytes) {
        case .events(let slice): return slice
        case .caughtUp, .evicted: return try store.records(of: log.id, after: seq, bytesMax: pieceBytes)
        }
    }
}

extension JSONText {
    /// Microseconds as a number of milliseconds.
    init(milliseconds microseconds: Int64) {
        var writer = ByteWriter(capacity: 16)
        writer.append(milliseconds: max(microseconds, 0))
        self.init(trusted: writer.bytes)
    }

    init(timestamp microseconds: Int64) {
        self.init(Timestamp.string(microseconds: microseconds))
    }
}
