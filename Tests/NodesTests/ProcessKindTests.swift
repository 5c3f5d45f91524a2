import Executions
import Glibc
import Graphs
import JSON
import Testing

@testable import Nodes

/// The real reactor, the real millrace-exec, real programs.
@Suite struct ProcessKindTests {
    static let kind = ProcessKind(
        launcher: LiveReactor.shared.launcher, clock: LiveReactor.shared.clock,
        environment: ChildrenEnvironment(["PATH": "/usr/bin:/bin", "HOME": "/home/user", "SECRET": "x"]),
        templates: { text throws(NodeFailure) in
            if text.contains("((") { throw NodeFailure("does not compile") }
            return { call in
                guard let value = call.state["text"]?.string else { return .failure(NodeFailure("there is no text")) }
                return .success("\(text): \(value)")
            }
        })

    private func body(_ config: JSONObject) throws(GraphFaults) -> any NodeBody {
        try Self.kind.compile(config, files: GraphFiles())
    }

    private func run(_ config: JSONObject, _ call: NodeCall = call()) async throws -> NodeOutcome {
        try await body(config).run(call)
    }

    private func shell(_ script: String, _ call: NodeCall = call()) async throws -> NodeOutcome {
        try await run(["command": ["sh", "-c", JSONText(script)]], call)
    }

    // MARK: Input and output

    @Test func `the state goes in and an object comes out`() async throws {
        let outcome = try await run(["command": ["cat"]], call(["a": 1, "b": ["x", 1.50]]))
        #expect(outcome.update == ["a": 1, "b": ["x", 1.5]])
    }

    @Test func `without output there is no update`() async throws {
        #expect(try await run(["command": ["true"]]).update == [:])
        #expect(try await shell("echo").update == [:])
    }

    @Test func `a template is the whole input, and text goes into its key`() async throws {
        let config: JSONObject = ["command": ["tr", "a-z", "A-Z"], "input": "hi", "output": "text", "key": "loud"]
        #expect(try await run(config, call(["text": "you"])).update == ["loud": "HI: YOU"])
        #expect(try await run(config).failure?.message == "there is no text")
    }

    @Test func `input none is the end of the file at once`() async throws {
        let config: JSONObject = ["command": ["wc", "-c"], "input": "none", "output": "text", "key": "count"]
        #expect(try await run(config, call(["a": 1])).update == ["count": "0\n"])
    }

    @Test func `sort sorts`() async throws {
        let kind = ProcessKind(
            launcher: LiveReactor.shared.launcher, clock: LiveReactor.shared.clock,
            templates: { text throws(NodeFailure) in { _ in .success(text) } })
        let body = try kind.compile(
            ["command": ["sort", "-u"], "input": "b\na\nb\n", "output": "text", "key": "lines"], files: GraphFiles())
        #expect(await body.run(call()).update == ["lines": "a\nb\n"])
    }

    @Test func `text that is no UTF-8 is mended`() async throws {
        let config: JSONObject = [
            "command": ["printf", #"a\377b\000c"#], "output": "text", "key": "t",
        ]
        #expect(try await run(config).update == ["t": "a\u{FFFD}b\0c"])
    }

    @Test func `a program that does not read its input is no failure`() async throws {
        let big = JSONText(String(repeating: "x", count: 1_000_000))
        #expect(try await shell("exec <&-; echo '{\"ok\":true}'", call(["big": big])).update == ["ok": true])
    }

    @Test(arguments: [
        ("echo '{\"a\":'", "stdout is no JSON: "), ("echo hello", "it begins with \"hello\\n\""),
        ("echo '[1]'", "stdout is no JSON object; it begins with \"[1]\\n\""),
        ("echo '{\"a\":1,\"a\":2}'", "stdout is no JSON: "),
    ])
    func `output that is no object is shown`(script: String, message: String) async throws {
        let failure = try #require(try await shell(script).failure)
        #expect(failure.message.contains(message), "\(failure.message)")
    }

    // MARK: Ends

    @Test func `an exit status is a failure with the last line of stderr`() async throws {
        let failure = try #require(try await shell("echo first >&2; echo last >&2; exit 3").failure)
        #expect(failure.message == "exit status 3: last")
        #expect(failure.details == ["exit_status": 3, "stderr_tail": "first\nlast"])
    }

    @Test func `a signal is a failure that names it`() async throws {
        let failure = try #require(try await shell("kill -9 $$").failure)
        #expect(failure.message == "killed by SIGKILL (signal 9)")
        #expect(failure.details == ["signal": 9])
    }

    @Test func `a program that is not there is named`() async throws {
        let failure = try #require(try await run(["command": ["no-such-program"]]).failure)
        #expect(
            failure.message
                == "the program could not be started: exec no-such-program: No such file or directory")
    }

    @Test func `stdout may hold as much as a state, and not a byte more`() async throws {
        let limit = ProcessRun.stdoutBytesMax
        let config = { (count: Int) -> JSONObject in
            let script = "yes aaaaaaaaaaaaaaa | tr '\\n' a | head -c \(count)"
            return ["command": ["sh", "-c", JSONText(script)], "output": "text", "key": "t"]
        }
        let whole = try await run(config(limit)).update
        #expect(whole?["t"].map { $0.bytes.count == limit + 2 } == true)
        let failure = try #require(try await run(config(limit + 1)).failure)
        #expect(failure.message == "stdout exceeds 16777216 bytes, so the program was killed")
    }

    @Test func `an endless flood is stopped`() async throws {
        #expect(try await run(["command": ["yes"]]).failure?.message.hasPrefix("stdout exceeds") == true)
    }

