import Synchronization

/// Tells the calls of one execution that host graphs that the daemon is about to stop: what can end at a good place does so, and
/// begins again there under the next one.
package final class DrainSignal: Sendable {
    private struct Guarded {
        var isTold = false
        var actions: [@Sendable () -> Void] = []
    }
    private let guarded = Mutex(Guarded())

    package init() {}

    /// Calls `action` once the daemon is about to stop; at once if it is.
    package func whenDraining(_ action: @escaping @Sendable () -> Void) {
        let isTold = guarded.withLock { guarded in
            if !guarded.isTold { guarded.actions.append(action) }
            return guarded.isTold
        }
        if isTold { action() }
    }

    func tell() {
        let actions = guarded.withLock { guarded in
            guarded.isTold = true
            defer { guarded.actions = [] }
            return guarded.actions
        }
        for action in actions { action() }
    }
}

extension ExecutionRun {
    /// What a node's worker hosts has ended where it goes on later. It counts as interrupted; nobody tells more of it.
    func leave(_ ref: NodeRef) {
        confined.tasks.removeValue(forKey: ref)?.cancelTimers()
    }
}
