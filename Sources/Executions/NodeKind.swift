import Graphs
import JSON

/// A kind of node: what its config looks like and how a config becomes something that runs.
///
/// A kind is a value without state of its own per node; `compile` is called once per graph revision.
package protocol NodeKind: Sendable {
    /// The name that documents use, such as `python`.
    var name: String { get }
    var title: String { get }
    var summary: String { get }
    /// The JSON Schema (2020-12, the subset of `ConfigSchema`) of `config`.
    var configSchema: JSONText { get }
    /// Whether a node of this kind can run code of the author's choice with the daemon's rights.
    var runsCode: Bool { get }

    /// Checks what a schema cannot say, and makes the body that runs. Pointers of the faults are relative to `config`.
    func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody
    /// The Python in a config that compiles. Pointers are relative to it.
    func code(in config: JSONObject) -> [NodeCode]
}

extension NodeKind {
    package func code(in config: JSONObject) -> [NodeCode] { [] }
}

/// A kind whose nodes run graphs within themselves.
package protocol ScopeKind: NodeKind {
    /// - Parameter nested: the nodes that stand in the config, compiled; nil where the config is only checked.
    func compile(_ config: JSONObject, nested: GraphRevision?) throws(GraphFaults) -> any NodeBody
}

extension ScopeKind {
    package func compile(_ config: JSONObject, files: GraphFiles) throws(GraphFaults) -> any NodeBody {
        try compile(config, nested: nil)
    }
}

/// One node of one graph revision, ready to run any number of times, at once too.
package protocol NodeBody: Sendable {
    /// Begins one attempt. A body that is done at once says so; one that waits returns the work, and holds no thread meanwhile.
    func start(_ call: NodeCall) -> NodeStart
    /// Whether an attempt needs nothing but the processor, and little of that: no timer, no child, nobody's answer.
    var onlyComputes: Bool { get }
    /// What every attempt gives, if that is always the same: `start` need not be called then.
    var constantUpdate: JSONObject? { get }
    /// Whether an attempt first waits for something that is not its own, such as a worker: its time, and `timeout_ms`, count
    /// from `NodeOutput.began` on, and what came before is spent in the queue.
    var startsLater: Bool { get }
    /// Whether its worker runs a graph, whose tasks may ask.
    var hosts: Bool { get }
    /// Of a delay: how long it takes, whether or not a daemon runs meanwhile.
    var delayMilliseconds: Int64? { get }
    /// Of a body whose attempts ask somebody (`NodeOutcome.asks`): how answers are dealt with.
    var approval: ApprovalRules? { get }
}

extension NodeBody {
    package var onlyComputes: Bool { false }
    package var constantUpdate: JSONObject? { nil }
    package var startsLater: Bool { false }
    package var hosts: Bool { false }
    package var delayMilliseconds: Int64? { nil }
    package var approval: ApprovalRules? { nil }
}

package enum NodeStart: Sendable {
    case finished(NodeOutcome)
    /// Runs as a task of its own on the worker pool. Cancelling that task is how a timeout or a cancel arrives; the work
    /// returns once nothing of it is left (a process tree has ended), in any case within two seconds.
    case waiting(@Sendable () async -> NodeOutcome)
    /// Holds no task meanwhile, only a time, and a restart of the daemon does not interrupt it: of a node that `parks`.
    case parked(NodeWait)
    /// Runs graphs within itself: of a body that is a `ScopeBody`. The state is the call's.
    case composed(any ScopePlan, State)
}

extension GraphNode {
    /// Whether its attempts are nothing but waits. Told by its kind, so that whoever only reads records knows it too.
    package var parks: Bool { kind == "delay" || asks }
    /// Whether it waits for people.
    package var asks: Bool { kind == "approval" }
}

/// What a parked node waits for: until so long after its `node_start`, whatever daemon runs then. It succeeds with an empty
/// update.
package struct NodeWait: Sendable, Equatable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }
}

/// How one attempt ended, before the engine adds retry, timeout and cancel.
package enum NodeOutcome: Sendable {
    case success(update: JSONObject)
    /// The same, and one of the next nodes goes on alone: its id or name.
    case chose(update: JSONObject, next: String)
    /// A success with something to say of it.
    case told(update: JSONObject, details: JSONObject)
    case failure(NodeFailure)
    /// It goes on once somebody has answered: of a body with `approval`.
    case asks(Question)
    /// The daemon is about to stop, and the graph that its worker hosts stands at a place where the next one goes on.
    case left
}

