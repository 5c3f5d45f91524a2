import Executions
import Glibc

/// The environment that children of nodes start from: nothing of the daemon's own gets through but what is named here, so
/// that no secret of the daemon does.
package struct ChildrenEnvironment: Sendable {
    /// Where programs are looked up if the daemon itself has no `PATH`.
    private static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    private let base: [String: String]

    /// - Parameters:
    ///   - variables: those of the daemon, of which `PATH`, `HOME` and `TZ` are handed on.
    ///   - names: more that are handed on, as far as they are set (`kinds.environment`).
    package init(_ variables: [String: String], passing names: [String] = []) {
        var base = ["PATH": Self.defaultPath, "LANG": "C.UTF-8"]
        for name in ["PATH", "HOME", "TZ"] + names {
            if let value = variables[name] { base[name] = value }
        }
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
    /// - Parameter program: the Python interpreter of its graph.
    func variables(
        for call: NodeCall, program: String, adding own: [String: String] = [:]
    ) -> [String: String] {
        var variables = self.variables(forGraph: call.graph.id, program: program)
        variables["MILLRACE_EXECUTION_ID"] = call.executionID.description
        variables["MILLRACE_NODE_ID"] = call.nodeID
        variables["MILLRACE_IDEMPOTENCY_KEY"] = call.idempotencyKey
        variables["MILLRACE_ATTEMPT"] = String(call.attempt)
        variables["TRACEPARENT"] = call.trace?.description
        return variables.merging(own) { $1 }
    }

    /// For a child that serves many nodes of a graph.
    func variables(forGraph id: String, program: String) -> [String: String] {
        var variables = base.merging(["MILLRACE_GRAPH_ID": id]) { $1 }
        variables.activate(PythonPlace(program: program))
        return variables
    }

    /// For a child that runs no node.
    var forTools: [String: String] { base }
}

/// Where a Python interpreter is installed, if that is known.
struct PythonPlace {
    /// The folder of the interpreter and the programs that were installed with it.
    let programs: String?
    /// The folder of its virtual environment.
    let virtualEnvironment: String?

    /// - Parameter program: a path, or a name that is looked up in `PATH` and so in place already.
    init(program: String) {
        guard let slash = program.lastIndex(of: "/"), slash != program.startIndex else {
            (programs, virtualEnvironment) = (nil, nil)
            return
        }
        let folder = String(program[..<slash])
        programs = folder
        let above = folder.lastIndex(of: "/").map { String(folder[..<$0]) }
        virtualEnvironment = above.flatMap { access("\($0)/pyvenv.cfg", F_OK) == 0 ? $0 : nil }
    }
}

extension [String: String] {
    /// What `activate` of a virtual environment does to a shell: the programs that were installed with an interpreter are
    /// found, before others of their names.
    fileprivate mutating func activate(_ place: PythonPlace) {
        self["VIRTUAL_ENV"] = place.virtualEnvironment ?? self["VIRTUAL_ENV"]
        guard let programs = place.programs else { return }
        let path = self["PATH", default: ""]
        // An interpreter of the system changes the order of nothing.
        if place.virtualEnvironment == nil, path.split(separator: ":").contains(Substring(programs)) { return }
        self["PATH"] = path.isEmpty ? programs : "\(programs):\(path)"
    }
}
