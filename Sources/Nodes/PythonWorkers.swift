// The face of the Python workers. Calls come from tasks on the pool, replies from the reactor's thread; both go through the
// roster, which decides under a lock what the actions are, and is done with it when they are performed.

import Executions
import JSON
import Synchronization

/// Long-lived processes that run nodes: Python's, of the kinds `python` and `langgraph`, and those of programs in any language.
package final class PythonWorkers: Sendable {
    let settings: PythonSettings
    private let launcher: any ProcessLauncher
    let clock: any Clock
    let pool: WorkerPool
    private let environment: ChildrenEnvironment
    private let pythonFolder: String
    private let runtimeFolder: String
    private let roster: Mutex<PythonRoster>
    private let keys: PythonKeys
    private let lastNumber = Atomic<Int>(0)
    private let onImport = Mutex<ImportObserver?>(nil)

    /// Takes the graph, its folder, and the path below that of a Python file that its revision does not keep, and that a node
    /// has imported; called on the reactor's thread.
    package typealias ImportObserver = @Sendable (_ graphID: String, _ folder: String, _ path: String) -> Void

    /// - Parameters:
    ///   - pool: removes the folders of workers that have ended.
    ///   - pythonFolder: where `worker.py` and `millrace.py` are.
    ///   - runtimeFolder: where the files of graphs are laid out while workers use them; made on demand. Leftovers in it
    ///     are removed, so no two daemons share one.
    package init(
        settings: PythonSettings, launcher: any ProcessLauncher, clock: any Clock, pool: WorkerPool,
        environment: ChildrenEnvironment = .daemon, pythonFolder: String, runtimeFolder: String
    ) {
        self.settings = settings
        self.launcher = launcher
        self.clock = clock
        self.pool = pool
        self.environment = environment
        self.pythonFolder = pythonFolder
        self.runtimeFolder = runtimeFolder
        keys = PythonKeys(settings)
        roster = Mutex(
            PythonRoster(
                workersMax: settings.maxWorkers, idleMilliseconds: settings.idleMilliseconds,
                startMilliseconds: settings.startMilliseconds))
        for folder in PythonFolder.leftovers(in: runtimeFolder) { folder.remove(on: pool) {} }
    }

    package func observeImports(_ observer: @escaping ImportObserver) {
        onImport.withLock { $0 = observer }
    }

    package var counts: PythonCounts { roster.withLock { $0.counts } }

    /// Ends all workers, whatever they do, and returns when nothing of them is left. Calls from now on fail. The pool and
    /// the launcher still work meanwhile.
    package func shutDown() async {
        await withCheckedContinuation { continuation in
            perform { $0.stop(continuation) }
        }
    }

    /// Runs one attempt; cancelling the task ends it.
    /// - Parameter command: the program that runs it; nil: Python.
    func run(
        _ call: NodeCall, _ target: PythonTarget, by command: WorkerCommand? = nil, hosts: Bool = false
    ) async -> NodeOutcome {
        let number = lastNumber.wrappingAdd(1, ordering: .relaxed).newValue
        var key = command.map { keys.key(of: call.graph, $0) } ?? keys.key(of: call.graph, target)
        if call.hasFreshProcess { key.onlyCall = number }
        let attempt = PythonCall(
            number: number, key: key,
            function: target.isCode ? "\(call.nodeID) \(target.json)" : target.json.description,
            bytes: call.state.bytes + target.json.bytes.count, isIdempotent: call.isIdempotent)
        let silence = SilenceWatch(call.idleTimeoutMilliseconds, clock: clock) { [weak self] in
            self?.perform { $0.cancel(attempt) }
        }
        defer { silence?.end() }
        call.drain?.whenDraining { [weak attempt] in attempt?.post(.draining) }
        let outcome = await withTaskCancellationHandler {
            perform { $0.submit(attempt) }
            // A cancel that came before the call had nothing to withdraw.
            if Task.isCancelled { perform { $0.cancel(attempt) } }
            return await follow(PythonAttempt(attempt, call, target, silence, clock, hosts: hosts))
        } onCancel: {
            perform { $0.cancel(attempt) }
        }
        if case .failure = outcome, let failure = silence?.failure { return .failure(failure) }
        return outcome
    }
}

// MARK: - One attempt, on its task

extension PythonWorkers {
    private func follow(_ attempt: consuming PythonAttempt) async -> NodeOutcome {
        while true {
            for news in await attempt.attempt.takeNews() {
                if case .assigned(let worker, isNew: true, _) = news, !start(worker, for: attempt.call) { continue }
                if let outcome = attempt.take(news) { return outcome }
            }
        }
    }

