import ArgumentParser
import Client
import HTTP
import JSON
import Testing

@testable import millrace

@Suite struct ArgumentTests {
    @Test func `a run's initial state is the object with the assignments laid over it`() throws {
        let state = try InitialState.read(
            #"{"a":1,"b":2}"#, assignments: ["b=[1]", "c=text", "d=", "e=a=b", #"f="5""#, "g=5"])
        #expect(state.text.description == #"{"a":1,"b":[1],"c":"text","d":"","e":"a=b","f":"5","g":5}"#)
    }

    @Test(arguments: ["[]", "nonsense", "@/nowhere/at/all"])
    func `a state that is no object is refused`(_ text: String) {
        #expect(throws: CommandFailure.self) { _ = try InitialState.read(text, assignments: []) }
    }

    @Test(arguments: ["key", "=value"])
    func `an assignment without key or value is wrong usage`(_ text: String) {
        #expect(throws: ValidationError.self) { _ = try InitialState.read(nil, assignments: [text]) }
    }

    @Test(arguments: [
        ["run"], ["run", "x", "--detail", "all"], ["run", "x", "--json", "--plain"], ["watch", "x", "--from", "-1"],
        ["graph", "show", "x", "--json", "--yaml"], ["execution", "list", "--status", "done"],
        ["execution", "list", "--limit", "0"], ["replay", "x", "--speed", "0"],
        ["graph", "profile", "x", "--last", "501"],
        ["execution", "rerun", "x", "--state", "novalue"], ["execution", "rerun", "x", "--revision", "0"],
        ["execution", "cancel"], ["config", "check", "a", "b"], ["nonsense"],
        ["graph", "show", "x", "--revision", "0"],
        ["graph", "render", "x", "--revision", "-1"], ["run", "-", "--state", "@-"], ["graph", "put", "-", "-"],
        ["graph", "validate", "-", "a.yaml", "-"], ["watch"], ["watch", "x", "--last"], ["run", "x", "-d", "--plain"],
        ["execution", "rerun", "x", "--state", "{}", "--state", "{}"], ["bench", "run", "x", "--seconds", "0"],
        ["bench", "watch", "x", "--detail", "all"], ["execution", "rerun", "x", "--items", "failed"],
        ["execution", "rerun", "x", "--from", "failed", "--items", "failed"],
        ["execution", "rerun", "x", "--from", "a", "--from", "b", "--items", "failed"],
        ["execution", "rerun", "x", "--from", "a", "--items", "all"],
    ])
    func `wrong usage is refused`(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) { _ = try Millrace.parseAsRoot(arguments) }
        #expect(error.map { Millrace.exitCode(for: $0).rawValue } == 64)
    }

    @Test func `options are understood`() throws {
        let run = try #require(
            try Millrace.parseAsRoot(["run", "x", "--set", "a=1", "--set", "b=2", "--server", "unix:/s", "--json"])
                as? RunCommand)
        #expect(run.set == ["a=1", "b=2"])
        #expect(run.server.server == "unix:/s")
        #expect(run.viewing.streamDetail == .full)
        #expect(try Millrace.parseAsRoot(["watch", "--last"]) is WatchCommand)
        let watch = try #require(try Millrace.parseAsRoot(["watch", "x", "--from", "7"]) as? WatchCommand)
        #expect(watch.from == 7)
        #expect(watch.viewing.streamDetail == .update)
    }

    @Test func `every command's help teaches`() {
        func check(_ command: any ParsableCommand.Type) {
            let configuration = command.configuration
            #expect(!configuration.abstract.isEmpty, "\(command)")
            #expect(!configuration.discussion.isEmpty, "\(command)")
            if configuration.subcommands.isEmpty {
                #expect(configuration.discussion.contains("millrace "), "\(command) has no example")
            }
            configuration.subcommands.forEach(check)
        }
        check(Millrace.self)
    }

    @Test func `the daemon is looked for where the flag says, the variable, the state folder and the default port`()
        throws
    {
        let environment = ["MILLRACE_STATE_DIR": "/s", "HOME": "/h"]
        func texts(_ flag: String?, _ environment: [String: String]) throws -> [String] {
            try ServerOptions.candidates(flag, environment).map(\.description)
        }
        #expect(try texts(nil, environment) == ["unix:/s/millrace.sock", "http://127.0.0.1:8080"])
        let named = environment.merging(["MILLRACE_SERVER": "unix:/v"]) { $1 }
        #expect(try texts(nil, named) == ["unix:/v"])
        #expect(try texts("h:1", named) == ["http://h:1"])
        #expect(throws: CommandFailure.self) { _ = try texts("nonsense", [:]) }
        // A path that no socket can have is left out.
        let long = ["MILLRACE_STATE_DIR": "/" + String(repeating: "x", count: 200)]
        #expect(try texts(nil, long) == ["http://127.0.0.1:8080"])
    }

    @Test(arguments: [
        ["bench", "run", "x", "--server", "nonsense"], ["run", "x", "--server", "ftp://h"],
        ["run", "x", "--state", "[1]"],
        ["run", "x", "--state", "{"], ["token", "create", "--scope", "root", "--server", "unix:/s"],
        ["token", "create", "--scope", "read", "--expires", "soon", "--server", "unix:/s"],
        ["graph", "list", "--server", "https://h/a b"], ["graph", "render", "/dev/null", "--revision", "1"],
    ])
    func `what is found wrong later has the same status`(_ arguments: [String]) throws {
        var command = try Millrace.parseAsRoot(arguments)
        let error = #expect(throws: ExitCode.self) { try command.run() }
        #expect(error?.rawValue == 64)
    }

    @Test(arguments: [
        ("success", 0), ("error", 1), ("cancelled", 3), ("failed", 4), ("anything else", 1),
    ])
    func `the exit status says how an execution has ended`(_ status: String, _ code: Int32) {
        #expect(CommandStatus(execution: status).code == code)
    }

    @Test func `the exit status says whether a daemon answered`() {
        #expect(CommandFailure(ClientError.unreachable([]))?.status.code == 5)
        #expect(CommandFailure(ClientError.connectionLost(""))?.status.code == 5)
        #expect(CommandFailure(ClientError.malformed(""))?.status.code == 1)
        #expect(CommandFailure(ClientError.interrupted)?.status.code == 130)
        #expect(CommandFailure(ClientError.untrusted(address: "", reason: ""))?.status.code == 1)
        #expect(CommandFailure(ClientError.elsewhere("", try: ""))?.status.code == 1)
        let proxy = ProblemDetails(502, code: "http_502", detail: "")
        #expect(CommandFailure(ClientError.refused(proxy))?.status.code == 5)
    }
}
