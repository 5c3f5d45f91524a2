import Linux

/// Starts commands through millrace-exec, which sees to it that nothing of them survives: not their own end, not an
/// order to terminate, not the death of the daemon.
package final class Children {
    private let reactor: Reactor
    private let cgroups: ControlGroups?
    private let adoptsOrphans: Bool
    private let helperPath: String
    private let buffer = ReadBuffer()
    /// Helpers that were killed, and whose cgroups are not empty yet.
    private var killedHelpers: Set<Int32> = []
    private var orphanTimer: TimerID?
    /// How long the killed need to die.
    private static let orphanMilliseconds: Int64 = 10

    /// `helperPath` names the millrace-exec to use, `cgroups` where each command gets a cgroup of its own. From here on the
    /// process ignores SIGPIPE.
    /// - Parameter adoptsOrphans: what helpers leave that were killed themselves becomes this process's, and ends.
    ///   Then nothing may start children but `ChildProcess`.
    package init(
        on reactor: Reactor, helperPath: String, cgroups: ControlGroups? = nil, adoptsOrphans: Bool = false
    ) {
        self.reactor = reactor
        self.helperPath = helperPath
        self.cgroups = cgroups
        self.adoptsOrphans = adoptsOrphans
        if adoptsOrphans { Orphans.adopt() }
        // A pipe to a child that does not read is an expected outcome; there is no MSG_NOSIGNAL for pipes.
        Signals.ignore(.pipe)
        killedHelpers = Set(cgroups?.trees() ?? [])
        endOrphans()
    }

    /// Starts a command. Throws when millrace-exec itself cannot be started, or a descriptor is missing; a command
    /// that cannot be started ends as `ChildEnd.failed`. The handler is held until the end and called in later turns.
    @discardableResult
    package func start(_ command: ChildCommand, _ handler: any ChildHandler) throws(SystemError) -> Child {
        let input = try Pipe.make(nonBlocking: .writing)
        let output = try Pipe.make(nonBlocking: .reading)
        let errors = try Pipe.make(nonBlocking: .reading)
        var side: DescriptorPair?
        if command.hasSideOutput { side = try Pipe.make(nonBlocking: .reading) }
        let control = try Socket.pair()
        var descriptors: [Int32: Int32] = [
            0: input.first.raw, 1: output.second.raw, 2: errors.second.raw, 3: control.second.raw,
        ]
        if let raw = side?.second.raw { descriptors[4] = raw }
        let process = try ChildProcess.start(
            ChildProcess.Specification(
                executable: helperPath, arguments: command.helperArguments(in: cgroups),
                environment: command.environment.map { "\($0.key)=\($0.value)" },
                descriptors: descriptors))
        let child = Child(processID: process.processID, on: reactor, handler: handler)
        // First, so that the helper is reaped whatever fails afterwards.
        _ = try ChildWatch(process, on: reactor, onEnd: { end in self.helperEnded(child, end) })
        do {
            try child.attach(
                input: input.takeSecond(), output: output.takeFirst(), errors: errors.takeFirst(),
                control: control.takeFirst(), buffer: buffer)
            if let side = side.take()?.takeFirst() { try child.attach(side: side, buffer: buffer) }
        } catch {
            child.abandon()
            throw error
        }
        return child
    }

    private func helperEnded(_ child: Child, _ end: ProcessExit) {
        // It leaves nobody, unless it was killed itself: what it was to end is this process's then.
        if case .signalled = end {
            killedHelpers.insert(child.processID)
            endOrphans()
        }
        child.helperEnded(end)
    }

    private func endOrphans() {
        killedHelpers = killedHelpers.filter { cgroups?.endTree(of: $0) == false }
        let areLeft = adoptsOrphans && Orphans.end()
        guard areLeft || !killedHelpers.isEmpty, orphanTimer == nil else { return }
        orphanTimer = reactor.schedule(afterMilliseconds: Self.orphanMilliseconds) {
            self.orphanTimer = nil
            self.endOrphans()
        }
    }
}
