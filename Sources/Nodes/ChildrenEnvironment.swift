import Executions
import Glibc

/// The environment that children of nodes start from: nothing of the daemon's own gets through but what is named here, so
/// that no secret of the daemon does.
package struct ChildrenEnvironment: Sendable {
    /// Where programs are looked up if the daemon itself has no `PATH`.
    private static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    private let base: [String: String]

    /// - Parameter variables: those of the daemon, of which `PATH`, `HOME` and `TZ` are handed on.
    package init(_ variables: [String: String]) {
        var base = ["PATH": variables["PATH"] ?? Self.defaultPath, "LANG": "C.UTF-8"]
        base["HOME"] = variables["HOME"]
        base["TZ"] = variables["TZ"]
        self.base = base
    }

    /// That of this process.
    package static var daemon: ChildrenEnvironment {
        var variables: [String: String] = [:]
        for name in ["PATH", "HOME", "TZ"] {
            if let value = getenv(name) { variables[name] = String(cString: value) }
        }
        return ChildrenEnvironment(variables)
    }

    /// For a child that serves one attempt of one node.
    func variables(for call: NodeCall, adding own: [String: String] = [:]) -> [String: String] {
        var variables = self.variables(forGraph: call.graph.id)
        variables["MILLRACE_EXECUTION_ID"] = call.executionID.description
        variables["MILLRACE_NODE_ID"] = call.nodeID
        variables["MILLRACE_IDEMPOTENCY_KEY"] = call.idempotencyKey
        variables["MILLRACE_ATTEMPT"] = String(call.attempt)
        variables["TRACEPARENT"] = call.trace?.description
        return variables.merging(own) { $1 }
    }

    /// For a child that serves many nodes of a graph.
    func variables(forGraph id: String) -> [String: String] {
        base.merging(["MILLRACE_GRAPH_ID": id]) { $1 }
    }
}
