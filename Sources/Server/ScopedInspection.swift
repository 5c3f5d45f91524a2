// What one node did within a scope. Of the records only those are read that it takes: of each enclosing scope from its opening to
// the start of the node that leads on, whose input state the next scope begins with; then those of the scope itself. The
// history knows where each begins, so that one in the millionth item is found as soon as one in the first.

import Executions
import Graphs
import HTTP
import JSON

/// A scope on the way to a node.
struct ScopeLink: Sendable {
    let scope: Int32
    /// The rank of the node around it.
    let rank: Int
    let revision: GraphRevision
    let firstSeq: Int
    /// Nil while it is open.
    let lastSeq: Int?
}

/// An element of `?path=`: a node, and the index of its item or iteration.
struct PathStep: Sendable {
    let nodeID: String
    let index: Int?

    /// `each,17` or `sub` or `loop,3,each,0`
    static func steps(_ text: String) throws(Problem) -> [PathStep] {
        var steps: [PathStep] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            if let last = steps.last, last.index == nil, let index = Int(part), index >= 0 {
                steps[steps.count - 1] = PathStep(nodeID: last.nodeID, index: index)
            } else if isName(part), steps.count < stepsMax {
                steps.append(PathStep(nodeID: String(part), index: nil))
            } else {
                throw Problem(
                    400, "invalid_parameter", "path must be ids of nodes, each with its index where it has one: each,17"
                )
            }
        }
        return steps
    }

    /// Of a graph that a library runs, each step and each task of several is one.
    private static let stepsMax = ExecutionTree.depthMax + HostedNames.depthMax

    /// An id, or what a library calls a task.
    private static func isName(_ part: Substring) -> Bool {
        GraphNode.isID(String(part)) || HostedNames.isName(String(part)) && Int(part) == nil
    }

    static func json(_ steps: [PathStep]) -> JSONText {
        JSONText(array: steps.flatMap { step in [JSONText(step.nodeID)] + (step.index.map { [JSONText($0)] } ?? []) })
    }
}

/// Finds scopes by their paths. Blocks.
struct ScopeFinder: Sendable {
    let log: EventLog
    let store: any ExecutionStore
    let graphs: (any InnerGraphs)?

    func links(_ path: [PathStep]) throws(Problem) -> [ScopeLink] {
        var links: [ScopeLink] = []
        for step in path {
            let outer = links.last?.revision ?? log.graph
            let rank = try rank(of: step.nodeID, in: outer)
            let node = NodeRef(scope: links.last?.scope ?? 0, rank: rank)
            let found = try ExecutionRoutes.read { () throws(StoreError) in
                try store.scope(of: log.id, at: ScopePlace(node, index: step.index))
            }
            guard let found else {
                throw Problem(404, "unknown_scope", "Node \(step.nodeID) has not opened that scope.")
            }
            let revision = try revision(of: found, in: outer, rank)
            links.append(
                ScopeLink(
                    scope: found.scope, rank: rank, revision: revision, firstSeq: found.firstSeq,
                    lastSeq: found.lastSeq))
        }
        return links
    }

    func rank(of nodeID: String, in revision: GraphRevision) throws(Problem) -> Int {
        guard let rank = revision.graph.rank(ofNode: nodeID) else {
            throw Problem(
                404, "unknown_node",
                "Revision \(revision.identity.revision) of graph \(revision.identity.id) has no node "
                    + "\(nodeID.prefix(80)) there.")
        }
        return rank
    }

    /// The graph that a scope runs.
    func revision(
        of found: StoredScope, in outer: GraphRevision, _ rank: Int
    ) throws(Problem) -> GraphRevision {
        if let nested = outer.nested[rank] { return nested }
        let missing = Problem(404, "unknown_scope", "The graph of that scope is not known.")
        let slice = try ExecutionRoutes.read { () throws(StoreError) in
            let slice = try store.records(of: log.id, after: found.firstSeq - 1, bytesMax: 1)
            for revision in try PinnedRevisions.revisions(in: slice, from: graphs) { log.pinned.pin(revision) }
            return slice
        }
        var revision: GraphRevision?
        do {
            try slice.forEachRecord { record in
                guard revision == nil, case .scopeOpened(let opening) = try EventRecord(decoding: record).body else {
                    return
                }
                switch opening.topology {
                case .revision(let id, let number): revision = log.pinned[id, number]
                case .hosted(let tasks): revision = .hosted(tasks.map(\.name), in: outer.identity)
                case .nested: break
                }
            }
        } catch {
            throw Problem(500, "damaged_history", "The events of execution \(log.id) cannot be read: \(error).")
        }
        guard let revision else { throw missing }
        return revision
    }
}

