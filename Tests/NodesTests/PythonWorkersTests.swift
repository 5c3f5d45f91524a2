import Executions
import Glibc
import Graphs
import JSON
import Testing

@testable import Nodes

/// Which worker runs what, and what becomes of workers.
@Suite struct PythonWorkersTests {
    private static let pid = "import os\ndef f(state): return {'pid': os.getpid()}"

    private func pid(_ bench: PythonBench, _ source: String = pid, graph: String = "graph", revision: Int = 1)
        async throws -> Int
    {
        let outcome = await bench.run(
            ["file": "f.py", "function": "f"], call(graph: graph, revision: revision, files: ["f.py": source]))
        return try #require(outcome.update?["pid"]?.int, "\(outcome)")
    }

    // MARK: Reuse

    @Test func `a worker serves call after call`() async throws {
        try await withPython(PythonBench()) { bench in
            let first = try await pid(bench)
            #expect(try await pid(bench) == first)
            #expect(try await pid(bench, revision: 2) == first)
            #expect(bench.workers.counts == PythonCounts(started: 1, running: 0, idle: 1, waiting: 0))
        }
    }

    @Test func `changed files and other graphs have workers of their own`() async throws {
        try await withPython(PythonBench()) { bench in
            let first = try await pid(bench)
            let changed = "import os\ndef f(state): return {'pid': os.getpid(), 'new': True}"
            #expect(try await pid(bench, changed) != first)
            #expect(try await pid(bench, graph: "other") != first)
            #expect(try await pid(bench) == first)
            let outcome = await bench.run("f", changed)
            #expect(outcome.update?["new"] == true)
        }
    }

    // MARK: Concurrency

