// What has happened to a run and was not looked at yet, from whatever thread.

import JSON
import Synchronization

extension ExecutionRun {
    struct Inbox {
        /// What nodes put out, apart from all else: it must be taken before the end of an attempt that ran inline.
        var outputs: [ExecutionTree.Input] = []
        /// The size of what lies in `outputs`.
        var outputBytes: [NodeRef: Int] = [:]
        var inputs: [ExecutionTree.Input] = []
        var answers: [Answering] = []
        var afterStep: [@Sendable () -> Void] = []
        var isScheduled = false
        var pause = Pause.none
        /// Paused, and nothing of it runs any more.
        var isQuiet = false
        var isWaitingForMemory = false
        /// Counts what it begins with until its machine does.
        var reservation: MemoryCharge?
        var news = Deaths.News()
        var dropping: Set<NodeRef> = []

        /// What it waited for may be there.
        var isWoken = false
        /// It has given its place back, has asked for another, and gets it now.
        var isGivenPlace = false
        /// All of it waits, and nothing has come since.
        var mayLeave = false
        /// It has left memory: nothing reaches it any more.
        var hasLeft = false
        /// It has ended, and wants no place any more.
        var isOver = false

        var isEmpty: Bool { outputs.isEmpty && inputs.isEmpty && answers.isEmpty && !isWoken }

        /// Whether the caller must give the run to the pool.
        mutating func schedule() -> Bool {
            defer { isScheduled = true }
            isQuiet = false
            return !isScheduled
        }

        /// While the history cannot be written and memory is full, one word takes the place of all output of an attempt.
        /// - Returns: whether the caller must give the run to the pool.
        mutating func drop(_ ref: NodeRef, _ attempt: Int) -> Bool {
            guard dropping.insert(ref).inserted else { return false }
            let word: JSONText =
                "output is dropped: the history cannot be written, and memory is full of what waits for it"
            outputs.append(
                .inScope(
                    ref.scope, .nodeOutput(rank: Int(ref.rank), attempt: attempt, channel: "log", data: word)))
            return schedule()
        }

        /// - Returns: them, and their size.
        mutating func takeOutputs() -> ([ExecutionTree.Input], bytes: Int) {
            guard !outputs.isEmpty else { return ([], 0) }
            defer {
                outputs = []
                outputBytes = [:]
            }
            return (outputs, outputBytes.values.reduce(0, +))
        }
    }

    /// What the worker of a node says of the graph that it hosts. None of it can be left out: a worker that says more than can be
    /// taken fails its node.
    func postHosted(_ ref: NodeRef, attempt: Int, _ news: HostedNews, bytes: Int) {
        // On the thread of the attempt, not on that of the run.
        let news = environment.seal?.seal(news) ?? news
        let mustSchedule = inbox.withLock { inbox in
            let before = inbox.outputBytes[ref, default: 0]
            guard before <= Self.hostedBytesMax else { return false }
            inbox.outputBytes[ref] = before + bytes
            environment.memory.change(.outputs, by: bytes)
            let isExcess = before + bytes > Self.hostedBytesMax
            inbox.outputs.append(
                .hosted(ref, attempt: attempt, isExcess ? .fault(.hosted("says too much at once")) : news))
            return inbox.schedule()
        }
        if mustSchedule { environment.pool.step { self.process(&$0) } }
    }

    /// Of what the worker of one node has said and nobody has looked at yet.
    private static let hostedBytesMax = 128 << 20

    /// Beyond the limit of an attempt's output nothing is kept, even if the run gets to look at it only much later: the
    /// machine, when it sees what came before, drops the rest all the same.
    func postOutput(_ ref: NodeRef, attempt: Int, channel: String, data: JSONText) {
        let bytes = RunMachine.outputBytes(channel: channel, data: data)
        let isExhausted = environment.memory.isExhausted
        let mustSchedule = inbox.withLock { inbox in
            let before = inbox.outputBytes[ref, default: 0]
            guard before <= limits.outputBytesMax else { return false }
            guard !isExhausted else { return inbox.drop(ref, attempt) }
            inbox.dropping.remove(ref)
            inbox.outputBytes[ref] = before + bytes
            environment.memory.change(.outputs, by: bytes)
            inbox.outputs.append(
                .inScope(
                    ref.scope,
                    .nodeOutput(rank: Int(ref.rank), attempt: attempt, channel: channel, data: data)))
            return inbox.schedule()
        }
        if mustSchedule { environment.pool.step { self.process(&$0) } }
    }
}
