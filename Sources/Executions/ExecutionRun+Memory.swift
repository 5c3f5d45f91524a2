// What a run has in the account of all executions, and how it waits for room in it.

import Graphs
import Synchronization

extension ExecutionRun {
    /// How often a run looks whether there is memory for its events again.
    private static let memoryLookMilliseconds: Int64 = 100

    /// What a run takes however small its state is.
    var ownBytes: Int { Self.runBytes + log.graph.graph.nodes.count * Self.nodeBytes }
    private static let runBytes = 2 << 10
    /// A node's place in the machine and in the flow of states, and small updates.
    private static let nodeBytes = 200

    /// It has a look at what it waits for.
    func wake() {
        let mustSchedule = inbox.withLock { inbox in
            inbox.isWoken = true
            return inbox.schedule()
        }
        if mustSchedule { environment.pool.step { self.process(&$0) } }
    }

    /// While the history cannot be written and memory is full of what waits for it, nothing starts: the run looks again later.
    func hasMemory() -> Bool {
        guard environment.memory.isExhausted else { return true }
        let mustWait = inbox.withLock { inbox in
            defer { inbox.isWaitingForMemory = true }
            return !inbox.isWaitingForMemory && !confined.isFinished
        }
        if mustWait {
            _ = environment.clock.schedule(afterMilliseconds: Self.memoryLookMilliseconds) { [self] in
                inbox.withLock { $0.isWaitingForMemory = false }
                wake()
            }
        }
        return false
    }

    /// While memory is full, those who may start nodes take turns.
    func hasTurn() -> Bool {
        guard environment.memory.isFull else { return true }
        confined.hasTurn = true
        return environment.turns.admits(self)
    }

    /// Another may start nodes once this one has ended, or only waits for a time to come.
    func leaveTurnIfIdle() {
        guard confined.hasTurn else { return }
        let onlyWaits = !confined.tree.canStart && !confined.tree.canAdvance && !hasRunningTasks
        guard confined.isFinished || onlyWaits || confined.pause != .none else { return }
        confined.hasTurn = false
        environment.turns.leave(self)
    }

    /// Whether a node does something, and not only waits.
    var hasRunningTasks: Bool {
        confined.tasks.contains { ref, node in node.task != nil || !node.holdsScopes && !node.rests && node.wait == nil
        }
    }

    /// Nothing of it runs or waits for a time: a node that holds scopes does neither by itself.
    var holdsNothing: Bool {
        confined.judgements.isEmpty && confined.waitingJudgements.isEmpty
            && confined.tasks.values.allSatisfy { ($0.holdsScopes || $0.rests) && $0.task == nil }
    }

    /// What lies in the inbox is the run's from now on.
    func takeOutputs(_ inbox: inout Inbox) -> [ExecutionTree.Input] {
        let (outputs, bytes) = inbox.takeOutputs()
        if bytes > 0 { environment.memory.change(.outputs, by: -bytes) }
        return outputs
    }
}
