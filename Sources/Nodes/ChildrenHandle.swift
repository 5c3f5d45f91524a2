import Executions
import Synchronization

/// A child that may be told to end before it is launched, by whoever comes first: a cancel has not to wait for the launch.
final class ChildHandle: Sendable {
    private struct Guarded {
        var process: (any RunningProcess)?
        var graceMilliseconds: Int?
    }
    private let guarded = Mutex(Guarded())

    /// Once.
    func launch(
        _ command: ProcessCommand, by launcher: any ProcessLauncher,
        _ observer: @escaping @Sendable (ProcessEvent) -> Void
    ) {
        let process = launcher.launch(command, observer)
        let grace = guarded.withLock { guarded in
            guarded.process = process
            return guarded.graceMilliseconds
        }
        if let grace { process.terminate(graceMilliseconds: grace) }
    }

    /// Queues bytes for its stdin. The child was launched.
    func write(_ bytes: [UInt8]) { process?.write(bytes) }
    func closeInput() { process?.closeInput() }
    func pauseReading() { process?.pauseReading() }
    func resumeReading() { process?.resumeReading() }

    /// Ends the whole tree, as soon as there is one.
    func terminate(graceMilliseconds: Int) {
        let process = guarded.withLock { guarded in
            guarded.graceMilliseconds = guarded.graceMilliseconds ?? graceMilliseconds
            return guarded.process
        }
        process?.terminate(graceMilliseconds: graceMilliseconds)
    }

    private var process: (any RunningProcess)? { guarded.withLock { $0.process } }
}
