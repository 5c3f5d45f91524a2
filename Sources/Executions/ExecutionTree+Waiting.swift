// Waits in a tree: whether there is anything else, and how answers reach the node that asks.

import Graphs
import JSON

extension ExecutionTree {
    /// Whether all that is open waits for a time or for people: nothing runs, nothing could start.
    var onlyWaits: Bool {
        guard root.onlyWaits else { return false }
        return isFlat
            || plans.isEmpty && holdings.values.allSatisfy { $0.isActive && !$0.isWorking }
                && scopes.values.allSatisfy { !$0.isConcluding && $0.machine.onlyWaits }
    }

    /// Takes in an answer, unless it does not count.
    package mutating func take(_ answer: Answer, _ ref: NodeRef, at now: UInt64) -> AnswerVerdict {
        if let host = hosts[ref.scope] { return takeHosted(answer, ref, of: host, at: now) }
        let verdict = modify(ref.scope) { $0.take(answer, rank: Int(ref.rank), at: now) }
        if ref.scope != 0 || !isFlat { settle(ref.scope, at: now) }
        return verdict ?? .notWaiting
    }

    /// The way to a scope, as events show it.
    func pathElements(_ scope: Int32) -> [JSONText] {
        guard scope != 0, let inner = scopes[scope], let revision = revision(inner.parent.scope) else { return [] }
        let id = JSONText(revision.graph.nodes[Int(inner.parent.rank)].id)
        return pathElements(inner.parent.scope) + [id] + (inner.index.map { [JSONText($0)] } ?? [])
    }
}
