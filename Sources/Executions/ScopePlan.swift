// What a node that runs graphs within itself does, as a value: which scopes it opens, one after the other, and what it makes
// of them. No I/O and no clock: what takes longer, or comes from outside, it asks for as work, and learns of later.

import Graphs
import JSON

/// The plan of one node of one execution, from its first attempt to its end. All it keeps of what was closed must follow from
/// the config of the node and from what it is told: after a restart it is told the same again.
package protocol ScopePlan: Sendable {
    /// A further attempt begins, or the execution was taken up again: what an earlier plan of the same node has learned from
    /// scopes stays true.
    mutating func takeOver(_ earlier: any ScopePlan)
    /// What another execution kept of scopes of this node: each that is wanted comes back by `PlanStep.takeOver`.
    mutating func takeOver(_ items: [TakenOverItem])
    /// An attempt has ended in error, and another one will follow.
    mutating func attemptEnded()
    /// What is to be done next.
    /// - Parameter openCount: scopes that are open now.
    mutating func next(openCount: Int) -> PlanStep
    /// What came of the work that `next` asked for.
    mutating func learned(_ news: Result<any Sendable, NodeFailure>)
    /// All nodes of a scope have ended, none of them in error: what is kept of it.
    func conclude(_ end: ScopeEnd) -> ScopeConclusion
    /// A scope was opened, by an earlier daemon.
    mutating func opened(_ opening: ScopeOpening, _ revision: GraphRevision)
    mutating func closed(_ closing: ScopeClosing)
}

package typealias PlanWork = @Sendable () async -> Result<any Sendable, NodeFailure>

package enum PlanStep: Sendable {
    case open(ScopeDraft)
    /// A scope of another execution is taken for one of this one, which need not be opened.
    case takeOver(TakenOverItem)
    /// Nothing, until a scope has closed.
    case wait
    /// To be done beside the execution; `learned` follows.
    case work(PlanWork)
    case done(update: JSONObject)
    /// What is open is cancelled, then the attempt ends so.
    case failed(NodeFailure)
}

extension ScopePlan {
    package mutating func takeOver(_ items: [TakenOverItem]) {}
}

/// A scope that is to be opened.
package struct ScopeDraft: Sendable {
    package let index: Int?
    package let total: Int?
    package let revision: GraphRevision
    package let topology: ScopeTopology
    package let state: ScopeState

    package init(
        index: Int?, total: Int? = nil, revision: GraphRevision, topology: ScopeTopology, state: ScopeState
    ) {
        self.index = index
        self.total = total
        self.revision = revision
        self.topology = topology
        self.state = state
    }
}

/// What a scope has come to.
package struct ScopeEnd: Sendable {
    package let index: Int?
    /// What its nodes contributed, apart from what it began with.
    package let changes: JSONObject
    package let final: State
}

package enum ScopeConclusion: Sendable {
    case value(JSONText)
    case failed(NodeFailure)
    /// It takes longer to find out.
    case work(@Sendable () async -> Result<JSONText, NodeFailure>)
}

/// A body whose attempts hold scopes.
package protocol ScopeBody: NodeBody {
    /// A plan that knows no more than the config: to be told what earlier daemons did.
    func emptyPlan() -> any ScopePlan
}

/// Where graphs that run within others are found.
package protocol InnerGraphs: AnyObject, Sendable {
    /// The current revision; never blocks.
    func current(_ id: String) -> GraphRevision?
    /// A revision that can run. Blocks.
    func runnable(_ number: Int, of id: String) -> Result<GraphRevision, NodeFailure>
    /// The same, without a thread that waits.
    func find(_ number: Int, of id: String) async -> Result<GraphRevision, NodeFailure>
    /// A revision for reading what it once ran. Blocks.
    func readable(_ number: Int, of id: String) throws(StoreError) -> GraphRevision?
}
