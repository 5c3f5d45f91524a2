import Executions
import Glibc
import Graphs
import JSON
import Linux
import Testing

@testable import Nodes

/// What programs print is kept when they fail, wherever they print it.
@Suite struct ProcessWordsTests {
    private func shell(
        _ script: String, _ config: JSONObject = [:], _ call: NodeCall = call()
    ) async throws -> NodeFailure? {
        var config = config
        config["command"] = ["sh", "-c", JSONText(script)]
        return try await ProcessKindTests.kind.compile(config, files: GraphFiles()).run(call).failure
    }

    @Test(arguments: [[:], ["output": "text", "key": "k"]] as [JSONObject])
    func `what stands on stdout is the reason where stderr is empty`(_ config: JSONObject) async throws {
        let failure = try await shell("echo one; echo 'ERROR: table is locked'; exit 3", config)
        #expect(failure?.message == "exit status 3: ERROR: table is locked")
        #expect(failure?.details["stdout_tail"]?.string == "one\nERROR: table is locked")
        #expect(failure?.details["stderr_tail"] == nil)
    }

    @Test func `what stands on stderr comes first, and both are kept`() async throws {
        let failure = try await shell("echo out; echo err >&2; exit 1")
        #expect(failure?.message == "exit status 1: err")
        #expect(failure?.details["stdout_tail"]?.string == "out")
        #expect(failure?.details["stderr_tail"]?.string == "err")
    }

    @Test func `blank lines on stderr say nothing`() async throws {
        #expect(try await shell("echo >&2; echo said; exit 1")?.message == "exit status 1: said")
    }

    @Test func `a signal keeps what was printed`() async throws {
        let failure = try await shell("echo before; kill -9 $$")
        #expect(failure?.message == "killed by SIGKILL (signal 9): before")
        #expect(failure?.details["stdout_tail"]?.string == "before")
    }

    @Test func `silence keeps what was printed`() async throws {
        let silent = call(idleTimeoutMilliseconds: 3_000)
        let failure = try await shell("echo asks for a password; sleep 600", [:], silent)
        #expect(failure?.message.hasSuffix("(3000 ms): asks for a password") == true)
        #expect(failure?.details["stdout_tail"]?.string == "asks for a password")
    }

    @Test func `a flood keeps its end, and no JSON its whole`() async throws {
        let failure = try await shell("yes flooding")
        #expect(failure?.message.hasPrefix("stdout exceeds") == true)
        #expect(failure?.details["stdout_tail"]?.string?.contains("flooding\nflooding") == true)
        let text = try await shell("echo no json; echo why >&2")
        #expect(text?.details["stdout_tail"]?.string == "no json")
        #expect(text?.details["stderr_tail"]?.string == "why")
    }

    @Test func `a timeout keeps what was printed`() {
        let timeout = NodeFailure("too long")
        let killed = NodeFailure("killed", details: ["signal": 15, "stdout_tail": "a\nb\n"])
        #expect(timeout.keepingWords(of: killed) == NodeFailure("too long: b", details: ["stdout_tail": "a\nb\n"]))
        #expect(timeout.keepingWords(of: NodeFailure("cancelled")) == timeout)
        let both = NodeFailure("killed", details: ["stderr_tail": "e", "stdout_tail": "o"])
        #expect(timeout.keepingWords(of: both).message == "too long: e")
    }
}

@Suite struct ServiceConfinementTests {
    private static func words(_ stdout: String, _ stderr: String) -> ChildrenWords {
        var words = ChildrenWords()
        words.stdout.append(Array(stdout.utf8))
        words.stderr.append(Array(stderr.utf8))
        return words
    }

    @Test(arguments: [
        (ProcessEnd.killed(signal: SIGTRAP), "", ""), (.killed(signal: SIGSYS), "", ""), (.exited(status: 133), "", ""),
        (.exited(status: 159), "", ""), (.exited(status: 1), "error='Operation not permitted' (errno=1)", ""),
        (.exited(status: 1), "", "taskset: failed to set pid 0's affinity: Operation not permitted"),
        (.exited(status: 1), "", "OSError: [Errno 97] Address family not supported by protocol"),
    ])
    func `an end that the unit may have brought about names it`(_ end: ProcessEnd, _ stdout: String, _ stderr: String) {
        let words = Self.words(stdout, stderr)
        let advice = ServiceConfinement.advice(end, words, isFiltered: true)
        #expect(advice?.contains("MemoryDenyWriteExecute=no") == true && advice?.contains("jit.conf") == true)
        #expect(ServiceConfinement.advice(end, words, isFiltered: false) == nil)
    }

    @Test func `other ends do not`() {
        for end in [
            ProcessEnd.exited(status: 1), .killed(signal: SIGKILL), .notStarted(reason: "No such file or directory"),
        ] {
            #expect(ServiceConfinement.advice(end, Self.words("out", "err"), isFiltered: true) == nil)
        }
        #expect(
            ServiceConfinement.advice(raised: "PermissionError: [Errno 13] Permission denied", isFiltered: true) == nil)
        let refused = "OSError: [Errno 97] Address family not supported by protocol"
        #expect(ServiceConfinement.advice(raised: refused, isFiltered: true) != nil)
    }
}

@Suite struct ChildrenEnvironmentTests {
    private let daemon = ["PATH": "/usr/bin:/bin", "HOME": "/h", "HTTPS_PROXY": "http://p:1", "SECRET": "s"]

    @Test func `a child gets the variables that are named, as far as they are set`() {
        let environment = ChildrenEnvironment(daemon, passing: ["HTTPS_PROXY", "MISSING"])
        let variables = environment.variables(forGraph: "g", program: "python3")
        #expect(
            variables == [
                "PATH": "/usr/bin:/bin", "HOME": "/h", "HTTPS_PROXY": "http://p:1", "LANG": "C.UTF-8",
                "MILLRACE_GRAPH_ID": "g",
            ])
    }

    @Test func `a virtual environment is active, and its programs are found first`() throws {
        var template = Array("/tmp/millrace-venv.XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        let folder = String(cString: made)
        defer {
            unlink("\(folder)/pyvenv.cfg")
            rmdir(folder)
        }
        close(open("\(folder)/pyvenv.cfg", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        let variables = ChildrenEnvironment(daemon).variables(forGraph: "g", program: "\(folder)/bin/python")
        #expect(variables["VIRTUAL_ENV"] == folder)
        #expect(variables["PATH"] == "\(folder)/bin:/usr/bin:/bin")
    }

    @Test func `an interpreter elsewhere has its programs found, one of the system changes nothing`() {
        func path(_ program: String) -> String? {
            ChildrenEnvironment(daemon).variables(forGraph: "g", program: program)["PATH"]
        }
        #expect(path("/opt/python/bin/python3") == "/opt/python/bin:/usr/bin:/bin")
        #expect(path("/usr/bin/python3") == "/usr/bin:/bin")
        #expect(path("python3") == "/usr/bin:/bin")
    }

    @Test func `an interpreter that cannot be executed is named with the reason`() {
        func fault(_ interpreter: String) -> String? {
            PythonSettings(interpreter: interpreter).fault(path: "/usr/bin:/bin")
        }
        #expect(fault("sh") == nil && fault("/bin/sh") == nil)
        #expect(fault("nowhere") == "nowhere: No such file or directory (in /usr/bin:/bin)")
        #expect(fault("/etc/passwd") == "/etc/passwd: Permission denied")
        #expect(fault("/home/nobody/venv/bin/python")?.hasSuffix("(ProtectHome=)") == true)
    }
}
