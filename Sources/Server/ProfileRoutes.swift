import Executions
import Graphs
import HTTP
import JSON

/// Where the time went, of an execution and of the last ones of a graph.
enum ProfileRoutes {
    static func execution(_ call: Call) throws(Problem) {
        let environment = call.server.service.environment
        try ExecutionRoutes.withLog(call) { (call, log) throws(Problem) in
            let finder = ScopeFinder(log: log, store: call.server.store, graphs: environment.innerGraphs)
            call.offload(ScopedProfiles(finder, environment.clock)) { work throws(Problem) in
                try work.step() ? nil : .json(json(work, log))
            }
        }
    }

    private static func json(_ profiles: ScopedProfiles, _ log: EventLog) -> JSONObject {
        guard let whole = profiles[[]] else { return [:] }
        let profile = whole.profile
        // The events that were read may be older than the summary.
        let summary = log.summary.status
        let status: ExecutionStatus = summary.isFinished && !profile.isFinal ? .running : summary
        var members: JSONObject = [
            "execution_id": JSONText(log.id.description), "graph_id": JSONText(log.graph.identity.id),
            "graph_revision": JSONText(log.graph.identity.revision), "status": JSONText(status.rawValue),
            "wall_ms": JSONText(milliseconds: profile.wall), "is_final": JSONText(profile.isFinal),
        ]
        for (key, value) in json(whole, profiles) { members[key] = value }
        return members
    }

    /// `nodes`, `critical_path` and `bottleneck` of an execution or a scope.
    private static func json(_ scope: ScopedProfiles.Scope, _ profiles: ScopedProfiles) -> JSONObject {
        let (graph, profile) = (scope.graph, scope.profile)
        let nodes = profile.nodes.enumerated().map { rank, node -> JSONText in
            var members = json(node, graph.nodes[rank])
            if let slowest = scope.slowest[rank].flatMap({ profiles[$0] }) {
                members["slowest"] = json(slowest, profiles)
            }
            return JSONText(members)
        }
        return [
            "nodes": JSONText(array: nodes),
            "critical_path": JSONText(array: profile.criticalPath.map { json($0, graph) }),
            "bottleneck": profile.bottleneck.map { json($0, profile, graph) } ?? .null,
        ]
    }

    /// The scope of a node that took longest.
    private static func json(_ scope: ScopedProfiles.Scope, _ profiles: ScopedProfiles) -> JSONText {
        var members: JSONObject = [
            "path": PathStep.json(scope.path), "start_ms": JSONText(milliseconds: scope.startMicroseconds),
            "wall_ms": JSONText(milliseconds: scope.profile.wall),
        ]
        for (key, value) in json(scope, profiles) as JSONObject { members[key] = value }
        return JSONText(members)
    }

    private static func json(_ node: Profile.Node, _ document: GraphNode) -> JSONObject {
        let segments = node.segments.map { segment -> JSONText in
            [
                "kind": JSONText(segment.activity.rawValue), "attempt": JSONText(segment.attempt),
                "start_ms": JSONText(milliseconds: segment.start),
                "duration_ms": JSONText(milliseconds: segment.duration),
            ]
        }
        return [
            "node_id": JSONText(document.id), "node_name": JSONText(document.name),
            "node_kind": JSONText(document.kind), "status": JSONText(node.progress.rawValue),
            "attempts": JSONText(node.attempts),
            "ready_at_ms": node.readyAt.map { JSONText(milliseconds: $0) } ?? .null,
            "queue_ms": JSONText(milliseconds: node.total(.queue)),
            "run_ms": JSONText(milliseconds: node.total(.run)),
            "retry_wait_ms": JSONText(milliseconds: node.total(.retryWait)),
            "wait_ms": JSONText(milliseconds: node.total(.wait)),
            "slack_ms": node.slack.map { JSONText(milliseconds: $0) } ?? .null,
            "on_critical_path": JSONText(node.isCritical), "segments": JSONText(array: segments),
        ]
    }

    private static func json(_ part: Profile.Part, _ graph: Graph) -> JSONText {
        [
            "node_id": part.rank.map { JSONText(graph.nodes[$0].id) } ?? .null,
            "kind": JSONText(part.activity?.rawValue ?? "engine"),
            "start_ms": JSONText(milliseconds: part.start), "duration_ms": JSONText(milliseconds: part.duration),
        ]
    }

    private static func json(_ bottleneck: Profile.Bottleneck, _ profile: Profile, _ graph: Graph) -> JSONText {
        let reason =
            switch bottleneck.activity {
            case .run: "its own run is the longest stretch of the critical path"
            case .queue
            where profile.nodes[bottleneck.rank].workerWait * 2 > profile.nodes[bottleneck.rank].total(.queue):
                "it waited for a worker: all that may run it had other work, or were being started"
            case .queue:
                "it waited for a place: limits.max_parallel_nodes is \(graph.document.limits.maxParallelNodes)"
            case .retryWait: "it waited between attempts that failed"
            case .wait: "it waited for somebody's answer"
            case .interrupted: "a restart of the daemon undid its work"
            }
        return [
            "node_id": JSONText(graph.nodes[bottleneck.rank].id),
            "run_ms": JSONText(milliseconds: profile.nodes[bottleneck.rank].total(.run)),
            "share": JSONText((bottleneck.share * 10_000).rounded() / 10_000), "reason": JSONText(reason),
        ]
    }
}
