import Testing

@testable import Config

@Suite struct `A loaded configuration` {
    @Test func `takes flags over environment over file over defaults`() throws {
        let yaml = "workers: {threads: 1}\nlog: {level: debug}\nstream: {retry_ms: 300}\n"
        let environment = ["MILLRACE_WORKERS_THREADS": "2", "MILLRACE_LOG_LEVEL": "error"]
        let loaded = try load(yaml: yaml, environment: environment, flags: ["workers.threads": .integer(3)])
        #expect(loaded.configuration.workers.threads == 3)
        #expect(loaded.configuration.log.level == .error)
        #expect(loaded.configuration.stream.retryMilliseconds == 300)
        #expect(loaded.configuration.http.headerFieldsMax == 100)
        #expect(loaded.origins["workers.threads"] == .flag("--set workers.threads"))
        #expect(loaded.origins["log.level"] == .environment("MILLRACE_LOG_LEVEL"))
        guard case .file(_, line: 3) = loaded.origins["stream.retry_ms"] else {
            Issue.record("stream.retry_ms: \(String(describing: loaded.origins["stream.retry_ms"]))")
            return
        }
        #expect(loaded.origins["http.header_fields_max"] == .defaultValue)
    }

    @Test func `names the flag that set a key`() throws {
        let flags: [String: ConfigValue] = [
            "listen": .list(["[::1]:0", "unix:/run/m m.sock"]), "state_dir": .string("s"), "graphs_dir": .string("g"),
        ]
        let loaded = try load(flags: flags)
        #expect(loaded.configuration.listen == ["[::1]:0", "unix:/run/m m.sock"])
        #expect(loaded.origins["listen"]?.description == "flag --listen")
        #expect(loaded.origins["state_dir"]?.description == "flag --state-dir")
        #expect(loaded.origins["graphs_dir"]?.description == "flag --graphs")
    }

    @Test func `reads the text of a flag by the key's type`() throws {
        let flags: [String: ConfigValue] = [
            "workers.threads": .string("7"), "kinds.enabled": .string("set, delay"), "log.format": .string("json"),
            "auth.allow_forwarded_without_tokens": .string("true"), "http.body_bytes_max": .string("2 MiB"),
        ]
        let configuration = try load(flags: flags).configuration
        #expect(configuration.workers.threads == 7)
        #expect(configuration.kinds.enabled == ["set", "delay"])
        #expect(configuration.log.format == .json)
        #expect(configuration.auth.allowForwardedWithoutTokens)
        #expect(configuration.http.bodyBytesMax == 2 << 20)
    }

    @Test func `shows every key with its value and its origin`() throws {
        let loaded = try load(environment: ["MILLRACE_HTTP_BODY_BYTES_MAX": "1024"])
        let lines = loaded.listing.split(separator: "\n").map {
            $0.split(separator: " ", omittingEmptySubsequences: true)
        }
        #expect(lines.map { String($0[0]) } == ConfigurationKey.all.map(\.name))
        #expect(
            lines.first { $0[0] == "http.body_bytes_max" } == [
                "http.body_bytes_max", "1", "KiB", "environment", "MILLRACE_HTTP_BODY_BYTES_MAX",
            ])
        #expect(lines.first { $0[0] == "listen" } == ["listen", "[\"127.0.0.1:8080\"]", "default"])
    }

    @Test func `enables the kinds that are named, or all`() throws {
        #expect(try load().configuration.kinds.enables("python"))
        let some = try load(yaml: "kinds: {enabled: [set, delay]}").configuration.kinds
        #expect(some.enables("set") && !some.enables("python"))
        #expect(try !load(environment: ["MILLRACE_KINDS_ENABLED": ""]).configuration.kinds.enables("set"))
    }
}

@Suite struct `The environment` {
    @Test func `sets lists separated by commas`() throws {
        let loaded = try load(environment: ["MILLRACE_LISTEN": "127.0.0.1:80, unix:/run/m.sock"])
        #expect(loaded.configuration.listen == ["127.0.0.1:80", "unix:/run/m.sock"])
    }

