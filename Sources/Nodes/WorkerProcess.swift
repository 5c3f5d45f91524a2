import Executions
import JSON
import Synchronization

/// One worker process: holds orders back until the two have greeted each other, cuts what it says into lines, and slows it
/// down when its calls cannot follow.
final class WorkerProcess: Sendable {
    /// Twice what any message may be: the update of a full state, escaped.
    static let messageBytesMax = 32 * 1024 * 1024
    /// Outputs that wait for their calls' tasks: beyond the first bound the process is not read any more, below the second
    /// it is again.
    private static let pendingBytesMax = 8 * 1024 * 1024
    private static let pendingBytesResumed = 1024 * 1024

    private struct Guarded {
        var lines = ChildLines(lineBytesMax: messageBytesMax)
        var words = ChildrenWords()
        var pendingBytes = 0
        var isPaused = false
        /// Nil once it has said hello.
        var heldOrders: [[UInt8]]? = []
        var states = WorkerStates()
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
        _ command: ProcessCommand, folder: PythonFolder? = nil, by launcher: any ProcessLauncher,
        _ observer: @escaping @Sendable (ProcessEvent) -> Void
    ) {
        guarded.withLock { $0.folder = folder }
        child.launch(command, by: launcher, observer)
        child.write(WorkerOrder.hello)
    }

    func write(_ order: [UInt8]) {
        let mayWrite = guarded.withLock { guarded in
            guarded.heldOrders?.append(order)
            return guarded.heldOrders == nil
        }
        if mayWrite { child.write(order) }
    }

    func terminate(graceMilliseconds: Int) { child.terminate(graceMilliseconds: graceMilliseconds) }

    /// How a call may name its state; the order that says so is to be written next.
    func reference(for number: Int, _ call: NodeCall) -> StateReference {
        guarded.withLock { $0.states.reference(for: number, call) }
    }

    /// A call of this worker has ended.
    func ended(_ number: Int, hasUpdate: Bool) {
        guarded.withLock { $0.states.ended(number, hasUpdate: hasUpdate) }
    }

    /// It has the state of this call no more.
    func forgets(_ call: NodeCall) {
        guarded.withLock { $0.states.forget(call) }
    }

    /// The messages that these bytes of its stdout complete; nil if it does not keep to the protocol, and is being killed.
    func takeMessages(_ bytes: [UInt8]) -> [WorkerMessage]? {
        let (lines, isOverlong) = guarded.withLock { guarded -> ([[UInt8]], Bool) in
            if guarded.fault != nil { return ([], false) }
            return (guarded.lines.take(bytes), guarded.lines.isOverlong)
        }
        var messages: [WorkerMessage] = []
        for line in lines {
            guard let message = WorkerMessage(line), accepts(message) else {
                kill("it wrote among its messages: \(String(decoding: line.prefix(200), as: UTF8.self))")
                return nil
            }
            messages.append(message)
        }
        if isOverlong {
            kill("a message was longer than \(Self.messageBytesMax) bytes")
            return nil
        }
        return messages
    }

    /// A hello comes first, once, and in a version that is known here.
    private func accepts(_ message: WorkerMessage) -> Bool {
        guard message.kind == .hello else { return guarded.withLock { $0.heldOrders == nil } }
        guard message.number == WorkerOrder.version else {
            kill(
                "it speaks version \(message.number) of the worker protocol, and this daemon version \(WorkerOrder.version)"
            )
            return false
        }
        let orders = guarded.withLock { guarded -> [[UInt8]]? in
            guarded.states.capacity = message.keptStates
            return guarded.heldOrders.take()
        }
        for order in orders ?? [] { child.write(order) }
        return orders != nil
    }

    /// The end of what it wrote to its stderr is told if it fails.
    func remember(_ bytes: [UInt8]) {
        guarded.withLock { $0.words.stderr.append(bytes) }
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
    func failure(_ end: ProcessEnd) -> NodeFailure {
        let subject = key.command == nil ? "Python" : "the worker"
        let process = key.command == nil ? "the Python process" : "the worker's process"
        return guarded.withLock { guarded in
            if let fault = guarded.fault { return NodeFailure("\(process) was killed: \(fault)") }
            if case .notStarted(let reason) = end {
                return NodeFailure("\(subject) could not be started: \(reason); \(startAdvice)")
            }
            if guarded.heldOrders != nil, case .exited = end {
                let failure = NodeFailure(end, guarded.words, prefix: "\(subject) ended before it was ready: ")
                return NodeFailure("\(failure.message); \(startAdvice)", details: failure.details)
            }
            return NodeFailure(end, guarded.words, prefix: "\(process) ended while the node ran: ")
        }
    }

    /// What to look at when it does not begin.
    private var startAdvice: String {
        guard let command = key.command else {
            return "kinds.python.interpreter is \(key.program); it takes a Python of 3.9 or later, "
                + "or the folder of a virtual environment that has one"
        }
        return
            "command is \(JSONText(array: command.words.map { JSONText($0) })), run in the graph's folder; it greets "
            + "with {\"hello\":\(WorkerOrder.version)} and then waits for calls, as millrace-worker(7) says"
    }

    /// Its folder, to be removed; once.
    func takeFolder() -> PythonFolder? { guarded.withLock { $0.folder.take() } }

    private func kill(_ fault: String) {
        guarded.withLock { $0.fault = $0.fault ?? fault }
        child.terminate(graceMilliseconds: 0)
    }
}
