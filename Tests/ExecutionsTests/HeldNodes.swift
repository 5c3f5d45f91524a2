import Executions
import JSON
import Synchronization

/// Bodies that wait until the test lets them go, or until they are cancelled.
final class HeldNodes: Sendable {
    private struct Guarded {
        var calls: [String: NodeCall] = [:]
        var held: [String: CheckedContinuation<NodeOutcome, Never>] = [:]
        var awaited: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var cancelled: Set<String> = []
        var arrivals = 0
    }
    private let guarded = Mutex(Guarded())

    /// Waits in `start`, keyed by execution and node.
    var body: any NodeBody {
        ClosureBody { call in .waiting { await self.hold(call) } }
    }

    /// How many attempts have begun to wait, ever.
    var arrivals: Int { guarded.withLock { $0.arrivals } }

    /// Suspends until so many attempts have begun to wait.
    func arrivals(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isDone = guarded.withLock { guarded in
                if guarded.arrivals >= count { return true }
                guarded.awaited.append((count, continuation))
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    func release(_ nodeID: String, in log: EventLog, _ outcome: NodeOutcome = .success(update: [:])) {
        take(key(log.id, nodeID))?.resume(returning: outcome)
    }

    func releaseAll(_ outcome: NodeOutcome = .success(update: [:])) {
        for key in guarded.withLock({ Array($0.held.keys) }) { take(key)?.resume(returning: outcome) }
    }

    /// The door for the output of a node that waits, or has waited.
    func output(_ nodeID: String, in log: EventLog) -> NodeOutput? {
        guarded.withLock { $0.calls[key(log.id, nodeID)]?.output }
    }

    private func hold(_ call: NodeCall) async -> NodeOutcome {
        let key = key(call.executionID, call.nodeID)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isCancelled, reached) = guarded.withLock { arrive(call, key, continuation, &$0) }
                if isCancelled { continuation.resume(returning: .failure(NodeFailure("cancelled"))) }
                for waiter in reached { waiter.resume() }
            }
        } onCancel: {
            guarded.withLock { _ = $0.cancelled.insert(key) }
            take(key)?.resume(returning: .failure(NodeFailure("cancelled")))
        }
    }

    private func arrive(
        _ call: NodeCall, _ key: String, _ continuation: CheckedContinuation<NodeOutcome, Never>,
        _ guarded: inout Guarded
    ) -> (Bool, [CheckedContinuation<Void, Never>]) {
        let isCancelled = guarded.cancelled.remove(key) != nil
        guarded.calls[key] = call
        if !isCancelled { guarded.held[key] = continuation }
        guarded.arrivals += 1
        let arrivals = guarded.arrivals
        defer { guarded.awaited.removeAll { $0.count <= arrivals } }
        return (isCancelled, guarded.awaited.filter { $0.count <= arrivals }.map(\.continuation))
    }

    private func take(_ key: String) -> CheckedContinuation<NodeOutcome, Never>? {
        guarded.withLock { $0.held.removeValue(forKey: key) }
    }

    private func key(_ execution: ExecutionID, _ nodeID: String) -> String { "\(execution) \(nodeID)" }
}
