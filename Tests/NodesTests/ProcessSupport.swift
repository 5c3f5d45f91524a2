import Executions
import Glibc
import Graphs
import JSON
import Linux
import Reactor
import ReactorServices
import Synchronization
import Testing

@testable import Nodes

/// A reactor on a thread of its own, as in the daemon, with the real millrace-exec.
final class LiveReactor: Sendable {
    let launcher: ReactorProcessLauncher
    let clock: ReactorClock

    static let shared = LiveReactor()

    private init() {
        let parts = Mutex<(ReactorProcessLauncher, ReactorClock)?>(nil)
        let ready = Semaphore()
        do {
            try spawnThread(name: "reactor") {
                do {
                    let reactor = try Reactor()
                    let children = Children(on: reactor, helperPath: builtHelper())
                    parts.withLock { $0 = (ReactorProcessLauncher(children, on: reactor), ReactorClock(reactor)) }
                    ready.signal()
                    try reactor.run()
                } catch {
                    preconditionFailure("the reactor: \(error)")
                }
            }.detach()
        } catch {
            preconditionFailure("the reactor's thread: \(error)")
        }
        ready.wait()
        (launcher, clock) = parts.withLock { $0! }
    }
}

/// The millrace-exec that was built with the tests, beside their own executable.
func builtHelper() -> String {
    var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = bytes.withUnsafeMutableBytes { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
    let own = String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    let folder = own.split(separator: "/").dropLast().joined(separator: "/")
    return "/\(folder)/millrace-exec"
}

/// What a node put out, and a way to wait for it.
final class Outputs: Sendable {
    private struct Guarded {
        var began = 0
        var all: [(channel: String, data: JSONText)] = []
        var waiting:
            [(
                condition: @Sendable ([JSONText]) -> Bool, channel: String,
                continuation: CheckedContinuation<Void, Never>
            )] = []
    }
    private let guarded = Mutex(Guarded())

    var door: NodeOutput {
        NodeOutput(began: { self.guarded.withLock { $0.began += 1 } }) { channel, data in self.add(channel, data) }
    }

    /// How often the node was said to begin.
    var began: Int { guarded.withLock { $0.began } }

    subscript(channel: String) -> [JSONText] {
        guarded.withLock { $0.all.filter { $0.channel == channel }.map(\.data) }
    }

    func text(_ channel: String) -> [String] { self[channel].compactMap(\.string) }

    /// Waits until a channel's data fits.
    func wait(for channel: String, _ condition: @escaping @Sendable ([JSONText]) -> Bool = { !$0.isEmpty }) async {
        await withCheckedContinuation { continuation in
            let isThere = guarded.withLock { guarded in
                if condition(guarded.all.filter { $0.channel == channel }.map(\.data)) { return true }
                guarded.waiting.append((condition, channel, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    private func add(_ channel: String, _ data: JSONText) {
        let done = guarded.withLock { guarded in
            guarded.all.append((channel, data))
            var done: [CheckedContinuation<Void, Never>] = []
            let all = guarded.all
            guarded.waiting.removeAll { waiter in
                let fits = waiter.condition(all.filter { $0.channel == waiter.channel }.map(\.data))
                if fits { done.append(waiter.continuation) }
                return fits
            }
            return done
        }
        for continuation in done { continuation.resume() }
    }
}

/// Calls of nodes, as the engine makes them.
func call(
    _ state: JSONObject = [:], graph: String = "graph", revision: Int = 1, files: [String: String] = [:],
    folder: String? = nil, node: String = "node", attempt: Int = 1, output: Outputs = Outputs(),
    isIdempotent: Bool = true, idleTimeoutMilliseconds: Int? = nil
) -> NodeCall {
    NodeCall(
        executionID: ExecutionID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001),
        graph: GraphIdentity(
            id: graph, revision: revision, files: GraphFiles(files.mapValues { Array($0.utf8) }), folder: folder),
        nodeID: node, attempt: attempt, state: State(initial: state), output: output.door, isIdempotent: isIdempotent,
        idleTimeoutMilliseconds: idleTimeoutMilliseconds)
}

extension NodeBody {
    func run(_ call: NodeCall) async -> NodeOutcome {
        switch start(call) {
        case .finished(let outcome): outcome
        case .waiting(let work): await work()
        case .parked: .success(update: [:])
        case .composed: .failure(NodeFailure("it runs graphs within itself"))
        }
    }
}

extension NodeOutcome {
    var update: JSONObject? {
        if case .success(let update) = self { update } else { nil }
    }

    var failure: NodeFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

/// A folder that is gone after the test.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/millrace-nodes-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw NodeFailure("mkdtemp failed") }
        path = String(cString: made)
    }

    func write(_ name: String, _ text: String) throws {
        guard let file = fopen("\(path)/\(name)", "w") else { throw NodeFailure("cannot write \(name)") }
        fputs(text, file)
        fclose(file)
    }

    deinit {
        var removal = FolderRemoval(path)
        while removal.advance(steps: 1_000) == .unfinished {}
    }
}
