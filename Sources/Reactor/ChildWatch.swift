import Linux

/// The end of a child process as readiness of its pidfd. Reaps the child.
package final class ChildWatch: ReadinessHandler {
    package let processID: Int32
    private let reactor: Reactor
    private let pidfd: Descriptor
    private let onEnd: (ProcessExit) -> Void
    private var slot: Slot?

    /// Calls `onEnd` once, when the process has ended.
    package init(
        _ process: consuming ChildProcess, on reactor: Reactor, onEnd: @escaping (ProcessExit) -> Void
    ) throws(SystemError) {
        processID = process.processID
        self.reactor = reactor
        self.onEnd = onEnd
        pidfd = process.takePidfd()
        slot = try reactor.register(pidfd, .input, self)
    }

    package func ready(_ readiness: Readiness) {
        guard let slot, let end = end() else { return }
        reactor.deregister(slot)
        self.slot = nil
        onEnd(end)
    }

    private func end() -> ProcessExit? {
        do {
            return try ChildProcess.end(pidfd, processID)
        } catch {
            // Only a second owner of the same child could have reaped it.
            preconditionFailure("process \(processID): \(error)")
        }
    }
}
