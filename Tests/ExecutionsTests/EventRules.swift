import Executions
import Graphs
import JSON

/// The rules that every sequence of events of one execution obeys, whatever happened to it.
struct EventRules {
    private struct NodeTrace {
        var undecided: Int
        var isTaken = false
        var attempts = 0
        var isRunning = false
        /// One of `max_parallel_nodes`.
        var holdsPlace = false
        var isRetrying = false
        var isEnded = false
    }

    private let graph: Graph
    private var nodes: [NodeTrace]
    private var running = 0
    private var failed: Set<Int> = []
    private var count = 0
    private var starts = 0
    private var isOver = false
    private(set) var violations: [String] = []

    /// - Parameter mustEnd: nobody stopped the execution, so each node must have ended.
    static func violations(of events: [EventRecord.Body], in graph: Graph, mustEnd: Bool) -> [String] {
        var rules = EventRules(graph)
        for event in events { rules.note(event) }
        rules.close(mustEnd: mustEnd)
        return rules.violations
    }

    /// How often the execution was started, and by rank how often a node was cut off, also when the events break off.
    static func story(of events: [EventRecord.Body], in graph: Graph) -> (starts: Int, interruptions: [Int: Int]) {
        var starts = 0
        var interruptions: [Int: Int] = [:]
        var running: Set<Int> = []
        func interrupt() {
            for rank in running where !graph.nodes[rank].parks { interruptions[rank, default: 0] += 1 }
            running = running.filter { graph.nodes[$0].parks }
        }
        for event in events {
            switch event {
            case .start:
                starts += 1
                interrupt()
            case .nodeStart(let rank, _): running.insert(rank)
            case .nodeComplete(let completion): running.remove(completion.rank)
            case .nodeOutput, .signalled, .complete, .error, .scopeOpened, .scopeClosed: break
            }
        }
        interrupt()
        return (starts, interruptions)
    }

    private init(_ graph: Graph) {
        self.graph = graph
        nodes = graph.incoming.map { NodeTrace(undecided: $0.count) }
    }

    private mutating func note(_ event: EventRecord.Body) {
        count += 1
        expect(!isOver, "an event follows the terminal one")
        switch event {
        case .start(let attempt, _): noteBegin(attempt)
        case .nodeStart(let rank, let attempt): noteStart(rank, attempt)
        case .nodeOutput(let rank, let attempt, ApprovalRules.questionChannel, _) where graph.nodes[rank].asks:
            expect(
                nodes[rank].isRunning && nodes[rank].attempts == attempt, "a question of \(rank) outside its attempt")
            expect(nodes[rank].holdsPlace, "\(rank) asks twice")
            leavePlace(rank)
        case .signalled(let rank, let attempt, _):
            expect(nodes[rank].isRunning && nodes[rank].attempts == attempt, "an answer to \(rank) outside its attempt")
            expect(!nodes[rank].holdsPlace, "\(rank) is answered before it asks")
        case .nodeOutput(let rank, let attempt, _, _):
            expect(nodes[rank].isRunning && nodes[rank].attempts == attempt, "output of \(rank) outside its attempt")
        case .nodeComplete(let completion): noteEnd(completion)
        case .complete(let status, _, let failedRanks):
            isOver = true
            expect(failedRanks == failed.sorted(), "failed nodes are those that ended in error")
            expect(status != .success || failed.isEmpty, "success with failed nodes")
            expect(status != .error || !failed.isEmpty, "error without failed nodes")
            expect([.success, .error, .cancelled].contains(status), "complete with status \(status)")
        case .error: isOver = true
        case .scopeOpened(let opening):
            expect(nodes[opening.rank].isRunning, "a scope opens in \(opening.rank), which does not run")
        case .scopeClosed(let closing):
            expect(nodes[closing.rank].isRunning, "a scope closes in \(closing.rank), which does not run")
        }
        expect(count > 1 || !nodes.isEmpty, "an execution has nodes")
    }

