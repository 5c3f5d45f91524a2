import DequeModule
import Executions
import Reactor

/// Reads records that have left memory, on the store's lane, and few at a time: however many streams lag, others find a thread
/// and the history's connection. Readers of the same page share one read. Lives on the reactor's thread.
final class ColdReads {
    /// One is read while the next is on its way.
    private static let inFlightMax = 2
    /// Records of one page; a single one may be larger.
    private static let pageBytesMax = 64 << 10
    /// Pages that are kept for readers who come a little later.
    private static let keptBytesMax = 4 << 20

    /// Records, and the revisions of graphs that they pin.
    struct Records: Sendable {
        let slice: EventLog.Slice
        let pinned: [GraphRevision]

        func pin(in log: EventLog) {
            for revision in pinned { log.pinned.pin(revision) }
        }
    }
    typealias Page = Result<Records, StoreError>

    private struct Place: Hashable {
        let id: ExecutionID
        let after: Int
    }

    private let reactor: Reactor
    private let store: any ExecutionStore
    private let graphs: (any InnerGraphs)?
    private let lane: BlockingLane
    private let report: @Sendable (String) -> Void
    private var line = Deque<Place>()
    private var readers: [Place: [(Page) -> Void]] = [:]
    private var inFlight = 0
    private var kept = Deque<(place: Place, records: Records)>()
    private var keptBytes = 0

    init(
        reactor: Reactor, store: any ExecutionStore, graphs: (any InnerGraphs)?, lane: BlockingLane,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.reactor = reactor
        self.store = store
        self.graphs = graphs
        self.lane = lane
        self.report = report
    }

    /// A page that was read lately, if it is still there.
    func page(of id: ExecutionID, after seq: Int) -> Records? {
        let place = Place(id: id, after: seq)
        return kept.first { $0.place == place }?.records
    }

    /// Calls `use` with the records behind `seq`, later.
    func read(_ id: ExecutionID, after seq: Int, _ use: @escaping (Page) -> Void) {
        let place = Place(id: id, after: seq)
        if readers[place] == nil { line.append(place) }
        readers[place, default: []].append(use)
        readNext()
    }

    private func readNext() {
        while inFlight < Self.inFlightMax, let place = line.popFirst() {
            inFlight += 1
            let (store, graphs, mailbox) = (store, graphs, reactor.mailbox)
            let confined = Confined(self, to: reactor)
            lane.submit {
                let page = Result { () throws(StoreError) in
                    let slice = try store.records(of: place.id, after: place.after, bytesMax: Self.pageBytesMax)
                    return Records(slice: slice, pinned: try PinnedRevisions.revisions(in: slice, from: graphs))
                }
                mailbox.post { reactor in confined.open(on: reactor).finish(place, page) }
            }
        }
    }

    private func finish(_ place: Place, _ page: Page) {
        inFlight -= 1
        switch page {
        case .success(let records): keep(records, of: place)
        case .failure(let error): report("execution \(place.id): \(error)")
        }
        for use in readers.removeValue(forKey: place) ?? [] { use(page) }
        readNext()
    }

    private func keep(_ records: Records, of place: Place) {
        let slice = records.slice
        guard !slice.ends.isEmpty, slice.records.count <= Self.keptBytesMax else { return }
        kept.append((place, records))
        keptBytes += slice.records.count
        while keptBytes > Self.keptBytesMax { keptBytes -= kept.removeFirst().records.slice.records.count }
    }
}

@available(*, unavailable)
extension ColdReads: Sendable {}
