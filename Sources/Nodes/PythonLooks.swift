import Executions
import Glibc
import Graphs
import JSON
import Synchronization

/// Runs Python files of the graphs folder, each in a confined child of its team's interpreter, to see which graphs they make.
package final class PythonLooks: PythonLooker {
    /// A document, and what is told around it.
    package static let answerBytesMax = 2 * GraphBounds.documentBytesMax

    private let settings: PythonSettings
    private let launcher: any ProcessLauncher
    private let clock: any Clock
    private let environment: ChildrenEnvironment
    private let pythonFolder: String

    /// - Parameter pythonFolder: where `look.py` is.
    package init(
        settings: PythonSettings, launcher: any ProcessLauncher, clock: any Clock, environment: ChildrenEnvironment,
        pythonFolder: String
    ) {
        self.settings = settings
        self.launcher = launcher
        self.clock = clock
        self.environment = environment
        self.pythonFolder = pythonFolder
    }

    package func program(in folder: String) -> String {
        settings.program(GraphDocument.interpreter(ofFilesIn: folder))
    }

    /// The times at which packages were last put beside the interpreter.
    package func installation(of program: String) -> String {
        var parts = [program]
        for place in Self.packageFolders(of: program) {
            var status = stat()
            guard stat(place, &status) == 0 else { continue }
            parts.append("\(place) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)")
        }
        return parts.joined(separator: "\n")
    }

    package func look(at order: PythonLookOrder, _ done: @escaping @Sendable (PythonLookReply) -> Void) {
        let command = Self.command(order, settings, environment, pythonFolder: pythonFolder)
        let run = LookRun(milliseconds: settings.lookMilliseconds, clock, done)
        run.follow(launcher.launch(command) { run.take($0) }, input: order.code)
    }

    /// What looks at a file.
    package static func command(
        _ order: PythonLookOrder, _ settings: PythonSettings, _ environment: ChildrenEnvironment, pythonFolder: String
    ) -> ProcessCommand {
        // Bytecode of files beside the graph would be written beside them.
        var command = ProcessCommand(
            arguments: [
                order.program, "-B", "\(pythonFolder)/look.py", "\(order.folder)/\(order.file)", order.graph ?? "",
                order.folder, order.project.description,
            ] + (order.code == nil ? [] : ["-"]),
            environment: environment.variables(forGraph: "", program: order.program),
            workingDirectory: order.folder, graphID: "")
        if settings.memoryBytesMax > 0 { command.limits.memoryBytes = settings.memoryBytesMax }
        return command
    }

    /// `lib/python3.12/site-packages` and the like, of a virtual environment or of the system.
    private static func packageFolders(of program: String) -> [String] {
        let path = program.contains("/") ? program : found(program)
        guard let path else { return [] }
        let prefix = path.split(separator: "/").dropLast(2).joined(separator: "/")
        var found = glob_t()
        defer { globfree(&found) }
        guard glob("/\(prefix)/lib/python3*/*-packages", 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in found.gl_pathv[index].map { String(cString: $0) } }
    }

    private static func found(_ name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }
}

/// One look while it lasts. Its events come on the launcher's thread.
private final class LookRun: Sendable {
    private struct Guarded {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var isOver = false
        var fault: String?
        var process: (any RunningProcess)?
        var timer: (any ClockTimer)?
    }

    /// Of what it prints beside its answer: for the message of one that dies.
    private static let errorBytesMax = 2_000

    private let milliseconds: Int
    private let clock: any Clock
    private let done: @Sendable (PythonLookReply) -> Void
    private let guarded = Mutex(Guarded())

    init(milliseconds: Int, _ clock: any Clock, _ done: @escaping @Sendable (PythonLookReply) -> Void) {
        self.milliseconds = milliseconds
        self.clock = clock
        self.done = done
    }

    func follow(_ process: any RunningProcess, input: [UInt8]?) {
        let isUnwanted = guarded.withLock { guarded in
            if !guarded.isOver { guarded.process = process }
            return guarded.fault != nil
        }
        if let input { process.write(input) }
        process.closeInput()
        if isUnwanted { process.terminate(graceMilliseconds: 0) }
    }

    /// The time that it has waited for its turn does not count.
    private func begin() {
        let timer = clock.schedule(afterMilliseconds: Int64(milliseconds)) { [self] in
            end("was not done after \(milliseconds) ms (kinds.python.look_ms); what takes long belongs into its nodes")
        }
        guarded.withLock { $0.timer = timer }
    }

    func take(_ event: ProcessEvent) {
        switch event {
        case .sideOutput: break
        case .started: begin()
        case .stdout(let bytes):
            let isTooMuch = guarded.withLock { guarded in
                guarded.output += bytes
                return guarded.output.count > PythonLooks.answerBytesMax
            }
            if isTooMuch { end("makes a graph of more than \(GraphBounds.documentBytesMax) bytes") }
        case .stderr(let bytes):
            guarded.withLock { guarded in
                guarded.errors += bytes
                if guarded.errors.count > Self.errorBytesMax {
                    guarded.errors.removeFirst(guarded.errors.count - Self.errorBytesMax)
                }
            }
        case .ended(let end): finish(end)
        }
    }

    private func end(_ fault: String) {
        let process = guarded.withLock { guarded in
            guarded.fault = guarded.fault ?? fault
            return guarded.process
        }
        process?.terminate(graceMilliseconds: 0)
    }

    private func finish(_ end: ProcessEnd) {
        let (reply, timer) = guarded.withLock { guarded -> (PythonLookReply, (any ClockTimer)?) in
            guarded.isOver = true
            defer { (guarded.output, guarded.process) = ([], nil) }
            return (Self.reply(guarded, end), guarded.timer)
        }
        timer?.cancel()
        done(reply)
    }

    private static func reply(_ guarded: Guarded, _ end: ProcessEnd) -> PythonLookReply {
        if let fault = guarded.fault { return .none(fault) }
        if end == .exited(status: 0), guarded.output.last == UInt8(ascii: "\n") { return .answer(guarded.output) }
        let said = String(decoding: guarded.errors, as: UTF8.self).split(separator: "\n").last.map { ": \($0)" } ?? ""
        switch end {
        case .exited(let status): return .none("ended its process with status \(status)\(said)")
        case .killed(let signal): return .none("its process was killed by signal \(signal)\(said)")
        case .notStarted(let reason): return .none("no interpreter could be started to look at it: \(reason)")
        }
    }
}