    @Test func `300 coroutines overlap in one worker`() async throws {
        let source = """
            import asyncio, os
            inside = most = 0
            async def f(state):
                global inside, most
                inside += 1
                most = max(most, inside)
                while most < 300: await asyncio.sleep(0.01)
                print("call", state["n"])
                await asyncio.sleep(0)
                print("still", state["n"])
                inside -= 1
                return {"most": most, "pid": os.getpid()}
            """
        try await withPython(PythonBench()) { bench in
            let results = try await withThrowingTaskGroup(of: (Int, JSONObject?, [String]).self) { group in
                for n in 0..<300 {
                    group.addTask {
                        let outputs = Outputs()
                        let outcome = await bench.run("f", source, ["n": JSONText(n)], output: outputs)
                        return (n, outcome.update, outputs.text("stdout"))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(results.map { $0.1?["pid"] }).count == 1)
            for (n, update, lines) in results {
                #expect(update?["most"] == 300)
                #expect(lines == ["call \(n)", "still \(n)"])
            }
            #expect(bench.workers.counts.started == 1)
        }
    }

    @Test func `plain functions have a worker each, up to the limit, and the others wait their turn`() async throws {
        let folder = try ScratchFolder()
        let source = """
            import os, time, millrace
            def f(state):
                millrace.emit(os.getpid())
                while not os.path.exists("go%d" % state["n"]): time.sleep(0.005)
            """
        try await withPython(PythonBench(maxWorkers: 2)) { bench in
            let outputs = (0..<5).map { _ in Outputs() }
            @Sendable func run(_ n: Int) async -> NodeOutcome {
                await bench.run(
                    ["file": "f.py", "function": "f"],
                    call(["n": JSONText(n)], files: ["f.py": source], folder: folder.path, output: outputs[n]))
            }
            var tasks: [Task<NodeOutcome, Never>] = []
            for n in 0..<5 {
                tasks.append(Task { await run(n) })
                if n < 2 {
                    await outputs[n].wait(for: "chunk")
                } else {
                    await eventually { bench.workers.counts.waiting == n - 1 }
                }
            }
            #expect(outputs[0]["chunk"] != outputs[1]["chunk"])
            #expect(bench.workers.counts == PythonCounts(started: 2, running: 2, idle: 0, waiting: 3))
            // Whoever waits longest comes first.
            for n in 0..<5 {
                for later in (n + 2)..<max(5, n + 2) { #expect(outputs[later]["chunk"].isEmpty) }
                try folder.write("go\(n)", "")
                #expect(await tasks[n].value.update == [:])
                if n + 2 < 5 { await outputs[n + 2].wait(for: "chunk") }
            }
            #expect(bench.workers.counts.started == 2)
        }
    }

    @Test func `at the limit an idle worker of another graph makes room`() async throws {
        try await withPython(PythonBench(maxWorkers: 1)) { bench in
            let first = try await pid(bench, graph: "a")
            let second = try await pid(bench, graph: "b")
            #expect(first != second)
            #expect(kill(Int32(first), 0) == -1)
            #expect(bench.workers.counts == PythonCounts(started: 2, running: 0, idle: 1, waiting: 0))
        }
    }

    @Test func `a plain function may use asyncio, before and after coroutines`() async throws {
        let source = """
            import asyncio
            async def half(): return 0.5
            def plain(state): return {"x": asyncio.run(half())}
            async def coroutine(state): return {"x": await half()}
            def promised(state): return coroutine(state)
            """
        try await withPython(PythonBench(maxWorkers: 1)) { bench in
            for function in ["plain", "coroutine", "plain", "promised", "coroutine", "plain"] {
                #expect(await bench.run(function, source).update == ["x": 0.5])
            }
            #expect(bench.workers.counts.started == 1)
        }
    }

    // MARK: Retirement

    @Test func `an idle worker retires after its time, not before`() async throws {
        let clock = HandClock()
        try await withPython(PythonBench(idleMilliseconds: 1000, clock: clock)) { bench in
            let first = try await pid(bench)
            await eventually { bench.workers.counts.idle == 1 }
            clock.advance(milliseconds: 600)
            #expect(try await pid(bench) == first)
            await eventually { bench.workers.counts.idle == 1 }
            // The timer was set when the worker idled first; since then it has worked.
            clock.advance(milliseconds: 999)
            #expect(bench.workers.counts.idle == 1)
            #expect(entries(of: bench.runtime.path + "/python").count == 1)
            clock.advance(milliseconds: 1)
            await eventually { entries(of: bench.runtime.path + "/python").isEmpty }
            #expect(kill(Int32(first), 0) == -1)
            #expect(bench.workers.counts == PythonCounts(started: 1, running: 0, idle: 0, waiting: 0))
            #expect(try await pid(bench) != first)
        }
    }

    // MARK: Ends

    @Test func `a worker that dies takes its call along, and the next one has another`() async throws {
        try await withPython(PythonBench()) { bench in
            let source = "import os, sys\ndef f(state):\n    os.write(2, b'last words\\n')\n    os.kill(os.getpid(), 9)"
            let failure = try #require(await bench.run("f", source).failure)
            #expect(
                failure.message
                    == "the Python process ended while the node ran: killed by SIGKILL (signal 9): last words")
            #expect(failure.details == ["signal": 9, "stderr_tail": "last words"])
            #expect(try await pid(bench) > 0)
            let exit = try #require(await bench.run("f", "import os\ndef f(state): os._exit(7)").failure)
            #expect(exit.message == "the Python process ended while the node ran: exit status 7")
        }
    }

    @Test(arguments: [
        (#"b'{"update":1,"val'"#, "the Python process ended while the node ran: exit status 1"),
        (#"b'hello\n'"#, "the Python process was killed: it wrote among its messages: hello"),
        (#"b'{"upd":1,"val\n'"#, "the Python process was killed: it wrote among its messages: {\"upd\":1,\"val"),
        (#"b'{"update":99,"value":{}}\n{"shout":99}\n'"#, "the Python process was killed: "),
        (#"b'{"hello":1}\n'"#, "the Python process was killed: "),
        (
            #"b'{"hello":2}\n'"#,
            "the Python process was killed: it speaks version 2 of the worker protocol, and this daemon version 1"
        ),
    ])
    func `what does not belong to the protocol kills the worker`(bytes: String, message: String) async throws {
        let source = """
            import os, time
            def f(state):
                pipe = next(n for n in range(3, 100) if is_pipe(n) and os.get_inheritable(n) is False and is_writable(n))
                os.write(pipe, \(bytes))
                time.sleep(\(bytes.contains("\\n") ? 1000 : 0))
                os._exit(1)
            def is_pipe(n):
                try: return os.readlink("/proc/self/fd/%d" % n).startswith("pipe")
                except OSError: return False
            def is_writable(n):
                import fcntl
                return fcntl.fcntl(n, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
            """
        try await withPython(PythonBench()) { bench in
            let failure = try #require(await bench.run("f", source).failure)
            #expect(failure.message.hasPrefix(message), "\(failure)")
        }
    }

    @Test func `a reply that never ends is cut off`() async throws {
        let source = """
            import os
            def f(state):
                for n in range(3, 100):
                    try:
                        while True: os.write(n, b"x" * 65536)
                    except OSError: pass
            """
        try await withPython(PythonBench()) { bench in
            let failure = try #require(await bench.run("f", source).failure)
            #expect(failure.message == "the Python process was killed: a message was longer than 33554432 bytes")
        }
    }

    @Test func `memory has a limit`() async throws {
        try await withPython(PythonBench(memoryBytesMax: 300 << 20)) { bench in
            let failure = try #require(await bench.run("f", "def f(state): len(bytes(500 << 20))").failure)
            #expect(failure.message == "MemoryError")
        }
    }

    // MARK: Cancel

    private static let waits = """
        import subprocess, time, millrace
        def f(state):
            child = subprocess.Popen(["sleep", "1000"])
            try:
                millrace.emit(child.pid)
                time.sleep(1000)
            finally:
                print("cleaned up")
        """

    @Test func `a cancelled plain call is gone with all that it started`() async throws {
        try await withPython(PythonBench()) { bench in
            let outputs = Outputs()
            let task = Task { await bench.run("f", Self.waits, output: outputs) }
            await outputs.wait(for: "chunk")
            task.cancel()
            #expect(await task.value.failure != nil)
            let child = try #require(outputs["chunk"].first?.int)
            #expect(kill(Int32(child), 0) == -1)
            #expect(outputs.text("stdout") == ["cleaned up"])
            #expect(try await pid(bench) > 0)
        }
    }

    @Test func `a cancelled coroutine leaves the others alone`() async throws {
        let source = """
            import asyncio, os, millrace
            go = asyncio.Event()
            async def f(state):
                millrace.emit(os.getpid())
                if state["n"] == 2: go.set()
                try:
                    await go.wait()
                    if state["n"] == 0: await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    print("cancelled"); raise
                return {"pid": os.getpid()}
            """
        // On a busy machine more than the grace may pass before the worker gets to it.
        try await withPython(PythonBench(clock: HandClock())) { bench in
            let outputs = (0..<3).map { _ in Outputs() }
            let tasks = (0..<2).map { n in
                Task { await bench.run("f", source, ["n": JSONText(n)], output: outputs[n]) }
            }
            for n in 0..<2 { await outputs[n].wait(for: "chunk") }
            tasks[0].cancel()
            #expect(await tasks[0].value.failure?.message == "cancelled")
            #expect(outputs[0].text("stdout") == ["cancelled"])
            let last = await bench.run("f", source, ["n": 2], output: outputs[2])
            #expect(await tasks[1].value.update == last.update)
            #expect(bench.workers.counts.started == 1)
        }
    }

    @Test func `a coroutine that ignores its cancel loses its worker`() async throws {
        let source = """
            import asyncio, millrace
            async def f(state):
                while True:
                    try:
                        millrace.emit("up")
                        await asyncio.sleep(1000)
                    except asyncio.CancelledError:
                        pass
            """
        let clock = HandClock()
        try await withPython(PythonBench(clock: clock)) { bench in
            let outputs = Outputs()
            let task = Task { await bench.run("f", source, output: outputs) }
            await outputs.wait(for: "chunk")
            task.cancel()
            await outputs.wait(for: "chunk") { $0.count == 2 }
            clock.advance(milliseconds: 1000)
            #expect(await task.value.failure?.message.hasPrefix("the Python process ended while the node ran") == true)
        }
    }

    @Test func `a cancelled call that waits never runs`() async throws {
        try await withPython(PythonBench(maxWorkers: 1)) { bench in
            let outputs = Outputs()
            let first = Task { await bench.run("f", Self.waits, output: outputs) }
            await outputs.wait(for: "chunk")
            let second = Task { await bench.run("f", Self.waits) }
            await eventually { bench.workers.counts.waiting == 1 }
            second.cancel()
            #expect(await second.value.failure?.message == "cancelled")
            #expect(bench.workers.counts.waiting == 0)
            first.cancel()
            _ = await first.value
        }
    }

    @Test func `the end of the workers ends all calls, and no more are taken`() async throws {
        let bench = try PythonBench(maxWorkers: 1)
        let outputs = Outputs()
        let first = Task { await bench.run("f", Self.waits, output: outputs) }
        await outputs.wait(for: "chunk")
        let second = Task { await bench.run("f", Self.waits) }
        await eventually { bench.workers.counts.waiting == 1 }
        await bench.finish()
        #expect(await first.value.failure != nil)
        #expect(await second.value.failure?.message == "the daemon is stopping")
        #expect(await bench.run("f", Self.pid).failure?.message == "the daemon is stopping")
    }

    // MARK: Interpreters

    @Test func `an interpreter that is missing is named with its setting`() async throws {
        try await withPython(PythonBench(interpreter: "python9")) { bench in
            for _ in 0..<2 {
                let failure = try #require(await bench.run("f", Self.pid).failure)
                #expect(
                    failure.message == """
                        Python could not be started: exec python9: No such file or directory; \
                        kinds.python.interpreter is python9; it takes a Python of 3.9 or later, or the folder of a virtual \
                        environment that has one
                        """)
            }
        }
    }

    @Test func `the folder of a virtual environment is an interpreter`() async throws {
        let folder = try ScratchFolder()
        #expect(mkdir(folder.path + "/bin", 0o700) == 0)
        #expect(symlink("/usr/bin/python3", folder.path + "/bin/python") == 0)
        try folder.write("pyvenv.cfg", "home = /usr/bin\n")
        try await withPython(PythonBench(interpreter: folder.path)) { bench in
            let source = "import sys\ndef f(state): return {'prefix': sys.prefix}"
            #expect(await bench.run("f", source).update == ["prefix": JSONText(folder.path)])
        }
    }

    @Test func `the environment is clean`() async throws {
        try await withPython(PythonBench()) { bench in
            let update = await bench.run("f", "import os\ndef f(state): return {'names': sorted(os.environ)}").update
            #expect(update?["names"] == ["LANG", "MILLRACE_GRAPH_ID", "PATH"])
        }
    }

    @Test(
        arguments: [
            ([:], false), (["file": "f.py"], false), (["function": "f"], false),
            (["file": "f.py", "function": "f"], true),
            (["file": "f.py", "class": "F"], true), (["file": "f.py", "object": "f"], true), (["code": "x"], true),
            (["file": "f.py", "function": "f", "class": "F"], false),
            (["file": "f.py", "function": "f", "code": "x"], false),
        ] as [(JSONObject, Bool)])
    func `a config names one thing to call`(config: JSONObject, isValid: Bool) async throws {
        try await withPython(PythonBench()) { bench in
            let schema = try ConfigSchema(bench.kind.configSchema)
            #expect(schema.faults(in: config).isEmpty == isValid)
            #expect(
                schema.fileNames(in: config).map(\.name) == (config["file"] != nil && isValid ? ["f.py"] : [])
                    || !isValid)
            #expect(throws: GraphFaults(pointer: "/function", "code and function exclude each other")) {
                _ = try bench.kind.compile(["code": "x", "function": "f"], files: GraphFiles())
            }
        }
    }
}
