import Executions
import Synchronization

/// One Python process: cuts what it writes into lines, and slows it down when its calls cannot follow.
final class PythonWorker: Sendable {
    /// Twice what any reply may be: the update of a full state, escaped.
    static let replyBytesMax = 32 * 1024 * 1024
    /// Outputs that wait for their calls' tasks: beyond the first bound the process is not read any more, below the second
    /// it is again.
    private static let pendingBytesMax = 8 * 1024 * 1024
    private static let pendingBytesResumed = 1024 * 1024

    private struct Guarded {
        var replies = ChildLines(lineBytesMax: replyBytesMax, cutsLongLines: false)
        var stderr = ChildLines()
        var tail = ChildTail()
        var pendingBytes = 0
        var isPaused = false
        /// Why it had to be killed.
        var fault: String?
        var folder: PythonFolder?
    }

    let id: Int
    let key: PythonKey
    private let child = ChildHandle()
    private let guarded = Mutex(Guarded())

    init(id: Int, key: PythonKey) {
        self.id = id
        self.key = key
    }

    func start(
        _ command: ProcessCommand, folder: PythonFolder, by launcher: any ProcessLauncher,
        _ observer: @escaping @Sendable (ProcessEvent) -> Void
    ) {
        guarded.withLock { $0.folder = folder }
        child.launch(command, by: launcher, observer)
    }

    func write(_ bytes: [UInt8]) { child.write(bytes) }
    func terminate(graceMilliseconds: Int) { child.terminate(graceMilliseconds: graceMilliseconds) }

    /// The replies that these bytes of its stdout complete; nil if it does not keep to the protocol, and is being killed.
    func takeReplies(_ bytes: [UInt8]) -> [PythonReply]? {
        let (lines, isOverlong) = guarded.withLock { guarded -> ([[UInt8]], Bool) in
            if guarded.fault != nil { return ([], false) }
            return (guarded.replies.take(bytes), guarded.replies.isOverlong)
        }
        if isOverlong {
            kill("a reply was longer than \(Self.replyBytesMax) bytes")
            return nil
        }
        var replies: [PythonReply] = []
        for line in lines {
            guard let reply = PythonReply(line) else {
                kill("it wrote among its replies: \(String(decoding: line.prefix(200), as: UTF8.self))")
                return nil
            }
            replies.append(reply)
        }
        return replies
    }

    /// The lines that these bytes of its stderr complete.
    func takeStderr(_ bytes: [UInt8]) -> [[UInt8]] {
        guarded.withLock { guarded in
            let lines = guarded.stderr.take(bytes)
            for line in lines { guarded.tail.append(line) }
            return lines
        }
    }

    /// An output went into a call's inbox.
    func holdsOutput(bytes: Int) {
        let mustPause = guarded.withLock { guarded in
            guarded.pendingBytes += bytes
            guard guarded.pendingBytes > Self.pendingBytesMax, !guarded.isPaused else { return false }
            guarded.isPaused = true
            return true
        }
        if mustPause { child.pauseReading() }
    }

    /// The call's task has dealt with it.
    func outputIsDone(bytes: Int) {
        let mayResume = guarded.withLock { guarded in
            guarded.pendingBytes -= bytes
            guard guarded.pendingBytes < Self.pendingBytesResumed, guarded.isPaused else { return false }
            guarded.isPaused = false
            return true
        }
        if mayResume { child.resumeReading() }
    }

    /// What its calls are told of its end.
    func failure(_ end: ProcessEnd, interpreter: String) -> NodeFailure {
        guarded.withLock { guarded in
            if let last = guarded.stderr.finish() { guarded.tail.append(last) }
            if let fault = guarded.fault {
                return NodeFailure("the Python process was killed: \(fault)")
            }
            if case .notStarted(let reason) = end {
                return NodeFailure(
                    "Python could not be started: \(reason); the interpreter is set by kinds.python.interpreter: \(interpreter)"
                )
            }
            return NodeFailure(end, stderr: guarded.tail, prefix: "the Python process ended while the node ran: ")
        }
    }

    /// Its folder, to be removed; once.
    func takeFolder() -> PythonFolder? { guarded.withLock { $0.folder.take() } }

    private func kill(_ fault: String) {
        guarded.withLock { $0.fault = $0.fault ?? fault }
        child.terminate(graceMilliseconds: 0)
    }
}
