import Executions
import Glibc
import Graphs
import JSON
import Linux
import Synchronization
import Testing

@testable import Nodes

/// The workers of one test: the real worker.py under the real reactor.
final class PythonBench: Sendable {
    let workers: PythonWorkers
    let kind: PythonKind
    let runtime: ScratchFolder
    private let pool: WorkerPool

    init(
        interpreter: String = "/usr/bin/python3", maxWorkers: Int = 8, idleMilliseconds: Int = 600_000,
        startMilliseconds: Int = 600_000, memoryBytesMax: Int = 0, clock: any Clock = LiveReactor.shared.clock
    ) throws {
        runtime = try ScratchFolder()
        pool = WorkerPool(threads: 2)
        try pool.start()
        workers = PythonWorkers(
            settings: PythonSettings(
                interpreter: interpreter, maxWorkers: maxWorkers, idleMilliseconds: idleMilliseconds,
                startMilliseconds: startMilliseconds, memoryBytesMax: memoryBytesMax),
            launcher: LiveReactor.shared.launcher, clock: clock, pool: pool,
            environment: ChildrenEnvironment(["PATH": "/usr/bin:/bin", "SECRET": "x"]), pythonFolder: pythonFolder,
            runtimeFolder: runtime.path + "/python")
        kind = PythonKind(workers: workers)
    }

    /// Runs a function of the file `f.py`.
    func run(_ function: String, _ source: String, _ state: JSONObject = [:], output: Outputs = Outputs()) async
        -> NodeOutcome
    {
        await run(
            ["file": "f.py", "function": JSONText(function)], call(state, files: ["f.py": source], output: output))
    }

    /// Runs inline code.
    func run(code: String, _ state: JSONObject = [:], output: Outputs = Outputs()) async -> NodeOutcome {
        await run(["code": JSONText(code)], call(state, output: output))
    }

    func run(_ config: JSONObject, _ call: NodeCall) async -> NodeOutcome {
        do throws(GraphFaults) {
            let body = try kind.compile(config, files: call.graph.files)
            return await body.run(call)
        } catch {
            return .failure(NodeFailure("the config: \(error)"))
        }
    }

    /// The test's last step: nothing may be left.
    func finish(sourceLocation: SourceLocation = #_sourceLocation) async {
        await workers.shutDown()
        let counts = workers.counts
        #expect(counts.running == 0 && counts.idle == 0 && counts.waiting == 0, sourceLocation: sourceLocation)
        #expect(entries(of: runtime.path + "/python").isEmpty, sourceLocation: sourceLocation)
        pool.stop()
    }
}

/// Runs a test with workers that are gone after it.
func withPython(_ bench: PythonBench, _ body: (PythonBench) async throws -> Void) async throws {
    do {
        try await body(bench)
    } catch {
        await bench.finish()
        throw error
    }
    await bench.finish()
}

/// Where worker.py is, seen from this file.
private let pythonFolder: String = {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return "/\(root)/Sources/Nodes/Python"
}()

func entries(of path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

/// Time that stands still until the test moves it.
final class HandClock: Clock {
    private struct Guarded {
        var now: UInt64 = 1_000_000_000
        var timers: [(due: UInt64, id: Int, action: @Sendable () -> Void)] = []
        var lastID = 0
    }
    private let guarded = Mutex(Guarded())

    private struct Timer: ClockTimer {
        let clock: HandClock
        let id: Int
        func cancel() { clock.guarded.withLock { $0.timers.removeAll { $0.id == id } } }
    }

    var monotonicNanoseconds: UInt64 { guarded.withLock { $0.now } }
    var wallMicroseconds: Int64 { 0 }
    var timers: Int { guarded.withLock { $0.timers.count } }

    func schedule(afterMilliseconds: Int64, _ action: @escaping @Sendable () -> Void) -> any ClockTimer {
        guarded.withLock { guarded in
            guarded.lastID += 1
            guarded.timers.append((guarded.now + UInt64(afterMilliseconds) * 1_000_000, guarded.lastID, action))
            return Timer(clock: self, id: guarded.lastID)
        }
    }

    func advance(milliseconds: UInt64) {
        let due = guarded.withLock { guarded in
            guarded.now += milliseconds * 1_000_000
            let now = guarded.now
            defer { guarded.timers.removeAll { $0.due <= now } }
            return guarded.timers.filter { $0.due <= now }.sorted { $0.due < $1.due }
        }
        for timer in due { timer.action() }
    }
}

/// Waits, in steps of the live clock, until something has come about; gives up, and fails, long after it should.
func eventually(sourceLocation: SourceLocation = #_sourceLocation, _ condition: () -> Bool) async {
    for _ in 0..<6000 {
        if condition() { return }
        _ = await LiveReactor.shared.clock.sleep(milliseconds: 5)
    }
    Issue.record("what the test waits for never came", sourceLocation: sourceLocation)
}
