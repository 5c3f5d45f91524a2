import Executions
import Graphs
import JSON
import Synchronization

/// Says of documents' Python whether it compiles, by asking the interpreter that would run it.
package final class PythonSyntax: Sendable {
    /// Of one run of the interpreter: the bound of all files of one document.
    private static let batchBytesMax = GraphBounds.filesBytesMax
    private static let batchSourcesMax = 1_000
    /// Compiling is quick; this is for a machine that is very busy.
    private static let timeoutMilliseconds = 20_000
    /// What compiling 4 MiB of Python can take.
    private static let memoryBytes = 4 << 30
    private static let answerBytesMax = 4 << 20
    /// Verdicts that are remembered, so that what has not changed is not compiled again.
    private static let verdictsMax = 4_096

    private struct Question: Hashable {
        let program: String
        let isText: Bool
        let fingerprint: Fingerprint
    }

    fileprivate struct Fault: Sendable {
        let message: String
        let line: Int?
        let column: Int?
    }

    fileprivate enum Verdict: Sendable {
        case compiles
        case fails(Fault)
    }

    private struct Source {
        let question: Question
        let content: [UInt8]
    }

    private let settings: PythonSettings
    private let runner: any CommandRunner
    private let environment: ChildrenEnvironment
    private let script: String
    private let report: @Sendable (String) -> Void
    private let verdicts = Mutex<[Question: Verdict]>([:])
    private let hasReported = Mutex(false)

    /// - Parameters:
    ///   - pythonFolder: where `check.py` is.
    ///   - report: told, once, that the interpreter cannot be asked.
    package init(
        settings: PythonSettings, runner: any CommandRunner, environment: ChildrenEnvironment = .daemon,
        pythonFolder: String, report: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.runner = runner
        self.environment = environment
        script = "\(pythonFolder)/check.py"
        self.report = report
    }

    /// One for each document; nil where nothing was asked, or all compiles as far as can be told.
    func faults(of documents: [DocumentCode?], in folder: String?) -> [GraphFaults?] {
        var sources: [String: [Source]] = [:]
        var asked: [[(code: NodeCode, question: Question)]] = []
        for document in documents {
            let found = document.map { self.sources(of: $0, in: folder) } ?? []
            asked.append(found.map { ($0.code, $0.source.question) })
            for (_, source) in found { sources[source.question.program, default: []].append(source) }
        }
        for (program, sources) in sources { ask(sources, program) }
        return asked.map { asked in
            let faults = asked.compactMap { code, question in fault(question, code) }
            return faults.isEmpty ? nil : GraphFaults(faults)
        }
    }

    private func sources(of document: DocumentCode, in folder: String?) -> [(code: NodeCode, source: Source)] {
        let program = settings.program(document.interpreter(in: folder))
        return document.nodes.compactMap { code in
            let (isText, bytes) =
                switch code.source {
                case .inline(let text): (true, Array(text.utf8) as [UInt8]?)
                case .file(let name): (false, document.files[name])
                }
            guard let bytes else { return nil }
            let question = Question(program: program, isText: isText, fingerprint: Fingerprint(document: bytes))
            return (code, Source(question: question, content: bytes))
        }
    }

    private func fault(_ question: Question, _ code: NodeCode) -> GraphFault? {
        guard case .fails(let fault) = verdicts.withLock({ $0[question] }) else { return nil }
        var place = ""
        if let line = fault.line { place = fault.column.map { "line \(line), column \($0): " } ?? "line \(line): " }
        if case .file(let name) = code.source { place = "\(name), \(place)" }
        return GraphFault(pointer: code.pointer, message: "does not compile: \(place)\(fault.message)")
    }

    // MARK: Asking

    private func ask(_ sources: [Source], _ program: String) {
        var batch: [Source] = []
        var bytes = 0
        var known = verdicts.withLock { verdicts in
            if verdicts.count > Self.verdictsMax { verdicts = [:] }
            return Set(verdicts.keys)
        }
        for source in sources where known.insert(source.question).inserted {
            if batch.count == Self.batchSourcesMax || bytes + source.content.count > Self.batchBytesMax, !batch.isEmpty
            {
                guard run(batch, program) else { return }
                batch = []
                bytes = 0
            }
            batch.append(source)
            bytes += source.content.count
        }
        if !batch.isEmpty { _ = run(batch, program) }
    }

    /// - Returns: whether there were answers; without them it is left to the run to show what is wrong.
    private func run(_ batch: [Source], _ program: String) -> Bool {
        var input: [UInt8] = []
        for source in batch {
            input += Array("\(source.question.isText ? "text" : "bytes") \(source.content.count)\n".utf8)
            input += source.content
        }
        // Isolated, and without what is installed: nothing but the interpreter itself has a say.
        var command = ProcessCommand(
            arguments: [program, "-I", "-S", "-B", script], environment: environment.forTools,
            workingDirectory: "/", graphID: "")
        command.limits.memoryBytes = Self.memoryBytes
        let answer = runner.run(
            command, input: input, outputBytesMax: Self.answerBytesMax, timeoutMilliseconds: Self.timeoutMilliseconds)
        let lines = (answer ?? []).split(separator: 0x0A)
        verdicts.withLock { verdicts in
            for (source, line) in zip(batch, lines) {
                if let verdict = Verdict(line: Array(line)) { verdicts[source.question] = verdict }
            }
        }
        if lines.count < batch.count { reportOnce(program) }
        return !lines.isEmpty
    }

    private func reportOnce(_ program: String) {
        let isFirst = hasReported.withLock { hasReported in
            defer { hasReported = true }
            return !hasReported
        }
        if isFirst { report("\(program) does not say whether Python compiles; it shows when the node runs") }
    }
}

extension PythonSyntax.Verdict {
    fileprivate init?(line: [UInt8]) {
        guard let answer = try? JSONText(parsing: line) else { return nil }
        guard let message = answer["message"]?.string else {
            self = .compiles
            return
        }
        self = .fails(.init(message: message, line: answer["line"]?.int, column: answer["column"]?.int))
    }
}