    // MARK: Environment

    @Test func `the environment is clean`() async throws {
        let config: JSONObject = [
            "command": ["env"], "output": "text", "key": "env", "environment": ["MINE": "a b", "LANG": "C"],
        ]
        let update = try #require(try await run(config, call(graph: "g", node: "n", attempt: 2)).update)
        let lines = Set(update["env"]?.string?.split(separator: "\n").map(String.init) ?? [])
        #expect(
            lines == [
                "PATH=/usr/bin:/bin", "HOME=/home/user", "LANG=C", "MINE=a b", "MILLRACE_GRAPH_ID=g",
                "MILLRACE_NODE_ID=n", "MILLRACE_ATTEMPT=2",
                "MILLRACE_EXECUTION_ID=01900000-0000-7000-8000-000000000001",
                "MILLRACE_IDEMPOTENCY_KEY=01900000-0000-7000-8000-000000000001/n",
            ])
    }

    @Test func `the working directory is the graph's folder`() async throws {
        let config: JSONObject = ["command": ["pwd"], "output": "text", "key": "folder"]
        #expect(try await run(config, call(folder: "/usr")).update == ["folder": "/usr\n"])
        let failure = try #require(try await run(config, call(folder: "/no/such")).failure)
        #expect(failure.message.hasPrefix("the program could not be started: "))
    }

    // MARK: stderr

    @Test func `lines on stderr are outputs, the last one too`() async throws {
        let outputs = Outputs()
        _ = try await shell("echo one >&2; printf 'two\\nthr\\377ee' >&2", call(output: outputs))
        #expect(outputs.text("stderr") == ["one", "two", "thr\u{FFFD}ee"])
    }

    @Test func `a line on stderr is cut at its limit`() async throws {
        let outputs = Outputs()
        let limit = OutputText.lineBytesMax
        let script =
            "head -c \(limit) /dev/zero | tr '\\0' a >&2; echo >&2; head -c \(limit + 1) /dev/zero | tr '\\0' b >&2"
        _ = try await shell(script, call(output: outputs))
        #expect(outputs.text("stderr").map(\.count) == [limit, limit, 1])
    }

    @Test func `a flood on stderr ends in one last word`() async throws {
        let outputs = Outputs()
        let outcome = try await shell(
            "yes $(head -c 999 /dev/zero | tr '\\0' a) | head -c 20000000 >&2; echo '{\"done\":1}'",
            call(output: outputs))
        #expect(outcome.update == ["done": 1])
        // Each line is 999 bytes, two quotes, and the overhead of 64; on a slow machine some come in two pieces.
        #expect(outputs["stderr"].count >= ChildrenOutput.bytesMax / 1065)
        #expect(outputs["stderr"].reduce(0) { $0 + $1.bytes.count + 64 } <= ChildrenOutput.bytesMax)
        #expect(outputs.text("log") == ["the output of this node ends here: it exceeds 16777216 bytes"])
    }

    // MARK: Cancel

    @Test func `a cancel ends the program and all that it started`() async throws {
        let outputs = Outputs()
        let script = """
            trap '' TERM
            setsid sh -c 'echo $$ >&2; trap "" TERM; while :; do sleep 1; done' &
            echo $$ >&2
            while :; do sleep 1; done
            """
        let body = try body(["command": ["sh", "-c", JSONText(script)]])
        let task = Task { await body.run(call(output: outputs)) }
        await outputs.wait(for: "stderr") { $0.count == 2 }
        task.cancel()
        #expect(await task.value.failure?.message.hasPrefix("killed by SIGKILL (signal 9): ") == true)
        // A third line may say that the shell has seen its own child killed.
        for line in outputs.text("stderr").prefix(2) {
            let processID = try #require(Int32(line))
            #expect(kill(processID, 0) == -1)
        }
    }

    @Test func `a task that is cancelled already starts nothing`() async throws {
        let body = try body(["command": ["true"]])
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await body.run(call())
        }
        #expect(await task.value.failure?.message == "cancelled")
    }

    // MARK: Config

    @Test(
        arguments: [
            (["command": ["a", "b\0"]], "/command/1: must not hold U+0000"),
            (["command": [""]], "/command/0: the program's name must not be empty"),
            (["command": ["a"], "output": "text"], "/output: output \"text\" needs a key"),
            (["command": ["a"], "key": "k"], "/key: only output \"text\" goes into a key"),
            (["command": ["a"], "environment": ["A=": "b"]], "/environment: \"A=\" is no name of a variable"),
            (["command": ["a"], "environment": ["A": "\0"]], "/environment: the value of A must not hold U+0000"),
            (["command": ["a"], "input": "(("], "/input: does not compile"),
        ] as [(JSONObject, String)])
    func `faults of a config are named`(config: JSONObject, fault: String) throws {
        #expect(try schema.faults(in: config).isEmpty)
        do {
            _ = try body(config)
            Issue.record("the config was taken")
        } catch {
            #expect(error.description == fault)
        }
    }

    @Test(
        arguments: [
            [:], ["command": []], ["command": "ls"], ["command": ["a"], "output": "xml"],
            ["command": ["a"], "more": 1],
            ["command": ["a"], "environment": ["A": 1]],
        ] as [JSONObject])
    func `what does not fit the schema is refused`(config: JSONObject) throws {
        #expect(try !schema.faults(in: config).isEmpty)
    }

    private var schema: ConfigSchema { get throws { try ConfigSchema(Self.kind.configSchema) } }
}
