import Executions
import JSON
import Synchronization

struct ProcessBody: NodeBody {
    let config: ProcessConfig
    let launcher: any ProcessLauncher
    let clock: any Clock
    let environment: ChildrenEnvironment
    let python: PythonSettings
    let startsLater = true

    func start(_ call: NodeCall) -> NodeStart {
        .waiting {
            do throws(NodeFailure) {
                return .success(update: try await run(call))
            } catch {
                return .failure(error)
            }
        }
    }

    private func run(_ call: NodeCall) async throws(NodeFailure) -> JSONObject {
        let input = try await inputBytes(call)
        guard !Task.isCancelled else { throw .cancelled }
        let command = ProcessCommand(
            arguments: config.command,
            environment: environment.variables(
                for: call, program: python.program(call.graph.interpreter), adding: config.environment),
            workingDirectory: call.graph.folder, graphID: call.graph.id)
        let run = ProcessRun(output: call.output, clock: clock, idleTimeoutMilliseconds: call.idleTimeoutMilliseconds)
        let result = await run.run(command, input: input, by: launcher)
        if let silence = result.silence { throw silence.adding(result.words) }
        if result.isFlooded {
            throw NodeFailure(
                "stdout exceeds \(ProcessRun.stdoutBytesMax) bytes, so the program was killed",
                details: result.words.details)
        }
        guard result.end == .exited(status: 0) else {
            var prefix = ""
            if case .notStarted = result.end { prefix = "the program " }
            throw NodeFailure(result.end, result.words, prefix: prefix)
        }
        return try update(result)
    }

    private func inputBytes(_ call: NodeCall) async throws(NodeFailure) -> [UInt8] {
        switch config.input {
        case .none: return []
        case .state: return call.state.text.bytes
        case .template(let render): return Array(try await render(call).get().utf8)
        }
    }

    private func update(_ result: ProcessRun.Result) throws(NodeFailure) -> JSONObject {
        let stdout = result.stdout
        switch config.output {
        case .text(let key): return [key: JSONText(String(decoding: stdout, as: UTF8.self))]
        case .json:
            let isBlank = stdout.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
            if isBlank { return [:] }
            do {
                return try JSONObject(parsing: stdout)
            } catch {
                let what = error.kind == .wrongKind ? "no JSON object" : "no JSON: \(error.message)"
                throw NodeFailure(
                    "stdout is \(what); it begins with \(beginning(of: stdout))", details: result.words.details)
            }
        }
    }

    private func beginning(of bytes: [UInt8]) -> String {
        let shownMax = 200
        let text = String(decoding: bytes.prefix(shownMax), as: UTF8.self)
        return JSONText(text).description + (bytes.count > shownMax ? "…" : "")
    }
}

/// One run of a program: gathers what it writes, within bounds, until it has ended.
final class ProcessRun: Sendable {
    /// The limit of a state: no longer update could be taken.
    static let stdoutBytesMax = 16 * 1024 * 1024
    /// How long a program that is cancelled may clean up.
    static let graceMilliseconds = 1000

    struct Result {
        var end: ProcessEnd
        var stdout: [UInt8]
        var isFlooded: Bool
        var words: ChildrenWords
        /// It was ended because it put out nothing for too long.
        var silence: NodeFailure?
    }

    private struct Guarded {
        var stdout: [UInt8] = []
        var isFlooded = false
        var text = OutputText()
        var awaitsPiece = false
        var words = ChildrenWords()
        var allowance = ChildrenOutput()
        var continuation: CheckedContinuation<ProcessEnd, Never>?
    }

    private let output: NodeOutput
    private let clock: any Clock
    private let child: ChildHandle
    private let silence: SilenceWatch?
    private let guarded = Mutex(Guarded())

    init(output: NodeOutput, clock: any Clock, idleTimeoutMilliseconds: Int? = nil) {
        self.output = output
        self.clock = clock
        let child = ChildHandle()
        self.child = child
        silence = SilenceWatch(idleTimeoutMilliseconds, clock: clock) {
            child.terminate(graceMilliseconds: Self.graceMilliseconds)
        }
    }

    /// Returns when nothing of the program is left; a cancelled task has it terminated.
    func run(_ command: ProcessCommand, input: [UInt8], by launcher: any ProcessLauncher) async -> Result {
        let end = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guarded.withLock { $0.continuation = continuation }
                child.launch(command, by: launcher) { self.take($0) }
                child.write(input)
                child.closeInput()
            }
        } onCancel: {
            child.terminate(graceMilliseconds: Self.graceMilliseconds)
        }
        silence?.end()
        return guarded.withLock {
            Result(
                end: end, stdout: $0.stdout, isFlooded: $0.isFlooded, words: $0.words,
                silence: end == .exited(status: 0) ? nil : silence?.failure)
        }
    }

    private func take(_ event: ProcessEvent) {
        silence?.heard()
        switch event {
        case .started:
            output.began()
            silence?.begin()
        case .stdout(let bytes): takeStdout(bytes)
        case .stderr(let bytes): takeStderr(bytes)
        case .sideOutput: break
        case .ended(let end):
            emit(guarded.withLock { $0.text.finish() }.map { [$0] } ?? [])
            guarded.withLock { $0.continuation.take() }?.resume(returning: end)
        }
    }

    private func takeStdout(_ bytes: [UInt8]) {
        let hasFlooded = guarded.withLock { guarded in
            guarded.words.stdout.append(bytes)
            if guarded.isFlooded { return false }
            guarded.isFlooded = guarded.stdout.count + bytes.count > Self.stdoutBytesMax
            if guarded.isFlooded { guarded.stdout = [] } else { guarded.stdout += bytes }
            return guarded.isFlooded
        }
        if hasFlooded { child.terminate(graceMilliseconds: 0) }
    }

    private func takeStderr(_ bytes: [UInt8]) {
        let (lines, mustWait) = guarded.withLock { guarded in
            guarded.words.stderr.append(bytes)
            let lines = guarded.text.take(bytes)
            let mustWait = guarded.text.hasPiece && !guarded.awaitsPiece
            if mustWait { guarded.awaitsPiece = true }
            return (lines, mustWait)
        }
        emit(lines)
        guard mustWait else { return }
        _ = clock.schedule(afterMilliseconds: OutputText.unfinishedMilliseconds) { [weak self] in self?.emitPiece() }
    }

    /// A part of a line has waited long enough for the rest of it.
    private func emitPiece() {
        let piece = guarded.withLock { guarded in
            guarded.awaitsPiece = false
            return guarded.text.takePiece()
        }
        emit(piece.map { [$0] } ?? [])
    }

    private func emit(_ lines: [[UInt8]]) {
        guard !lines.isEmpty else { return }
        var allowance = guarded.withLock { $0.allowance }
        // Only one thread comes here, the launcher's and the clock's, so nothing is overtaken.
        for line in lines { output.emit("stderr", line: line, within: &allowance) }
        guarded.withLock { $0.allowance = allowance }
    }
}
