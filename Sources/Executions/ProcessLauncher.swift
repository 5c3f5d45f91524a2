/// Starts children of the daemon. The daemon's own implementation runs them under `millrace-exec` from the reactor thread.
package protocol ProcessLauncher: Sendable {
    /// Starts a child. Events arrive in order on the launcher's own thread: the observer is short and never blocks. The last
    /// one is always `.ended`, also when the child could not be started, and by then nothing of its tree is left.
    func launch(_ command: ProcessCommand, _ observer: @escaping @Sendable (ProcessEvent) -> Void) -> any RunningProcess
}

/// What to run: no shell is involved.
package struct ProcessCommand: Sendable {
    /// Program and arguments; a program without a slash is looked up in `PATH`.
    package var arguments: [String]
    /// The child's whole environment.
    package var environment: [String: String]
    /// Nil: the daemon's own.
    package var workingDirectory: String?
    /// Whose child it is: where many wait for their start, graphs take turns.
    package var graphID: String
    package var limits = ProcessLimits()
    /// Whether the child has a second pipe to write to, at descriptor 4.
    package var hasSideOutput = false

    package init(
        arguments: [String], environment: [String: String], workingDirectory: String? = nil, graphID: String
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.graphID = graphID
    }
}

/// Bounds of one child and what it starts (`setrlimit(2)`); nil is the daemon's own.
package struct ProcessLimits: Sendable {
    package var memoryBytes: Int?
    package var openFiles: Int?
    /// Folders that the child may use even if they lie beneath what the launcher keeps children away from.
    package var ownFolders: [String] = []

    package init(memoryBytes: Int? = nil, openFiles: Int? = nil) {
        self.memoryBytes = memoryBytes
        self.openFiles = openFiles
    }
}

package enum ProcessEvent: Sendable {
    /// It runs from now on; until then it has waited for its turn.
    case started
    case stdout([UInt8])
    case stderr([UInt8])
    /// What it wrote to its second pipe.
    case sideOutput([UInt8])
    /// The last event: the child and all that it started are gone.
    case ended(ProcessEnd)
}

package enum ProcessEnd: Sendable, Equatable {
    case exited(status: Int32)
    case killed(signal: Int32)
    /// It never ran: no such program, no permission, no descriptors left.
    case notStarted(reason: String)
}

/// A child that was launched. All calls return at once and may come from any thread, also after its end.
package protocol RunningProcess: Sendable {
    /// Queues bytes for its stdin.
    func write(_ bytes: [UInt8])
    func closeInput()
    /// Ends the whole tree: SIGTERM, and SIGKILL once the grace is over.
    func terminate(graceMilliseconds: Int)
    /// Stops reading its output until `resumeReading`, so that a flood waits in the pipe.
    func pauseReading()
    func resumeReading()
}
