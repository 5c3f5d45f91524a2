// Where the time went within nodes: of each node on the critical path that runs graphs, the scope that took longest, down to the
// innermost. Each is read from its opening to its closing, which the history knows.

import Executions
import Graphs
import HTTP
import JSON

/// Reads an execution, and then the scopes that its time went into.
struct ScopedProfiles: Sendable {
    /// Scopes that are looked into for one answer.
    static let scopesMax = 64

    /// What is known of an execution, or of a scope of it.
    struct Scope: Sendable {
        let path: [PathStep]
        let graph: Graph
        let profile: Profile
        /// From the first start to its opening.
        let startMicroseconds: Int64
        /// By rank of nodes on the critical path: the scope there that took longest.
        var slowest: [Int: [PathStep]] = [:]
    }

    /// One that is to be read, or is being read.
    private struct Reading: Sendable {
        let path: [PathStep]
        let scope: Int32
        let revision: GraphRevision
        let lastSeq: Int
        var scan: LogScan
        var builder: ProfileBuilder
    }

    private let finder: ScopeFinder
    private let clock: any Clock
    private var reading: Reading?
    /// The node around it, and which of its scopes.
    private var next: [(outer: Reading, rank: Int, index: Int?)] = []
    private var found: [String: Scope] = [:]
    private var beganAtMicroseconds: Int64?

    init(_ finder: ScopeFinder, _ clock: any Clock) {
        self.finder = finder
        self.clock = clock
        let revision = finder.log.graph
        reading = Reading(
            path: [], scope: 0, revision: revision, lastSeq: .max, scan: LogScan(finder.log, from: finder.store),
            builder: ProfileBuilder(graph: revision.graph))
    }

    /// Once all is read. The empty path is the execution itself.
    subscript(path: [PathStep]) -> Scope? { found[Self.key(path)] }

    private static func key(_ path: [PathStep]) -> String { PathStep.json(path).description }

    /// Reads some more.
    /// - Returns: whether there is more to read.
    mutating func step() throws(Problem) -> Bool {
        guard var current = reading else { return try open() }
        reading = nil
        let isMore = try readPiece(&current)
        if isMore { reading = current } else { close(current) }
        return true
    }

    private func readPiece(_ reading: inout Reading) throws(Problem) -> Bool {
        var (scan, builder) = (reading.scan, reading.builder)
        let last = reading.lastSeq
        var isDone = false
        let isMore = try scan.readPiece { seq, record in
            builder.add(record)
            isDone = seq >= last
            return !isDone
        }
        (reading.scan, reading.builder) = (scan, builder)
        return isMore && !isDone
    }

    private mutating func close(_ read: Reading) {
        let profile = read.builder.profile(nowMicroseconds: clock.wallMicroseconds)
        let began = read.builder.beganAtMicroseconds
        beganAtMicroseconds = beganAtMicroseconds ?? began
        var scope = Scope(
            path: read.path, graph: read.revision.graph, profile: profile,
            startMicroseconds: max((began ?? 0) - (beganAtMicroseconds ?? 0), 0))
        let critical = Set(profile.criticalPath.compactMap(\.rank)).sorted()
        for rank in critical where read.revision.graph.nodes[rank].kind != GraphRevision.hostedKind {
            guard let slowest = read.builder.slowest[rank], found.count + next.count < Self.scopesMax else { continue }
            scope.slowest[rank] = Self.path(read, rank, slowest.index)
            next.append((read, rank, slowest.index))
        }
        found[Self.key(read.path)] = scope
    }

    /// Turns to the next scope. What is not kept any more is left out.
    private mutating func open() throws(Problem) -> Bool {
        guard let (outer, rank, index) = next.popLast() else { return false }
        let place = ScopePlace(NodeRef(scope: outer.scope, rank: rank), index: index)
        let stored = try ExecutionRoutes.read { () throws(StoreError) in
            try finder.store.scope(of: finder.log.id, at: place)
        }
        guard let stored, let last = stored.lastSeq else { return true }
        let revision: GraphRevision
        do throws(Problem) {
            revision = try finder.revision(of: stored, in: outer.revision, rank)
        } catch {
            guard error.details.status == 404 else { throw error }
            return true
        }
        var scan = LogScan(finder.log, from: finder.store, pieceBytes: LogScan.smallPieceBytesMax)
        scan.jump(to: stored.firstSeq)
        reading = Reading(
            path: Self.path(outer, rank, index), scope: stored.scope, revision: revision, lastSeq: last, scan: scan,
            builder: ProfileBuilder(graph: revision.graph, scope: stored.scope))
        return true
    }

    private static func path(_ outer: Reading, _ rank: Int, _ index: Int?) -> [PathStep] {
        outer.path + [PathStep(nodeID: outer.revision.graph.nodes[rank].id, index: index)]
    }
}