    /// A later start says that all that ran was interrupted.
    private mutating func noteBegin(_ attempt: Int) {
        starts += 1
        expect(attempt == starts, "starts are not counted one by one")
        expect((count == 1) == (attempt == 1), "start is the first event")
        for rank in nodes.indices where nodes[rank].isRunning && !graph.nodes[rank].parks {
            nodes[rank].isRunning = false
            leavePlace(rank)
        }
    }

    private mutating func leavePlace(_ rank: Int) {
        if nodes[rank].holdsPlace { running -= 1 }
        nodes[rank].holdsPlace = false
    }

    private mutating func noteStart(_ rank: Int, _ attempt: Int) {
        let node = nodes[rank]
        expect(node.undecided == 0, "\(rank) starts before its edges are decided")
        expect(node.isTaken || graph.incoming[rank].isEmpty, "\(rank) starts though no edge to it is taken")
        expect(!node.isRunning && !node.isEnded, "\(rank) starts while it runs or after its end")
        expect(attempt == node.attempts + 1, "attempts of \(rank) are not counted one by one")
        nodes[rank].attempts = attempt
        nodes[rank].isRunning = true
        nodes[rank].isRetrying = false
        // A delay waits from the start on.
        if graph.nodes[rank].parks, !graph.nodes[rank].asks { return }
        nodes[rank].holdsPlace = true
        running += 1
        expect(running <= graph.document.limits.maxParallelNodes, "more nodes run than may")
    }

    private mutating func noteEnd(_ completion: NodeCompletion) {
        let node = nodes[completion.rank]
        expect(!node.isEnded, "\(completion.rank) ends twice")
        expect(completion.attempt == node.attempts, "\(completion.rank) ends an attempt that does not run")
        let endsItsWait = node.isRetrying && completion.status == .cancelled
        expect(node.isRunning == (completion.attempt > 0) || endsItsWait, "\(completion.rank) ends without a start")
        expect(
            completion.attempt > 0 || [.skipped, .error, .cached].contains(completion.status),
            "a status without a start")
        expect(completion.status != .skipped || completion.attempt == 0, "a skipped node started")
        expect(node.undecided == 0, "\(completion.rank) ends before its edges are decided")
        let hasUpdate = completion.firstStatus == .success
        expect(hasUpdate || completion.update.isEmpty, "an update without success")
        expect(
            (completion.firstStatus == .error) == (completion.error != nil),
            "an error without a message, or the reverse")
        leavePlace(completion.rank)
        nodes[completion.rank].isRunning = false
        if completion.willRetry {
            expect(completion.status == .error && completion.taken.isEmpty, "a retry that is no failure")
            nodes[completion.rank].isRetrying = true
            return
        }
        nodes[completion.rank].isEnded = true
        if completion.firstStatus == .error { failed.insert(completion.rank) }
        expect(completion.taken == completion.taken.sorted(), "taken edges stand in order")
        for index in graph.outgoing[completion.rank] {
            nodes[graph.edges[index].to].undecided -= 1
            if completion.taken.contains(index) { nodes[graph.edges[index].to].isTaken = true }
        }
        expect(
            completion.taken.allSatisfy { graph.edges[$0].from == completion.rank }, "an edge of somebody else is taken"
        )
        expect(
            completion.taken.isEmpty || [.success, .error].contains(completion.firstStatus),
            "a node that did not run takes edges")
    }

    private mutating func close(mustEnd: Bool) {
        expect(isOver, "no terminal event")
        expect(running == 0, "a started attempt has no end")
        for (rank, node) in nodes.enumerated() {
            expect(!node.isRetrying || node.isEnded, "the last word on \(rank) is that it will be tried again")
        }
        for (rank, node) in nodes.enumerated() where mustEnd { expect(node.isEnded, "\(rank) never ended") }
    }

    private mutating func expect(_ isTrue: Bool, _ violation: @autoclosure () -> String) {
        if !isTrue { violations.append(violation() + " (event \(count))") }
    }
}
