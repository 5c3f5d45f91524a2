import Executions
import Glibc
import Graphs
import JSON
import Testing

@testable import Nodes

/// What one call of a Python node gives.
@Suite struct PythonCallTests {
    private func run(_ source: String, _ state: JSONObject = [:]) async throws -> NodeOutcome {
        let bench = try PythonBench()
        let outcome = await bench.run("f", source, state)
        await bench.finish()
        return outcome
    }

    // MARK: Updates

    @Test(
        arguments: [
            ("return {'total': state['a'] + 1}", ["total": 2]),
            ("return {**state, 'b': 2}", ["b": 2]),
            ("state['log'].append('x')", ["log": ["x"]]),
            ("state['log'].append('x'); return state", ["log": ["x"]]),
            ("state['b'] = 1; del state['a']", ["b": 1]),
            ("return {'a': 1.0}", ["a": 1.0]),
            ("return {'a': True}", ["a": true]),
            ("return {'a': 1, 'log': ()}", [:]),
            ("pass", [:]),
            ("return {'text': 'äöü\\u2028\\\"'}", ["text": "äöü\u{2028}\""]),
            ("import collections; return collections.UserDict(x=1)", ["x": 1]),
            ("return {'a': {'b': [1, {2}]}}", ["a": ["b": [1, [2]]]]),
            ("yield 'x'; return {'a': b'x'}", ["a": "eA=="]),
        ] as [(String, JSONObject)])
    func `the update is what the function added or changed`(body: String, update: JSONObject) async throws {
        let outcome = try await run("def f(state): \(body)", ["a": 1, "log": []])
        #expect(outcome.update == update, "\(outcome)")
    }

    @Test(arguments: [
        ("return 5", "the node returned a value of type int; it takes a mapping or None"),
        (
            "return {'a': {'b': [1, 2j]}}",
            "the update is no JSON at /a/b/1: a value of type complex has no form in JSON"
        ),
        ("return {'x/y': float('nan')}", "the update is no JSON at /x~1y: the number is nan"),
        ("return {'a': ['\\ud800']}", "the update is no JSON at /a/0: a string with a lone surrogate"),
        ("return {1: 2}", "the update has a key of type int, 1; keys are strings"),
        ("a = []; a.append(a); return {'a': a}", "the update is no JSON at /a/0: it holds itself"),
        ("return {'a': {1: 2, '1': 3}}", "the update is no JSON at /a/1: two keys are one in JSON: 1 of type int"),
    ])
    func `what is no update is named`(body: String, message: String) async throws {
        let failure = try #require(try await run("def f(state): \(body)").failure)
        #expect(failure.message.hasPrefix(message), "\(failure.message)")
    }

    @Test func `a state of five megabytes goes through and back`() async throws {
        let big = JSONText(String(repeating: "xyz€", count: 900_000))
        let outcome = try await run("def f(state): return {'copy': state['big'], 'n': 1}", ["big": big])
        #expect(outcome.update?["copy"] == big)
        #expect(outcome.update?["n"] == 1)
    }

    @Test func `a number that Python cannot hold is no change`() async throws {
        let state = try JSONObject(parsing: Array(#"{"huge":1e400,"precise":1.10}"#.utf8))
        #expect(try await run("def f(state): state['n'] = 1", state).update == ["n": 1])
    }

    // MARK: Targets

    @Test func `a class is made once, an object is the module's`() async throws {
        let source = """
            class Counter:
                made = 0
                def __init__(self):
                    Counter.made += 1
                    self.count = 0
                def execute(self, state):
                    self.count += 1
                    return {"count": self.count, "made": Counter.made}
            counter = Counter()
            """
        try await withPython(PythonBench(maxWorkers: 1)) { bench in
            let call = call(files: ["f.py": source])
            let config: JSONObject = ["file": "f.py", "class": "Counter"]
            #expect(await bench.run(config, call).update == ["count": 1, "made": 2])
            #expect(await bench.run(config, call).update == ["count": 2, "made": 2])
            #expect(await bench.run(["file": "f.py", "object": "counter"], call).update == ["count": 1, "made": 2])
        }
    }

    @Test func `inline code has its own module, and its lines in tracebacks`() async throws {
        try await withPython(PythonBench()) { bench in
            #expect(await bench.run(code: "def execute(state): return {'x': 1}").update == ["x": 1])
            let failure = try #require(
                await bench.run(code: "def execute(state):\n    return 1 / 0  # here").failure)
            #expect(failure.message == "ZeroDivisionError: division by zero")
            let traceback = failure.details["traceback"]?.string ?? ""
            #expect(traceback.contains("  File \"<code of node>\", line 2, in execute\n    return 1 / 0  # here\n"))
        }
    }

    @Test func `files find each other, the graph's folder and their own path`() async throws {
        let folder = try ScratchFolder()
        try folder.write("data.txt", "from the folder")
        try folder.write("beside.py", "WORD = 'beside'")
        let source = """
            import os, pkg.inner, beside
            def f(state):
                return {"data": open("data.txt").read(), "inner": pkg.inner.WORD, "beside": beside.WORD,
                        "file": os.path.basename(__file__), "private": os.stat(os.path.dirname(__file__)).st_mode & 0o777}
            """
        try await withPython(PythonBench()) { bench in
            let outcome = await bench.run(
                ["file": "f.py", "function": "f"],
                call(files: ["f.py": source, "pkg/inner.py": "WORD = 'inner'"], folder: folder.path))
            #expect(
                outcome.update == [
                    "data": "from the folder", "inner": "inner", "beside": "beside", "file": "f.py", "private": 0o700,
                ], "\(outcome)")
        }
        #expect(entries(of: folder.path).sorted() == ["beside.py", "data.txt"])
    }