    /// - Returns: false when it has failed; the news of that is on the way.
    private func start(_ worker: WorkerProcess, for call: NodeCall) -> Bool {
        if let program = worker.key.command {
            var command = ProcessCommand(
                arguments: program.words,
                environment: environment.variables(forGraph: call.graph.id, program: worker.key.program),
                workingDirectory: call.graph.folder, graphID: call.graph.id)
            command.hasSideOutput = true
            worker.start(command, by: launcher) { self.take($0, from: worker) }
            return true
        }
        let folder: PythonFolder
        do throws(NodeFailure) {
            folder = try PythonFolder(of: call.graph, ownFolder: worker.key.ownFolder, in: runtimeFolder)
        } catch {
            perform { [failure = error] in $0.workerEnded(worker, failure) }
            return false
        }
        // Bytecode of files beside the document would be written beside the document.
        var command = ProcessCommand(
            arguments: [
                worker.key.program, "-u", "-B", "\(pythonFolder)/worker.py", folder.path,
            ],
            environment: environment.variables(forGraph: call.graph.id, program: worker.key.program),
            workingDirectory: call.graph.folder ?? folder.files, graphID: call.graph.id)
        command.hasSideOutput = true
        command.limits.ownFolders = [folder.path]
        if settings.memoryBytesMax > 0 { command.limits.memoryBytes = settings.memoryBytesMax }
        worker.start(command, folder: folder, by: launcher) { self.take($0, from: worker) }
        return true
    }
}

// MARK: - What workers say, on the reactor's thread

extension PythonWorkers {
    private func take(_ event: ProcessEvent, from worker: WorkerProcess) {
        switch event {
        case .started: break
        case .stdout(let bytes):
            guard let messages = worker.takeMessages(bytes), !messages.isEmpty else { return }
            let now = clock.monotonicNanoseconds
            if let hello = messages.first, hello.kind == .hello {
                perform { $0.greeted(worker, tellsBegan: hello.tellsBegan) }
            }
            for message in messages where message.kind == .imported { noteImport(message, worker.key) }
            perform { $0.received(messages, from: worker, at: now) }
        case .sideOutput(let bytes): take(bytes, channel: "stdout", from: worker)
        case .stderr(let bytes):
            worker.remember(bytes)
            take(bytes, channel: "stderr", from: worker)
        case .ended(let end):
            let failure = worker.failure(end)
            perform { $0.workerEnded(worker, failure) }
        }
    }

    private func noteImport(_ message: WorkerMessage, _ key: PythonKey) {
        guard let folder = key.folder, let path = message.path else { return }
        onImport.withLock { $0 }?(key.graphID, folder, path)
    }

    /// What did not come through Python tells nobody whose it is: all who may have said it are told.
    private func take(_ bytes: [UInt8], channel: String, from worker: WorkerProcess) {
        for call in roster.withLock({ $0.speakers(of: worker) }) {
            perform(.post(call, .raw(channel: channel, bytes, from: worker)))
        }
    }

    private func perform(_ decide: (inout sending PythonRoster) -> sending [PythonRoster.Action]) {
        for action in roster.withLock(decide) { perform(action) }
    }

    private func perform(_ action: PythonRoster.Action) {
        switch action {
        case .post(let call, let news):
            switch news {
            case .output(let message, let worker): worker.holdsOutput(bytes: message.line.count)
            case .raw(_, let bytes, let worker): worker.holdsOutput(bytes: bytes.count)
            default: break
            }
            call.post(news)
        case .cancel(let call, let worker): worker.write(WorkerOrder.cancel(call.number))
        case .terminate(let worker, let grace): worker.terminate(graceMilliseconds: grace)
        case .awaitIdleTime(let worker, let delay):
            _ = clock.schedule(afterMilliseconds: delay) { [weak self] in
                guard let self else { return }
                let now = clock.monotonicNanoseconds
                perform { $0.idleTimeIsOver(for: worker, at: now) }
            }
        case .awaitGrace(let call):
            _ = clock.schedule(afterMilliseconds: Int64(PythonRoster.graceMilliseconds)) { [weak self] in
                self?.perform { $0.graceIsOver(for: call) }
            }
        case .awaitStart(let call, let worker):
            _ = clock.schedule(afterMilliseconds: Int64(settings.startMilliseconds)) { [weak self] in
                self?.perform { $0.startTimeIsOver(for: call, in: worker) }
            }
        case .awaitBlocked(let worker, let blocks):
            _ = clock.schedule(afterMilliseconds: Int64(PythonRoster.blockedMillisecondsMax)) { [weak self] in
                self?.perform { $0.blockedTimeIsOver(for: worker, blocks: blocks) }
            }
        case .clean(let worker):
            guard let folder = worker.takeFolder() else { return perform { $0.departed() } }
            folder.remove(on: pool) { self.perform { $0.departed() } }
        case .resume(let continuation): continuation.resume()
        }
    }
}
