// A rerun that begins within a graph that a worker hosts: the steps before one are taken over from an earlier execution, with
// what its worker wanted kept at the beginning of that one.

import JSON

/// Of one node of an earlier execution, what led to a step of the graph that its worker hosted.
package struct HostedSteps: Sendable {
    /// A step, in the order in which things were told. Scopes are those of the earlier execution.
    struct Step: Sendable {
        var openings: [(parent: Int32, ScopeOpening)] = []
        var completions: [(scope: Int32, NodeCompletion)] = []
        var closings: [(parent: Int32, ScopeClosing)] = []
    }

    /// What is taken over at the most, as far as memory goes.
    private static let bytesMax = HostedRuns.keptBytesMax

    let rank: Int
    let index: Int
    /// Steps that have ended well, by index.
    private var ended: [Int: Step] = [:]
    /// By scope: steps that have not.
    private var open: [Int32: Step] = [:]
    /// Of scopes of one task within a step: the scope of that.
    private var around: [Int32: Int32] = [:]
    /// How the step itself began.
    private(set) var beginning: ScopeOpening?
    private var byteCount = 0
    /// What the state is changed by there.
    package var edits: JSONObject = [:]

    init(rank: Int, index: Int) {
        self.rank = rank
        self.index = index
    }

    /// Whether the execution has come to the step.
    package var isFound: Bool { beginning != nil }
    package var isTooLarge: Bool { byteCount > Self.bytesMax }

    /// Those before the one, in their order.
    var steps: [Step] { ended.filter { $0.key < index }.sorted { $0.key < $1.key }.map(\.value) }

    mutating func take(_ record: EventRecord) {
        guard !isTooLarge else { return }
        let scope = record.scope
        switch record.body {
        case .scopeOpened(let opening) where opening.topology.isHosted:
            if scope == 0, opening.rank == rank {
                byteCount += opening.kept?.content?.bytes.count ?? 0
                if opening.index == index, open[opening.scope] == nil { beginning = opening }
                open[opening.scope, default: Step()].openings.append((0, opening))
            } else if opening.total != nil, let step = open[scope] == nil ? around[scope] : scope {
                around[opening.scope] = step
                open[step]?.openings.append((scope, opening))
            }
        case .nodeComplete(let completion) where [.success, .cached].contains(completion.status):
            guard let step = open[scope] == nil ? around[scope] : scope else { return }
            byteCount += completion.update.byteCount
            open[step]?.completions.append((scope, completion))
        case .scopeClosed(let closing):
            if let step = around[closing.scope] {
                open[step]?.closings.append((scope, closing))
            } else if var step = open.removeValue(forKey: closing.scope), let index = closing.index {
                step.closings.append((scope, closing))
                if [.success, .cached].contains(closing.status) { ended[index] = step }
            }
        default: break
        }
    }
}

extension ExecutionTree {
    /// A node has begun, whose graph goes on behind steps of an earlier execution: they are told as taken over.
    mutating func takeOverSteps(_ start: RunMachine.Start, at now: UInt64) {
        guard case .steps(let taken) = root.takeover.hosted[start.rank] else { return }
        let host = NodeRef(scope: 0, rank: start.rank)
        guard hosted[host] == nil, let beginning = taken.beginning else { return }
        settle(0, at: now)
        let runs = hostedRuns(of: host, start.attempt)
        var scopes: [Int32: Int32] = [0: 0]
        for step in taken.steps {
            for (parent, opening) in step.openings {
                if scopes[opening.scope] == nil {
                    lastScope += 1
                    scopes[opening.scope] = lastScope
                }
                guard let parent = scopes[parent] else { continue }
                if let kept = opening.kept { runs.keep(kept) }
                open(opening, as: scopes[opening.scope] ?? 0, in: parent, start.attempt)
            }
            for (scope, completion) in step.completions {
                guard let scope = scopes[scope] else { continue }
                effects.append(.inScope(scope, .emit(.nodeComplete(completion.takenOver))))
            }
            for (parent, closing) in step.closings {
                guard let scope = scopes[closing.scope], let parent = scopes[parent] else { continue }
                let copy = ScopeClosing(
                    scope: scope, rank: closing.rank, attempt: start.attempt, index: closing.index, status: .cached,
                    durationMicroseconds: 0, value: .null, failure: nil)
                effects.append(.inScope(parent, .emit(.scopeClosed(copy))))
            }
        }
        begin(beginning, taken.edits, host, runs, at: now)
    }

    private mutating func open(_ opening: ScopeOpening, as scope: Int32, in parent: Int32, _ attempt: Int) {
        let copy = ScopeOpening(
            scope: scope, rank: opening.rank, attempt: attempt, index: opening.index, total: opening.total,
            topology: opening.topology, state: opening.state, kept: opening.kept)
        effects.append(.inScope(parent, .emit(.scopeOpened(copy))))
    }

    /// The step from which on it runs; the worker says which tasks it has.
    private mutating func begin(
        _ opening: ScopeOpening, _ edits: JSONObject, _ host: NodeRef, _ runs: HostedRuns, at now: UInt64
    ) {
        guard let index = opening.index, let kept = opening.kept else { return }
        var content = kept.content?.object ?? [:]
        if !edits.isEmpty { content["edits"] = JSONText(edits) }
        let changed = HostedKept(space: kept.space, content: JSONText(content))
        runs.keep(changed)
        let state = opening.state.laid(over: [:]) { runs.input }
        let place = HostedRuns.Place(parent: host, index: index)
        guard let scope = try? step(at: place, state, host, runs, space: kept.space, at: now) else { return }
        let copy = ScopeOpening(
            scope: scope, rank: Int(host.rank), attempt: runs.attempt, index: index, topology: .hosted([]),
            state: opening.state, kept: changed)
        effects.append(.inScope(0, .emit(.scopeOpened(copy))))
    }
}

extension NodeCompletion {
    /// The same as the result of another execution.
    fileprivate var takenOver: NodeCompletion {
        var notes: CompletionNotes?
        if let hosted = self.notes?.hosted, !hosted.output.isEmpty {
            notes = CompletionNotes()
            notes?.hosted = HostedNotes(output: hosted.output)
        }
        return NodeCompletion(rank: rank, attempt: 0, status: .cached, update: update, notes: notes)
    }
}
