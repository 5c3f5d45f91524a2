import Executions
import Glibc
import Graphs
import HTTP
import History
import JSON
import Linux
import Nodes
import Reactor
import ReactorServices
import Testing

@testable import Server

/// A server with all that is behind it, as in the daemon: the real history (in memory), the real engine, the real kinds. Its
/// reactor belongs to the thread of the test, which turns it.
final class LiveServer {
    let reactor: Reactor
    let pool: WorkerPool
    private let lanes = Lanes()
    let store: HistoryStore
    let service: ExecutionService
    let catalog: GraphCatalog
    let server: Server
    private let observer: Observer
    private let folder: TemporaryFolder
    private let address: SocketAddress

    /// Tells the reactor what the store has told.
    private final class Observer: ExecutionStoreObserver {
        private let mailbox: Mailbox
        private let server: Confined<Server>
        private let service: ExecutionService

        init(_ server: Server, _ service: ExecutionService) {
            mailbox = server.reactor.mailbox
            self.server = Confined(server, to: server.reactor)
            self.service = service
        }

        func logsBecameVisible(_ logs: [EventLog]) {
            service.forgetFinished(logs)
            mailbox.post { [server] reactor in server.open(on: reactor).logsBecameVisible(logs) }
        }
    }

    init(_ settings: ServerSettings = ServerSettings(), limits: ExecutionService.Limits = .init()) throws {
        folder = try TemporaryFolder()
        reactor = try Reactor()
        let clock = ReactorClock(reactor)
        pool = WorkerPool(threads: 2)
        store = HistoryStore(.memory)
        try store.start()
        let launcher = ReactorProcessLauncher(Children(on: reactor, helperPath: "/nonexistent"), on: reactor)
        let python = PythonWorkers(
            settings: PythonSettings(), launcher: launcher, clock: clock, pool: pool, pythonFolder: "/nonexistent",
            runtimeFolder: "\(folder.path)/python")
        let kinds = NodeKinds.standard(NodeSettings(clock: clock, launcher: launcher, python: python))
        service = ExecutionService(
            environment: RunEnvironment(clock: clock, pool: pool, lanes: lanes, store: store), limits: limits,
            ids: ExecutionIDGenerator())
        catalog = GraphCatalog(store: store, compiler: kinds, clock: clock, folder: nil)
        server = Server(
            reactor: reactor, settings: settings, service: service, catalog: catalog, store: store, report: { _ in })
        observer = Observer(server, service)
        store.observer = observer
        address = .unix("\(folder.path)/server.sock")
        try server.listen(try Socket.listen(at: address))
        try pool.start()
        try lanes.start()
    }

    /// Ends the threads. The test calls it, since it may fail.
    func stop() throws {
        server.closeConnections()
        try reactor.turnNow()
        pool.stop()
        lanes.stop()
        try store.stop()
    }

    /// Stores a document in JSON.
    @discardableResult
    func put(_ document: String) throws -> GraphRevision {
        let content = try catalog.validate(Array(document.utf8), format: .json)
        return try catalog.put(content).revision
    }

    func start(_ graph: GraphRevision, _ initialState: JSONObject = [:]) throws -> EventLog {
        try service.start(graph, initialState: initialState)
    }

    /// Turns until the execution has ended and all of it is stored.
    func run(_ graph: GraphRevision, _ initialState: JSONObject = [:]) throws -> EventLog {
        let log = try start(graph, initialState)
        try reactor.turn(until: { log.isFinishedAndVisible })
        return log
    }

    func connect() throws -> RawClient { RawClient(try Socket.startConnecting(to: address), on: reactor) }

    /// The answer to one request, on a connection of its own.
    func answer(_ request: String) throws -> RawClient.Answer {
        let client = try connect()
        try client.send(request)
        return try client.answer()
    }
}

extension Reactor {
    /// Turns until `condition` holds; gives up, and fails, long after it should.
    func turn(until condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) throws {
        var isOverdue = false
        let timer = schedule(afterMilliseconds: 60_000) { isOverdue = true }
        defer { cancel(timer) }
        while !condition() {
            // What the condition looks at may change without the loop's knowledge.
            let look = schedule(afterMilliseconds: 5) {}
            try turn()
            cancel(look)
            if isOverdue {
                Issue.record("what the test waits for never came", sourceLocation: sourceLocation)
                return
            }
        }
    }

    /// A turn that does not wait.
    func turnNow() throws {
        mailbox.post { _ in }
        try turn()
    }
}

/// A folder of its own for one test, removed with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/millrace-server-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError(.notFound, "mkdtemp") }
        path = String(cString: made)
    }

    deinit {
        for name in ["server.sock"] { unlink("\(path)/\(name)") }
        rmdir("\(path)/python")
        rmdir(path)
    }
}
