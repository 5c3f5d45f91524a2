import Client
import Config
import Executions
import Glibc
import Graphs
import History
import JSON
import Linux
import Nodes
import Reactor
import ReactorServices
import Server
import Synchronization

/// A run of a graph document in this process: an engine of its own, with its history in memory.
struct LocalRun {
    private let text: GraphText
    private let path: String
    private let initialState: JSONObject
    private let detail: StateDetail
    private let cancellation: Cancellation

    /// The events of a run of a document from a file, beside which its nodes' files lie; it goes on, on a thread of its own, as they are read.
    static func events(
        of text: GraphText, from path: String, _ initialState: JSONObject, _ detail: StateDetail,
        _ interrupts: Interrupts
    ) throws -> any EventSource {
        let cancellation = Cancellation()
        let run = LocalRun(
            text: text, path: path, initialState: initialState, detail: detail, cancellation: cancellation)
        return try LocalEvents(interrupts: interrupts, cancel: { cancellation.cancel() }) { onEvent in
            try run.run(onEvent)
        }
    }

    /// What is wrong with a graph document by the kinds of nodes that this program has.
    static func faults(inFile path: String) throws -> [GraphFault] {
        let folder = try TemporaryFolder()
        let engine = try engine(in: folder)
        do {
            _ = try parse(try GraphFile.read(path), path, engine)
            return []
        } catch let faults as GraphFaults {
            return faults.faults
        }
    }

    private func run(_ onEvent: (String) -> Void) throws {
        let scratch = try TemporaryFolder()
        let engine = try Self.engine(in: scratch)
        let observer = WakingObserver(engine.reactor.mailbox)
        engine.store.observer = observer
        let content = try Self.content(of: text, path, engine)
        let inner = try LocalGraphs(of: content.graph, in: Self.folder(of: path)) { text, path in
            try Self.compile(try Self.content(of: text, path, engine), path, engine)
        }
        let unfit = content.graph.document.inputFaults(over: initialState)
        guard unfit.isEmpty else {
            throw CommandFailure(DocumentFaults.text(unfit, in: "initial_state"))
        }
        engine.graphs.use(inner)
        let revision = try Self.compile(content, path, engine)
        let log = try engine.service.start(revision, initialState: initialState)
        cancellation.arm(engine.service, log.id)
        try follow(log, engine, onEvent)
        engine.stopReactor()
        try engine.reactor.run()
        try engine.closeStore()
    }

    private func follow(_ log: EventLog, _ engine: Engine, _ onEvent: (String) -> Void) throws {
        var renderer = EventRenderer(log: log, detail: detail)
        while true {
            let slice: EventLog.Slice
            switch log.read(after: renderer.nextSeq - 1, bytesMax: 1 << 20) {
            case .events(let events): slice = events
            case .caughtUp(isFinished: true): return
            case .caughtUp(isFinished: false):
                try engine.reactor.turn()
                continue
            case .evicted: slice = try engine.store.records(of: log.id, after: renderer.nextSeq - 1, bytesMax: 1 << 20)
            }
            try slice.forEachRecord { record in
                var line = ByteWriter()
                try renderer.render(record, to: &line)
                onEvent(String(decoding: line.bytes, as: UTF8.self))
            }
        }
    }

    private static func engine(in folder: borrowing TemporaryFolder) throws -> Engine {
        let loaded = try ConfigurationLoader.load(file: nil, environment: ProcessEnvironment.current)
        return try Engine(
            loaded.configuration, .memory, runtimeFolder: "\(folder.path)/python", Installation.find(), log: nil)
    }

    /// - Throws: a `CommandFailure` that names the file and every fault in it.
    private static func content(
        of text: GraphText, _ path: String, _ engine: Engine
    ) throws -> GraphRevisionContent {
        do {
            return try parse(text, path, engine)
        } catch let faults as GraphFaults {
            throw CommandFailure(DocumentFaults.text(faults.faults, in: path))
        }
    }

    private static func compile(
        _ content: GraphRevisionContent, _ path: String, _ engine: Engine
    ) throws -> GraphRevision {
        let (document, folder) = (content.graph.document, folder(of: path))
        let identity = GraphIdentity(
            id: document.id, revision: 1, files: content.files, folder: folder,
            interpreter: document.interpreter(in: folder))
        return try engine.kinds.compile(
            content.graph, identity: identity, createdAtMicroseconds: engine.clock.wallMicroseconds)
    }

    private static func parse(_ text: GraphText, _ path: String, _ engine: Engine) throws -> GraphRevisionContent {
        let folder = folder(of: path)
        return try engine.kinds.read(text.bytes, text.format, files: FolderFiles(path: folder), in: folder)
    }

    /// The folder that a document lies in, absolute: the working directory of its children.
    private static func folder(of path: String) -> String {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let resolved = realpath(folder, nil) else { return folder }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

/// Asks for the end of the run, once it has begun.
private final class Cancellation: Sendable {
    private struct Guarded {
        var target: (service: ExecutionService, id: ExecutionID)?
        var isCancelled = false
    }
    private let guarded = Mutex(Guarded())

    func arm(_ service: ExecutionService, _ id: ExecutionID) {
        let isCancelled = guarded.withLock { guarded in
            guarded.target = (service, id)
            return guarded.isCancelled
        }
        if isCancelled { service.cancel(id) { _ in } }
    }

    func cancel() {
        let target = guarded.withLock { guarded in
            guarded.isCancelled = true
            return guarded.target
        }
        if let target { target.service.cancel(target.id) { _ in } }
    }
}

/// Ends the reactor's wait when something became visible.
private final class WakingObserver: ExecutionStoreObserver {
    private let mailbox: Mailbox

    init(_ mailbox: Mailbox) {
        self.mailbox = mailbox
    }

    func logsBecameVisible(_ logs: [EventLog]) {
        mailbox.post { _ in }
    }
}

/// A folder that goes with its owner.
private struct TemporaryFolder: ~Copyable {
    let path: String

    init() throws(SystemError) {
        var template = Array("/tmp/millrace.XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw SystemError(SystemError.Code(rawValue: errno), "mkdtemp /tmp/millrace")
        }
        path = String(cString: made)
    }

    deinit {
        rmdir("\(path)/python")
        rmdir(path)
    }
}
