import Executions
import JSON
import Server

/// What an earlier daemon has left unfinished, made known to the service a page at a time. It blocks, and the daemon serves
/// meanwhile: lists show what is left from the history, and whoever asks for one of them waits until it is known.
struct LeftExecutions {
    /// Rows that are read at once.
    private static let pageCount = 500
    /// Old revisions that are kept compiled for those that come next: what was left ran a few mostly.
    private static let revisionsMax = 256

    let store: any ExecutionStore
    let catalog: GraphCatalog
    let service: ExecutionService
    /// The last that was stored before this daemon: what is later is its own.
    let lastRowID: Int64
    let order: TakeUp

    /// - Parameter report: told of executions that cannot be taken up, and why.
    /// - Returns: how many were made known.
    func takeUp(_ report: (ExecutionID, String) -> Void) throws(StoreError) -> Int {
        let summaries = try summaries()
        var revisions = Revisions(catalog: catalog, countMax: Self.revisionsMax)
        var (page, count) = ([LeftExecution](), 0)
        for summary in summaries {
            if let (graph, failure) = try revisions.revision(summary.graphRevision, of: summary.graphID) {
                page.append(LeftExecution(summary: summary, graph: graph, failure: failure))
            } else {
                report(summary.id, "revision \(summary.graphRevision) of graph \(summary.graphID) is missing")
            }
            if page.count == Self.pageCount {
                service.takeUp(page, order)
                count += page.count
                page = []
            }
        }
        service.takeUp(page, order)
        return count + page.count
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
private struct Revisions {
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
