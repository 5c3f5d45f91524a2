// Executions by what no index knows: labels, and a text in what people know them by. It walks along the list that the other
// filters give, a piece at a time so that others get their turn, and ends with a page that is full, at the end of the list, or
// when its time is over: then the page may hold less, or nothing, and its cursor leads on.

import Auth
import Executions
import Graphs
import HTTP
import JSON
import Linux

struct ExecutionSearch: Sendable {
    /// Executions that are looked at in one piece: some milliseconds.
    private static let pieceCount = 500
    private static let nanosecondsMax: Int64 = 1_500_000_000

    private let list: ExecutionListing
    private let labels: [(name: String, value: String)]
    /// In small letters.
    private let text: String?
    private let catalog: GraphCatalog
    private let endsAtNanoseconds = SystemClock.monotonicNanoseconds() + nanosecondsMax
    private var found: [ExecutionSummary] = []
    private var before: ExecutionID?
    /// The names of graphs, in small letters.
    private var names: [String: String] = [:]

    /// - Returns: nil for a list that needs no search.
    init?(_ list: ExecutionListing, _ request: Request, in catalog: GraphCatalog) {
        text = request.option("q")?.lowercased()
        labels = request.query.filter { $0.name.hasPrefix(Labels.parameterPrefix) && !$0.value.isEmpty }.map {
            (String($0.name.dropFirst(Labels.parameterPrefix.count)), $0.value)
        }
        guard text != nil || !labels.isEmpty else { return nil }
        self.list = list
        self.catalog = catalog
        before = list.query.before
    }

    /// Looks at some more. It blocks.
    /// - Returns: the page, once it is done: one more than it shows, if there are more, and where to go on if it was too long.
    mutating func step(_ store: any ExecutionStore) throws(Problem) -> ExecutionPage? {
        var piece = list
        (piece.query.before, piece.query.limit) = (before, Self.pieceCount)
        let looked = try piece.fetch(store)
        for summary in looked where found.count < list.query.limit && matches(summary) { found.append(summary) }
        before = looked.last?.id
        if found.count == list.query.limit || looked.count < Self.pieceCount { return ExecutionPage(found) }
        guard SystemClock.monotonicNanoseconds() > endsAtNanoseconds else { return nil }
        return ExecutionPage(found, goesOnBefore: before)
    }

    private mutating func matches(_ summary: ExecutionSummary) -> Bool {
        let own = summary.origin?.labels ?? [:]
        guard labels.allSatisfy({ own[$0.name]?.string == $0.value }) else { return false }
        guard let text else { return true }
        if summary.id.description.contains(text) || summary.graphID.contains(text) || name(of: summary).contains(text) {
            return true
        }
        if summary.error?.lowercased().contains(text) == true { return true }
        if summary.nodeErrors?.lowercased().contains(text) == true { return true }
        if summary.failedNodes.contains(where: { $0.lowercased().contains(text) }) { return true }
        return own.contains { name, value in
            name.string.lowercased().contains(text) || value.string?.lowercased().contains(text) == true
        }
    }

    private mutating func name(of summary: ExecutionSummary) -> String {
        if let known = names[summary.graphID] { return known }
        let name = catalog.current(summary.graphID)?.graph.document.name.lowercased() ?? ""
        names[summary.graphID] = name
        return name
    }
}

/// A list of executions that a caller may see.
struct ExecutionListing: Sendable {
    var query: ExecutionQuery
    /// Those of some graphs, and of some statuses, of which there are few; nil for all.
    let graphs: Set<String>?
    let statuses: Set<ExecutionStatus>?

    /// The newest first. It blocks.
    func fetch(_ store: any ExecutionStore) throws(Problem) -> [ExecutionSummary] {
        try ExecutionRoutes.read { () throws(StoreError) in
            if graphs == nil, statuses == nil { return try store.executions(query) }
            var found: [ExecutionSummary] = []
            for graphID in graphIDs {
                for status in statusList {
                    var part = query
                    (part.graphID, part.status) = (graphID, status)
                    found += try store.executions(part)
                }
            }
            return Array(found.sorted { $0.id > $1.id }.prefix(query.limit))
        }
    }

    private var graphIDs: [String?] {
        guard let graphs else { return [query.graphID] }
        return graphs.filter { query.graphID == nil || query.graphID == $0 }.sorted()
    }

    private var statusList: [ExecutionStatus?] {
        guard let statuses else { return [nil] }
        return ExecutionStatus.allCases.filter(statuses.contains)
    }
}

/// What was found for a page: one more than it shows, if there are more.
struct ExecutionPage: Sendable {
    let found: [ExecutionSummary]
    /// Where to go on although the page is not full.
    let goesOnBefore: ExecutionID?

    init(_ found: [ExecutionSummary], goesOnBefore: ExecutionID? = nil) {
        self.found = found
        self.goesOnBefore = goesOnBefore
    }
}
