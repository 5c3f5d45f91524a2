import Executions
import Graphs

/// What the kinds need to know of the daemon.
package struct NodeSettings: Sendable {
    package var clock: any Clock
    package var launcher: any ProcessLauncher
    package var python: PythonWorkers
    /// What children of process nodes start from.
    package var environment: ChildrenEnvironment
    /// Nil: code is not compiled before it runs.
    package var syntax: PythonSyntax?
    package var lua: LuaLimits
    /// Names of the kinds that graphs may use; `*` stands for all.
    package var enabled: [String]
    /// Nodes that a graph may have.
    package var nodeCountMax: Int
    /// Graphs that run within others; nil where there are none.
    package var graphs: (any InnerGraphs)?
    /// Where files of items are read; nil where none are.
    package var lane: BlockingLane?
    /// What requests are sent by; nil where there are no kinds that send any.
    package var http: HTTPNodeSettings?
    package var llm: LLMNodeSettings?

    package init(
        clock: any Clock, launcher: any ProcessLauncher, python: PythonWorkers,
        environment: ChildrenEnvironment = .daemon, syntax: PythonSyntax? = nil, lua: LuaLimits = .node,
        enabled: [String] = ["*"], nodeCountMax: Int = GraphBounds.nodeCountMax, graphs: (any InnerGraphs)? = nil,
        lane: BlockingLane? = nil, http: HTTPNodeSettings? = nil, llm: LLMNodeSettings? = nil
    ) {
        self.python = python
        self.environment = environment
        self.syntax = syntax
        self.clock = clock
        self.launcher = launcher
        self.lua = lua
        self.enabled = enabled
        self.nodeCountMax = nodeCountMax
        self.graphs = graphs
        self.lane = lane
        self.http = http
        self.llm = llm
    }
}

extension NodeKinds {
    /// All kinds that there are, less those that are not enabled.
    package static func standard(_ settings: NodeSettings) -> NodeKinds {
        let templates: TemplateSource = { source throws(NodeFailure) in
            let template = try Template(source)
            return { call in await template.render(call.state, room: call.room) }
        }
        let asking: [(any NodeKind)?] = [
            settings.http.map { HTTPKind(settings: $0, clock: settings.clock) },
            settings.llm.map { LLMKind(settings: $0, clock: settings.clock) },
        ]
        return NodeKinds(
            [
                SetKind(), DelayKind(), ApprovalKind(), LuaKind(limits: settings.lua),
                PythonKind(workers: settings.python), LangGraphKind(workers: settings.python),
                WorkerKind(workers: settings.python),
                ProcessKind(
                    launcher: settings.launcher, clock: settings.clock, environment: settings.environment,
                    python: settings.python.settings, templates: templates),
                GraphKind(graphs: settings.graphs), MapKind(graphs: settings.graphs, lane: settings.lane),
                RepeatKind(graphs: settings.graphs),
            ] + asking.compactMap(\.self), enabled: settings.enabled, nodeCountMax: settings.nodeCountMax,
            syntax: settings.syntax,
            python: settings.python)
    }
}