    @Test func `a file may be named like a module of Python`() async throws {
        try await withPython(PythonBench()) { bench in
            let call = call(files: ["json.py": "import json\ndef f(state): return {'n': json.loads('1')}"])
            #expect(await bench.run(["file": "json.py", "function": "f"], call).update == ["n": 1])
        }
    }

    // MARK: Errors

    @Test func `an exception is a failure with a traceback of the node's own lines`() async throws {
        let source = """
            class BadTicket(ValueError): pass
            def f(state):
                try:
                    state["missing"]
                except KeyError as error:
                    raise BadTicket("bad ticket") from error
            """
        let failure = try #require(try await run(source).failure)
        #expect(failure.message == "f.BadTicket: bad ticket")
        #expect(failure.details["type"] == "f.BadTicket")
        let traceback = failure.details["traceback"]?.string ?? ""
        #expect(traceback.contains("    state[\"missing\"]\n"))
        #expect(traceback.contains("The above exception was the direct cause"))
        #expect(!traceback.contains("worker.py"))
    }

    @Test(arguments: [
        ("def f(state): raise ValueError('bad ticket')", "ValueError: bad ticket"),
        ("def f(state): raise SystemExit(3)", "SystemExit: 3"),
        ("def f(state): raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("async def f(state): raise SystemExit(3)", "SystemExit: 3"),
        ("async def f(state): import asyncio; raise asyncio.CancelledError()", "asyncio.exceptions.CancelledError"),
        ("def f(state): f(state)", "RecursionError: maximum recursion depth exceeded"),
        ("def f(state) return 1", "SyntaxError: expected ':'"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def g(state): pass", "f.py has no f"),
        ("f = 5", "f of f.py is of type int and cannot be called"),
    ])
    func `whatever is raised is a failure, and the worker goes on`(source: String, message: String) async throws {
        try await withPython(PythonBench(maxWorkers: 1)) { bench in
            for _ in 0..<2 {
                let failure = try #require(await bench.run("f", source).failure)
                #expect(failure.message == message)
                #expect(failure.details["traceback"]?.string?.contains("worker.py") != true)
            }
            #expect(bench.workers.counts == PythonCounts(started: 1, running: 0, idle: 1, waiting: 0))
        }
    }

    // MARK: Outputs

    @Test func `what is printed, logged and emitted are outputs, in order`() async throws {
        let source = """
            import sys, millrace
            def f(state):
                print("one"); print("two", "2", sep="-", end=""); print("!\\nthree", end="")
                print("wrong", file=sys.stderr)
                millrace.log("count", 3); millrace.emit({"token": "Hel"}); millrace.emit(0.5, channel="progress")
                sys.stdout.buffer.write(b" raw\\n")
                print("rest", end="")
            """
        let outputs = Outputs()
        try await withPython(PythonBench()) { bench in
            #expect(await bench.run("f", source, output: outputs).update == [:])
        }
        #expect(outputs.text("stdout") == ["one", "two-2!", "three raw", "rest"])
        #expect(outputs.text("stderr") == ["wrong"])
        #expect(outputs.text("log") == ["count 3"])
        #expect(outputs["chunk"] == [["token": "Hel"]])
        #expect(outputs["progress"] == [0.5])
    }

    @Test func `what is written past Python goes where it was written to, and breaks nothing`() async throws {
        let source = """
            import os, subprocess, sys
            def f(state):
                os.write(1, b"stray\\n")
                subprocess.run(["sh", "-c", "echo child; echo wrong >&2; read line && echo got input"])
                return {"input": sys.stdin.read(), "n": 1}
            """
        let outputs = Outputs()
        try await withPython(PythonBench()) { bench in
            #expect(await bench.run("f", source, output: outputs).update == ["input": "", "n": 1])
        }
        #expect(outputs.text("stdout") == ["stray", "child"])
        #expect(outputs.text("stderr") == ["wrong"])
    }

    @Test func `a fork of the worker stays out of the conversation`() async throws {
        let source = """
            import multiprocessing, os
            def work(n):
                print("in the fork")
                return n * n
            def f(state):
                if os.fork() == 0:
                    return {"from": "the fork"}
                with multiprocessing.Pool(2) as pool:
                    return {"squares": pool.map(work, [1, 2, 3])}
            """
        #expect(try await run(source).update == ["squares": [1, 4, 9]])
    }

    @Test func `a fork of the worker is ended by SIGTERM whatever it waits for, unless the node has it otherwise`()
        async throws
    {
        let source = """
            import os, signal
            def handler_in_fork():
                pid = os.fork()
                if pid == 0:
                    os._exit(0 if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL else 1)
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            def f(state):
                ours = handler_in_fork()
                signal.signal(signal.SIGTERM, lambda *_: None)
                return {"ours": ours, "theirs": handler_in_fork()}
            """
        #expect(try await run(source).update == ["ours": 0, "theirs": 1])
    }

    @Test func `a flood of prints ends in one last word`() async throws {
        let outputs = Outputs()
        try await withPython(PythonBench()) { bench in
            let source = "def f(state):\n    for _ in range(20): print('x' * 1000000)"
            #expect(await bench.run("f", source, output: outputs).update == [:])
        }
        let bytes = outputs["stdout"].reduce(0) { $0 + $1.bytes.count }
        #expect(bytes <= ChildrenOutput.bytesMax && bytes > ChildrenOutput.bytesMax - 200_000)
        #expect(outputs.text("log").count == 1)
    }
}
