import Linux

/// A command to run as a supervised child.
package struct ChildCommand: Sendable {
    /// The program, looked up in the PATH of `environment`, and its arguments.
    package var arguments: [String]
    /// All of it: nothing is inherited from the daemon.
    package var environment: [String: String]
    package var workingDirectory: String?
    package var limits: Limits
    /// Whether there is a second pipe for output, at descriptor 4.
    package var hasSideOutput = false

    /// What holds for every process of the command; nil and empty: no limit.
    package struct Limits: Sendable {
        /// RLIMIT_AS.
        package var memoryBytes: Int?
        /// RLIMIT_CPU: SIGXCPU at the limit, SIGKILL a second later.
        package var cpuSeconds: Int?
        /// RLIMIT_NOFILE.
        package var files: Int?
        /// Of the command, all together, where it has a cgroup whose processes are counted.
        package var processes: Int?
        /// RLIMIT_NPROC: counts all processes of the user. Taken where there is no such cgroup.
        package var userProcesses: Int?
        /// Landlock: with any path here or in `writablePaths`, the command reaches no others, so its program and
        /// libraries must be among them.
        package var readablePaths: [String] = []
        package var writablePaths: [String] = []
        /// Landlock: the command reaches everything but what is beneath these absolute paths, and of that the paths above.
        package var hiddenPaths: [String] = []
        /// Landlock: the command changes nothing beneath these absolute paths.
        package var keptPaths: [String] = []

        package init() {}
    }

    package init(
        _ arguments: [String], environment: [String: String], workingDirectory: String? = nil,
        limits: Limits = Limits()
    ) {
        precondition(!arguments.isEmpty, "a command has a program")
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.limits = limits
    }

    /// The command line of millrace-exec.
    func helperArguments(in cgroups: ControlGroups? = nil) -> [String] {
        var line = ["millrace-exec"]
        func add(_ option: String, _ value: String?) {
            if let value { line += [option, value] }
        }
        add("--memory-bytes", limits.memoryBytes.map(String.init))
        add("--cpu-seconds", limits.cpuSeconds.map(String.init))
        add("--files", limits.files.map(String.init))
        let isCounted = cgroups?.countsProcesses == true
        add("--processes", isCounted ? nil : limits.userProcesses.map(String.init))
        add("--cgroup", cgroups?.path)
        add("--tree-processes", isCounted ? limits.processes.map(String.init) : nil)
        for path in limits.readablePaths { add("--read", path) }
        for path in limits.writablePaths { add("--write", path) }
        for path in limits.hiddenPaths { add("--hide", path) }
        for path in limits.keptPaths { add("--keep", path) }
        add("--cwd", workingDirectory)
        return line + ["--"] + arguments
    }
}

/// How a supervised child ended.
package enum ChildEnd: Hashable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Signal)
    /// It did not start, or its supervision broke; the text says what and why, such as
    /// `exec nosuch: No such file or directory`.
    case failed(String)

    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "\(signal)"
        case .failed(let reason): reason
        }
    }
}

/// What a child tells, on the reactor's thread.
package protocol ChildHandler: AnyObject {
    /// A piece of output, as it came through the pipe. The bytes are valid during the call.
    func child(_ child: Child, wrote bytes: UnsafeRawBufferPointer, to stream: Child.Stream)
    /// Once and last: the whole tree of processes is gone and all its output was delivered.
    func child(_ child: Child, ended end: ChildEnd)
    /// All that was given to `write` has gone into the pipe, or the child does not read any more.
    func childInputDrained(_ child: Child)
    /// Something that was asked for and that this system cannot do.
    func child(_ child: Child, noticed text: String)
}

extension ChildHandler {
    package func childInputDrained(_ child: Child) {}
    package func child(_ child: Child, noticed text: String) {}
}
