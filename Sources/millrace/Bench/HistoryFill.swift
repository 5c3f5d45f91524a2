import Config
import Executions
import Graphs
import History
import JSON
import Nodes
import Reactor
import ReactorServices

/// Fills a history with executions that an engine really runs: five `set` nodes each, of ten graphs, one in twenty ending
/// in error; and some, spread evenly among them, that do not end.
struct HistoryFill {
    /// What a filtered list asks for.
    static let graphID = "g3"
    static let unfinishedCount = 20
    private static let graphCount = 10
    private static let failingOneIn = 20
    /// In memory at once: enough for full commits.
    private static let inFlightMax = 4_000

    let path: String
    let count: Int

    /// What was filled in.
    struct Filling {
        /// Of those that have ended, oldest first.
        var ids: [ExecutionID] = []
        var graphs: [String: GraphRevision] = [:]
    }

    /// - Parameter progress: told how many there are, now and then.
    func run(_ progress: (Int) -> Void) throws -> Filling {
        var configuration = Configuration()
        // Nothing is to be removed meanwhile.
        configuration.history.retainDays = 0
        configuration.history.retainExecutions = 0
        configuration.history.retainBytes = 0
        let engine = try Engine(
            configuration, .file(path), runtimeFolder: path + ".python", Installation.find(), log: nil)
        let forgetter = Forgetter(engine)
        engine.store.observer = forgetter
        let graphs = try (0..<Self.graphCount).map { try Self.graph("g\($0)", engine) }
        let broken = try Self.graph(
            "broken", engine, first: #"{"kind":"set","config":{"values":{"a":"{{ 1 + nil }}"}}}"#)
        let endless = try Self.graph("endless", engine, first: #"{"kind":"delay","config":{"duration_ms":600000}}"#)
        var filling = Filling()
        for graph in graphs + [broken, endless] { filling.graphs[graph.identity.id] = graph }
        var unfinished = 0
        for number in 0..<count {
            if number % max(count / Self.unfinishedCount, 1) == 0 {
                _ = try engine.service.start(endless, initialState: [:])
                unfinished += 1
            }
            let graph = number % Self.failingOneIn == 0 ? broken : graphs[number % graphs.count]
            filling.ids.append(try engine.service.start(graph, initialState: ["number": JSONText(number)]).id)
            while number % 1_000 == 0, engine.service.unfinished.count > Self.inFlightMax { try engine.reactor.turn() }
            if number % 50_000 == 0 { progress(number) }
        }
        while engine.service.unfinished.count > unfinished { try engine.reactor.turn() }
        engine.service.interrupt()
        while !engine.service.isQuiet {
            _ = engine.reactor.schedule(afterMilliseconds: 1) {}
            try engine.reactor.turn()
        }
        try engine.closeStore()
        engine.pool.stop()
        return filling
    }

    private static func graph(_ id: String, _ engine: Engine, first: String? = nil) throws -> GraphRevision {
        let set = #"{"kind":"set","config":{"values":{"step":1,"text":"a few words that a node might say"}}}"#
        let bodies = [first ?? set] + Array(repeating: set, count: 4)
        let nodes = bodies.enumerated().map { number, body in #"{"id":"n\#(number)",\#(body.dropFirst())"# }
        let edges = (1..<bodies.count).map { #"{"from":"n\#($0 - 1)","to":"n\#($0)"}"# }
        let document =
            #"{"id":"\#(id)","nodes":[\#(nodes.joined(separator: ","))],"edges":[\#(edges.joined(separator: ","))]}"#
        let content = try Graph.parse(
            Array(document.utf8), format: .json, vocabulary: engine.kinds, files: GraphFiles())
        return try engine.kinds.compile(
            content.graph, identity: GraphIdentity(id: id, revision: 1, files: content.files, folder: nil),
            createdAtMicroseconds: engine.clock.wallMicroseconds)
    }
}

/// Lets go of executions that are stored, as the daemon does, and wakes whoever fills.
private final class Forgetter: ExecutionStoreObserver {
    private let service: ExecutionService
    private let mailbox: Mailbox

    init(_ engine: Engine) {
        service = engine.service
        mailbox = engine.reactor.mailbox
    }

    func logsBecameVisible(_ logs: [EventLog]) {
        service.forgetFinished(logs)
        mailbox.post { _ in }
    }
}