    @Test func `gets a warning for a variable that is no key`() throws {
        let environment = ["MILLRACE_HTTP_BODY_BYTE_MAX": "1", "MILLRACE_TOKEN": "t", "OTHER": "x"]
        #expect(
            try load(environment: environment).warnings == [
                "MILLRACE_HTTP_BODY_BYTE_MAX: no key has this environment variable; did you mean MILLRACE_HTTP_BODY_BYTES_MAX?"
            ])
    }

    @Test func `names the variable of a bad value`() throws {
        #expect(
            try faults(environment: ["MILLRACE_LOG_FORMAT": "xml"]) == [
                "MILLRACE_LOG_FORMAT: log.format: expected text or json, found \"xml\""
            ])
    }

    @Test func `has its faults listed between those of the file and those of flags`() throws {
        let found = try faults(
            yaml: "log: {level: loud}", environment: ["MILLRACE_LOG_FORMAT": "xml"],
            flags: ["listen": .list([]), "lisen": .string("x")])
        #expect(found.count == 4)
        #expect(found[0].hasPrefix("FILE:1: log.level: "))
        #expect(found[1].hasPrefix("MILLRACE_LOG_FORMAT: log.format: "))
        #expect(found[2] == "--set: lisen: unknown key; did you mean listen?")
        #expect(found[3].hasPrefix("--listen: listen: expected a list of addresses"))
    }

    @Test(arguments: [
        (["STATE_DIRECTORY": "/var/lib/a:/var/lib/b"], true, "/var/lib/a", "environment STATE_DIRECTORY"),
        (["HOME": "/root"], true, "/var/lib/millrace/state", "default"),
        (["XDG_STATE_HOME": "/x"], false, "/x/millrace", "environment XDG_STATE_HOME"),
        (["XDG_STATE_HOME": "relative", "HOME": "/home/a"], false, "/home/a/.local/state/millrace", "default"),
        (["HOME": "/home/a"], false, "/home/a/.local/state/millrace", "default"),
        (["STATE_DIRECTORY": "/a", "MILLRACE_STATE_DIR": "/b"], false, "/b", "environment MILLRACE_STATE_DIR"),
    ])
    func `decides on the state folder`(environment: [String: String], isRoot: Bool, folder: String, origin: String)
        throws
    {
        let loaded = try ConfigurationLoader.load(file: nil, environment: environment, isRoot: isRoot)
        #expect(loaded.configuration.stateDirectory == folder)
        #expect(loaded.origins["state_dir"]?.description == origin)
    }

    @Test func `without a home leaves no state folder to choose`() {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.load(file: nil, environment: [:], isRoot: false)
        }
        #expect(error?.description.hasPrefix("HOME: state_dir: not set") == true)
    }

    @Test(arguments: [
        ("state", "/start/state"), ("./state", "/start/state"), (".", "/start"), ("../s", "/start/../s"),
        ("/abs", "/abs"),
    ])
    func `relative paths are taken from the folder of the start`(written: String, expected: String) throws {
        let flags: [String: ConfigValue] = ["state_dir": .string(written), "graphs_dir": .string(written)]
        let configuration = try ConfigurationLoader.load(
            file: nil, environment: [:], flags: flags, folder: "/start"
        ).configuration
        #expect(configuration.stateDirectory == expected)
        #expect(configuration.graphsDirectory == expected)
    }

    @Test(arguments: [
        ("python3.12", "python3.12"), ("venv/bin/python", "/start/venv/bin/python"),
        ("/usr/bin/python", "/usr/bin/python"),
    ])
    func `a bare name of an interpreter is looked up, a path is one`(written: String, expected: String) throws {
        let configuration = try ConfigurationLoader.load(
            file: nil, environment: ["HOME": "/h"], flags: ["kinds.python.interpreter": .string(written)],
            folder: "/start"
        ).configuration
        #expect(configuration.kinds.python.interpreter == expected)
    }
}
