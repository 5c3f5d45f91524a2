import Glibc

/// How Python nodes are run (`kinds.python` of the configuration).
package struct PythonSettings: Sendable {
    /// A path, a name that is looked up in `PATH`, or the folder of a virtual environment.
    package var interpreter: String
    /// Most worker processes at once; further calls wait. A graph that has none gets one more, up to twice as many in all.
    package var maxWorkers: Int
    /// How long a worker without a call is kept.
    package var idleMilliseconds: Int
    /// How long the interpreter's start and the imports of a node may take.
    package var startMilliseconds: Int
    /// How long it may take to see which graph a Python file makes.
    package var lookMilliseconds: Int
    /// Most memory (address space) of one worker and what it starts; 0: no limit.
    package var memoryBytesMax: Int

    /// - Parameter maxWorkers: 0: eight for each core, as nodes mostly wait for others.
    package init(
        interpreter: String = "python3", maxWorkers: Int = 0, idleMilliseconds: Int = 60_000,
        startMilliseconds: Int = 120_000, lookMilliseconds: Int = 30_000, memoryBytesMax: Int = 0
    ) {
        self.interpreter = interpreter
        self.maxWorkers = maxWorkers > 0 ? maxWorkers : 8 * max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        self.idleMilliseconds = idleMilliseconds
        self.startMilliseconds = startMilliseconds
        self.lookMilliseconds = lookMilliseconds
        self.memoryBytesMax = memoryBytesMax
    }

    /// What runs a graph's nodes: its own interpreter, if it has one.
    func program(_ own: String?) -> String { Self.executable(own ?? interpreter) }

    /// Why the interpreter of graphs that name none of their own cannot be executed; nil if it can.
    /// - Parameter path: where a name without a folder is looked up.
    package func fault(path: String) -> String? {
        let program = program(nil)
        let isPath = program.contains("/")
        let places = isPath ? [program] : path.split(separator: ":").map { "\($0)/\(program)" }
        var code = ENOENT
        for place in places {
            if access(place, X_OK) == 0 { return nil }
            if errno != ENOENT { code = errno }
        }
        let reason = String(cString: strerror(code))
        let isHidden = ["home", "root", "run/user"].contains { program.hasPrefix("/\($0)/") }
        return "\(program): \(reason)" + (isPath ? "" : " (in \(path))")
            + (isHidden ? "; the unit hides such folders from the service (ProtectHome=)" : "")
    }

    /// What to execute: of a folder, its `bin/python`.
    private static func executable(_ interpreter: String) -> String {
        var status = stat()
        let isFolder = stat(interpreter, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        guard isFolder else { return interpreter }
        return interpreter.hasSuffix("/") ? "\(interpreter)bin/python" : "\(interpreter)/bin/python"
    }
}

/// The state of the workers, for metrics.
package struct PythonCounts: Sendable, Equatable {
    /// Processes that were ever started.
    package var started = 0
    /// Processes that run calls now.
    package var running = 0
    /// Processes that wait for a call.
    package var idle = 0
    /// Calls that wait for a process.
    package var waiting = 0
}
