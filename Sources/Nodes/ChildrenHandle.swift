import Executions
import Synchronization

/// A child that takes orders before it is launched: who gives them need not know whether somebody else has got that far.
final class ChildHandle: Sendable {
    private struct Guarded {
        var process: (any RunningProcess)?
        var input: [[UInt8]] = []
        var graceMilliseconds: Int?
    }
    private let guarded = Mutex(Guarded())

    /// Once.
    func launch(
        _ command: ProcessCommand, by launcher: any ProcessLauncher,
        _ observer: @escaping @Sendable (ProcessEvent) -> Void
    ) {
        let process = launcher.launch(command, observer)
        let (input, grace) = guarded.withLock { guarded in
            guarded.process = process
            defer { guarded.input = [] }
            return (guarded.input, guarded.graceMilliseconds)
        }
        for bytes in input { process.write(bytes) }
        if let grace { process.terminate(graceMilliseconds: grace) }
    }

    /// Queues bytes for its stdin.
    func write(_ bytes: [UInt8]) {
        let process = guarded.withLock { guarded in
            if guarded.process == nil { guarded.input.append(bytes) }
            return guarded.process
        }
        process?.write(bytes)
    }

    /// After the launch.
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