/// What one attempt of a node gets.
package struct NodeCall: Sendable {
    package let executionID: ExecutionID
    package let graph: GraphIdentity
    package let nodeID: String
    /// Of a node in a scope: the ids of the enclosing nodes from the outside in, each with its index where it has one, and a
    /// slash behind each. Empty in scope 0.
    package let path: String
    /// 1 for the first attempt.
    package let attempt: Int
    /// The input state: the initial state and the updates of all ancestors.
    package let state: State
    /// Where `node_output` events go, while the attempt runs.
    package let output: NodeOutput
    /// The trace that the execution belongs to, with a span of this attempt.
    package let trace: TraceParent?
    /// Whether an attempt of which nobody knows how far it got may be begun again.
    package let isIdempotent: Bool
    /// Whether it is to run in a process that nothing has run in before; for the kinds that keep processes.
    package let hasFreshProcess: Bool
    /// The attempt ends if it puts out nothing for so long; the kinds that can be silent see to it.
    package let idleTimeoutMilliseconds: Int?
    /// For what computes inside the daemon; nil: without a bound.
    package let room: ProgramRoom?
    /// Of any state of the execution.
    package let stateBytesMax: Int
    /// Of a graph that the node's worker hosts: what an earlier attempt has left; `opened` makes it readable.
    package internal(set) var kept: JSONText?
    let opening: CheckpointOpening
    /// Of such a graph too: its thread, and what is laid over its config.
    package let thread: String?
    package let config: JSONObject
    package let drain: DrainSignal?
    /// What language models may use up in this execution.
    package let tokens: TokenAccount?

    /// The same for all attempts of this node in this execution, also across restarts of the daemon: what a side effect can be
    /// made idempotent by.
    package var idempotencyKey: String { "\(executionID)/\(path)\(nodeID)" }

    package init(
        executionID: ExecutionID, graph: GraphIdentity, nodeID: String, path: String = "", attempt: Int, state: State,
        output: NodeOutput,
        trace: TraceParent? = nil, isIdempotent: Bool = true, hasFreshProcess: Bool = false,
        idleTimeoutMilliseconds: Int? = nil, room: ProgramRoom? = nil,
        stateBytesMax: Int = ExecutionLimits().stateBytesMax, kept: JSONText? = nil,
        opening: CheckpointOpening = CheckpointOpening(nil), thread: String? = nil, config: JSONObject = [:],
        drain: DrainSignal? = nil, tokens: TokenAccount? = nil
    ) {
        self.tokens = tokens
        self.drain = drain
        self.kept = kept
        self.opening = opening
        self.thread = thread
        self.config = config
        self.executionID = executionID
        self.graph = graph
        self.nodeID = nodeID
        self.path = path
        self.attempt = attempt
        self.state = state
        self.output = output
        self.trace = trace
        self.isIdempotent = isIdempotent
        self.hasFreshProcess = hasFreshProcess
        self.idleTimeoutMilliseconds = idleTimeoutMilliseconds
        self.room = room
        self.stateBytesMax = stateBytesMax
    }
}

/// The door through which a running node emits `node_output` events. What comes after the attempt's end is dropped.
package struct NodeOutput: Sendable {
    private enum Target: Sendable {
        case run(ExecutionRun, NodeRef, attempt: Int)
        case other(
            began: @Sendable () -> Void, standsStill: @Sendable (_ isSetBack: Bool) -> Void,
            send: @Sendable (_ channel: String, _ data: JSONText) -> Void)
    }
    private let target: Target

    init(run: ExecutionRun, _ ref: NodeRef, attempt: Int) {
        target = .run(run, ref, attempt: attempt)
    }

    package init(
        began: @escaping @Sendable () -> Void = {},
        standsStill: @escaping @Sendable (_ isSetBack: Bool) -> Void = { _ in },
        _ send: @escaping @Sendable (_ channel: String, _ data: JSONText) -> Void
    ) {
        target = .other(began: began, standsStill: standsStill, send: send)
    }

    /// Of a body that `startsLater`: what is the node's own begins now, or goes on after it stood still. Other calls change
    /// nothing.
    package func began() {
        switch target {
        case .run(let run, let ref, let attempt):
            run.post(.nodeBegan(rank: Int(ref.rank), attempt: attempt), in: ref.scope)
        case .other(let began, _, _): began()
        }
    }

    /// Of a body that `startsLater` and has begun: its time does not count until it goes on.
    /// - Parameter isSetBack: it will begin anew, and nothing of its time so far counts.
    package func standsStill(isSetBack: Bool = false) {
        switch target {
        case .run(let run, let ref, let attempt):
            let news = RunMachine.Input.nodeStandsStill(rank: Int(ref.rank), attempt: attempt, isSetBack: isSetBack)
            run.post(news, in: ref.scope)
        case .other(_, let standsStill, _): standsStill(isSetBack)
        }
    }

    /// The rank of a node of scope 0 in its execution; nil of any other.
    package var rank: Int? {
        if case .run(_, let ref, _) = target, ref.scope == 0 { Int(ref.rank) } else { nil }
    }

    /// What the worker of the node says of the graph that it hosts.
    /// - Parameter bytes: the size of that, about.
    package func host(_ news: HostedNews, bytes: Int) {
        if case .run(let run, let ref, let attempt) = target {
            run.postHosted(ref, attempt: attempt, news, bytes: bytes)
        }
    }

    /// - Parameter channel: `log`, `stdout`, `stderr`, `chunk`, or a name of the node's own.
    package func emit(_ channel: String, _ data: JSONText) {
        switch target {
        case .run(let run, let ref, let attempt):
            run.postOutput(ref, attempt: attempt, channel: channel, data: data)
        case .other(_, _, let send):
            send(channel, data)
        }
    }
}

/// Which revision of which graph an execution runs, and what belongs to it beside the document.
package final class GraphIdentity: Sendable {
    package let id: String
    package let revision: Int
    /// The files that the document names, and those that they import.
    package let files: GraphFiles
    /// The folder that the document came from: the working directory of its children. Nil when it came by the API and no
    /// graphs folder is configured.
    package let folder: String?
    /// What runs its Python nodes, an absolute path; nil: what the configuration says.
    package let interpreter: String?

    package init(id: String, revision: Int, files: GraphFiles, folder: String?, interpreter: String? = nil) {
        self.id = id
        self.revision = revision
        self.files = files
        self.folder = folder
        self.interpreter = interpreter
    }
}
