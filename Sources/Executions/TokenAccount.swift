import Graphs
import JSON
import Synchronization

/// What language models have used up in one execution, and may (`limits.tokens`).
package final class TokenAccount: Sendable {
    package let tokensMax: Int?
    private let count = Mutex(0)

    package init(tokensMax: Int?) {
        self.tokensMax = tokensMax
    }

    package var used: Int { count.withLock { $0 } }

    package func add(_ tokens: Int) {
        count.withLock { $0 = $0.addingReportingOverflow(max(tokens, 0)).partialValue }
    }

    /// Why nothing more may be asked for.
    package var refusal: NodeFailure? {
        guard let tokensMax, used >= tokensMax else { return nil }
        return NodeFailure("the execution has used up its limits.tokens (\(tokensMax))")
    }

    /// Why what was asked for is too much.
    package var excess: NodeFailure? {
        guard let tokensMax, used > tokensMax else { return nil }
        return NodeFailure("the execution has used \(used) tokens, more than its limits.tokens (\(tokensMax))")
    }

    /// Takes in what an earlier daemon has recorded.
    func restore(_ body: EventRecord.Body, _ graph: Graph?) {
        guard tokensMax != nil, case .nodeComplete(let completion) = body, let graph,
            graph.nodes.indices.contains(completion.rank), graph.nodes[completion.rank].kind == "llm",
            let total = completion.details["usage"]?["total_tokens"]?.int
        else { return }
        add(total)
    }
}