/// Reads along the way to a scope, and then what a node did there.
struct ScopedInspection: Sendable {
    private var scan: LogScan
    private let links: [ScopeLink]
    /// How many scopes of the way have been entered.
    private var entered = 0
    /// Of the scope that was entered last.
    private var flow: StateFlow?
    /// What the next scope begins with: the input state of the node around it.
    private var input: State?
    private(set) var inspection: NodeInspection
    private var isDone = false
    /// The scopes that were opened at the place, one after the other.
    private var own: Set<Int32> = []
    private var index: Int?

    /// - Parameter links: at least one.
    init(_ scan: LogScan, _ links: [ScopeLink], rank: Int) {
        self.scan = scan
        self.links = links
        inspection = NodeInspection(graph: links[links.count - 1].revision.graph, rank: rank)
    }

    /// Reads some more.
    /// - Returns: whether there is more to read.
    mutating func step() throws(Problem) -> Bool {
        var scan = scan
        let isMore = try scan.readPiece { seq, record in take(record, seq) }
        self.scan = scan
        // The node around the next scope has begun: what lies between is not looked at.
        if input != nil, entered < links.count { self.scan.jump(to: links[entered].firstSeq) }
        return isMore && !isDone
    }

    /// The scope that the last one lies in.
    private var around: Int32 { links.count == 1 ? 0 : links[links.count - 2].scope }

    private var scope: Int32 { entered == 0 ? 0 : links[entered - 1].scope }

    /// - Returns: whether the next record is wanted.
    private mutating func take(_ record: EventRecord, _ seq: Int) -> Bool {
        guard entered == links.count else { return lead(record, seq) }
        let last = links[entered - 1]
        if record.scope == 0, record.body.isOfExecution {
            inspection.add(record, seq: seq)
        } else if own.contains(record.scope) {
            inspection.add(
                EventRecord(timestampMicroseconds: record.timestampMicroseconds, body: record.body), seq: seq)
        } else if case .scopeOpened(let opening) = record.body, opening.rank == last.rank, opening.index == index,
            record.scope == around
        {
            // In the place of one that failed.
            own.insert(opening.scope)
        }
        isDone = seq >= last.lastSeq ?? .max
        return !isDone
    }

    private mutating func lead(_ record: EventRecord, _ seq: Int) -> Bool {
        let next = links[entered]
        if case .scopeOpened(let opening) = record.body, record.scope == scope, opening.rank == next.rank,
            seq == next.firstSeq
        {
            enter(opening, record.timestampMicroseconds, seq)
            return true
        }
        guard record.scope == scope, input == nil else { return true }
        switch record.body {
        case .start(_, let initialState) where entered == 0 && flow == nil:
            flow = StateFlow(graph: graph, initialState: initialState)
        case .nodeStart(let rank, _):
            let state = flow?.input(ofRank: rank)
            guard rank == next.rank else { return true }
            input = state
            return false
        case .nodeComplete(let completion) where !completion.willRetry:
            _ = flow?.finish(rank: completion.rank, update: completion.update)
            flow?.take(completion.taken)
        default: break
        }
        return true
    }

    private var graph: Graph { inspectionGraph(entered) }

    private func inspectionGraph(_ count: Int) -> Graph {
        count == 0 ? scan.log.graph.graph : links[count - 1].revision.graph
    }

    private mutating func enter(_ opening: ScopeOpening, _ timestamp: Int64, _ seq: Int) {
        let inner = links[entered].revision.graph
        let base = opening.topology.isRevision ? inner.document.initialState : JSONObject()
        let initial = opening.state.laid(over: base) { input?.object ?? [:] }
        entered += 1
        input = nil
        if case .hosted(let tasks) = opening.topology {
            let states = HostedStates(initial: initial, tasks)
            if entered < links.count {
                input = State(initial: states.input(links[entered].rank))
            } else {
                inspection.host(states)
            }
        } else {
            flow = StateFlow(graph: inner, initialState: initial)
        }
        guard entered == links.count else { return }
        own = [opening.scope]
        index = opening.index
        inspection.add(
            EventRecord(timestampMicroseconds: timestamp, body: .start(attempt: 1, initialState: initial)), seq: seq)
    }
}

extension EventRecord.Body {
    /// It says something of the execution as a whole.
    fileprivate var isOfExecution: Bool {
        switch self {
        case .start, .complete, .error: true
        case .nodeStart, .nodeOutput, .signalled, .nodeComplete, .scopeOpened, .scopeClosed: false
        }
    }
}
