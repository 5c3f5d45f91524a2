import Executions
import Linux
import Server

/// What an earlier daemon has left unfinished, made known to the service a page at a time. It blocks, and the daemon serves
/// meanwhile: lists show what is left from the history, and whoever asks for one of them waits until it is known.
struct LeftExecutions: Sendable {
    /// Rows that are read at once, and executions that are made known in one step.
    private static let pageCount = 500
    private static let stepNanoseconds: Int64 = 20_000_000
    /// Old revisions that are kept compiled for those that come next: what was left ran a few mostly.
    private static let revisionsMax = 256

    let store: any ExecutionStore
    let catalog: GraphCatalog
    let service: ExecutionService
    /// The last that was stored before this daemon: what is later is its own.
    let lastRowID: Int64
    let order: TakeUp

    /// Reads what is left, and makes it known on a lane, in steps between which others get their turn.
    /// - Parameter report: told of executions that cannot be taken up, and why.
    /// - Parameter finish: told at the end how many were made known, or what went wrong.
    func takeUp(
        on lane: BlockingLane, _ report: @escaping @Sendable (ExecutionID, String) -> Void,
        finish: @escaping @Sendable (Result<Int, StoreError>) -> Void
    ) {
        lane.submit {
            do throws(StoreError) {
                let work = Work(
                    rest: try summaries()[...], revisions: Revisions(catalog: catalog, countMax: Self.revisionsMax))
                advance(work, on: lane, report, finish)
            } catch {
                finish(.failure(error))
            }
        }
    }

    private struct Work: Sendable {
        var rest: ArraySlice<ExecutionSummary>
        var revisions: Revisions
        var count = 0
    }

    private func advance(
        _ work: Work, on lane: BlockingLane, _ report: @escaping @Sendable (ExecutionID, String) -> Void,
        _ finish: @escaping @Sendable (Result<Int, StoreError>) -> Void
    ) {
        var work = work
        do throws(StoreError) {
            try step(&work, report)
        } catch {
            return finish(.failure(error))
        }
        guard !work.rest.isEmpty else { return finish(.success(work.count)) }
        let next = work
        lane.submit { advance(next, on: lane, report, finish) }
    }

    private func step(_ work: inout Work, _ report: (ExecutionID, String) -> Void) throws(StoreError) {
        var page: [LeftExecution] = []
        let end = SystemClock.monotonicNanoseconds() + Self.stepNanoseconds
        while page.count < Self.pageCount, SystemClock.monotonicNanoseconds() < end, let summary = work.rest.popFirst()
        {
            if let (graph, failure) = try work.revisions.revision(summary.graphRevision, of: summary.graphID) {
                page.append(LeftExecution(summary: summary, graph: graph, failure: failure))
            } else {
                report(summary.id, "revision \(summary.graphRevision) of graph \(summary.graphID) is missing")
            }
        }
        service.takeUp(page, order)
        work.count += page.count
    }

    /// Oldest first.
    private func summaries() throws(StoreError) -> [ExecutionSummary] {
        var all: [ExecutionSummary] = []
        for status in [ExecutionStatus.running, .queued, .held] {
            var query = ExecutionQuery(status: status, limit: Self.pageCount)
            while true {
                let page = try store.executions(query)
                all += page
                guard page.count == Self.pageCount, let last = page.last else { break }
                query.before = last.id
            }
        }
        return all.filter { $0.id.rowID <= lastRowID }.sorted { $0.id < $1.id }
    }
}

/// One compilation of each revision, shared by all that were left with it.
private struct Revisions: Sendable {
    let catalog: GraphCatalog
    let countMax: Int
    private var known: [String: (GraphRevision, failure: String?)] = [:]

    init(catalog: GraphCatalog, countMax: Int) {
        self.catalog = catalog
        self.countMax = countMax
    }

    mutating func revision(_ number: Int, of id: String) throws(StoreError) -> (GraphRevision, failure: String?)? {
        let key = "\(number)/\(id)"
        if let known = known[key] { return known }
        guard let found = try catalog.runnable(number, of: id) else { return nil }
        if known.count >= countMax { known.removeAll() }
        known[key] = found
        return found
    }
}
