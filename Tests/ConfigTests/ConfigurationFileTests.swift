import Testing

@testable import Config

@Suite struct `The shipped configuration file` {
    @Test func `is what the table of keys says`() throws {
        #expect(
            try shippedFile() == Configuration.commentedFile,
            "write it anew: millrace config default > config/millrace.yaml")
    }

    @Test func `changes nothing as it is shipped`() throws {
        let loaded = try load(yaml: Configuration.commentedFile)
        #expect(loaded.configuration == (try load()).configuration)
        #expect(loaded.origins.values.allSatisfy { $0 == .defaultValue })
    }

    @Test func `sets every key to its default once the keys are uncommented`() throws {
        let loaded = try load(yaml: uncommented(Configuration.commentedFile))
        #expect(loaded.configuration == (try load()).configuration)
        for key in ConfigurationKey.all where key.name != "state_dir" {
            guard case .file = loaded.origins[key.name] else {
                Issue.record("\(key.name) is not in the file")
                continue
            }
        }
    }

    @Test func `describes every key`() {
        let words = Configuration.commentedFile.split { " \n#".contains($0) }.joined(separator: " ")
        for key in ConfigurationKey.all {
            #expect(words.contains(key.summary.split(separator: " ").joined(separator: " ")), "\(key.name)")
        }
    }

    @Test func `has no line wider than a page`() {
        for line in Configuration.commentedFile.split(separator: "\n") {
            #expect(line.count <= 120, "\(line)")
        }
    }

    private func uncommented(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let indent = line.prefix { $0 == " " }
            let body = line.dropFirst(indent.count)
            let name = body.dropFirst(2).prefix { $0 != ":" }
            let isKey = body.hasPrefix("# ") && ConfigurationKey.all.contains { $0.name.hasSuffix(name) }
            return isKey ? indent + body.dropFirst(2) : line
        }
        return lines.joined(separator: "\n")
    }
}

@Suite struct `A configuration file` {
    @Test func `sets keys of nested sections`() throws {
        let loaded = try load(yaml: "kinds:\n  python:\n    interpreter: /usr/bin/python3\n  lua: {time_ms_max: 50}\n")
        #expect(loaded.configuration.kinds.python.interpreter == "/usr/bin/python3")
        #expect(loaded.configuration.kinds.lua.timeMillisecondsMax == 50)
    }

    @Test func `may name a key with its dots`() throws {
        #expect(try load(yaml: "http.header_fields_max: 50").configuration.http.headerFieldsMax == 50)
    }

    @Test(arguments: ["", "\n", "# nothing\n", "---\n", "~\n", "http:\n", "kinds:\n  python:\n"])
    func `with nothing in it sets nothing`(yaml: String) throws {
        #expect(try load(yaml: yaml).configuration == load().configuration)
    }

    @Test func `takes one element without brackets for a list`() throws {
        #expect(try load(yaml: "listen: unix:/run/m.sock").configuration.listen == ["unix:/run/m.sock"])
    }

    @Test(arguments: [("16 MiB", 16 << 20), ("64KiB", 64 << 10), ("1 GiB", 1 << 30), ("4096", 4096)])
    func `takes a number of bytes with a unit`(text: String, bytes: Int) throws {
        let loaded = try load(yaml: "executions:\n  state_bytes_max: \(text)")
        #expect(loaded.configuration.executions.stateBytesMax == bytes)
    }

    @Test(arguments: [
        (
            "htpp:\n  body_bytes_max: 5000",
            "FILE:2: htpp.body_bytes_max: unknown key; did you mean http.body_bytes_max?"
        ),
        ("\n\nbody_bytes_max: 5000", "FILE:3: body_bytes_max: unknown key; did you mean http.body_bytes_max?"),
        ("http:\n  body_byte_max: 5", "FILE:2: http.body_byte_max: unknown key; did you mean http.body_bytes_max?"),
        ("quux_frobnicator: 1", "FILE:1: quux_frobnicator: unknown key"),
        ("workers:\n  threads: many", "FILE:2: workers.threads: expected an integer from 0 to 1024, found \"many\""),
        ("workers:\n  threads: 1025", "FILE:2: workers.threads: expected an integer from 0 to 1024, found 1025"),
        ("workers:\n  threads: -1", "FILE:2: workers.threads: expected an integer from 0 to 1024, found -1"),
        ("workers:\n  threads: 1.5", "FILE:2: workers.threads: expected an integer from 0 to 1024, found 1.5"),
        ("workers:\n  threads:", "FILE:2: workers.threads: expected an integer from 0 to 1024, found nothing"),
        ("workers:\n  threads: [1]", "FILE:2: workers.threads: expected an integer from 0 to 1024, found [\"1\"]"),
        ("workers:\n  threads: {a: 1}", "FILE:2: workers.threads: expected an integer from 0 to 1024, found a mapping"),
        ("workers: 4", "FILE:1: workers: is a section with keys such as workers.threads, not a key"),
        ("history: {durability: disk}", "FILE:1: history.durability: expected process or power, found \"disk\""),
        ("log: {format: xml}", "FILE:1: log.format: expected text or json, found \"xml\""),
        ("state_dir: 12", "FILE:1: state_dir: expected a string, found 12"),
        (
            "auth:\n  allow_forwarded_without_tokens: maybe",
            "FILE:2: auth.allow_forwarded_without_tokens: expected true or false, found \"maybe\""
        ),
        (
            "listen: [8080]",
            "FILE:1: listen: expected a list of addresses (HOST:PORT, [IPv6]:PORT or unix:PATH) with at least 1 element, "
                + "found [\"8080\"]"
        ),
        (
            "kinds: {enabled: [[a]]}",
            "FILE:1: kinds.enabled: expected a list of names, found a list of something else than scalars"
        ),
        (
            "http.body_bytes_max: 5000\nhttp:\n  body_bytes_max: 6000",
            "FILE:3: http.body_bytes_max: set in line 1 already"
        ),
        ("- a\n", "FILE:1: expected a mapping of keys to values"),
    ])
    func `with a slip names line, key and what is expected`(yaml: String, message: String) throws {
        #expect(try faults(yaml: yaml) == [message])
    }

    @Test(arguments: [
        ("a: [1", "FILE:2: not valid YAML: "), ("log: {level: info\nlisten: x", "FILE:2: not valid YAML: "),
        (
            "workers: {threads: 1}\nworkers: {threads: 2}",
            "FILE:1: the same key twice in the mapping that begins here: "
        ),
        ("a: \u{1}", "FILE: not valid YAML: "),
    ])
    func `that is no YAML names the line`(yaml: String, message: String) throws {
        let found = try faults(yaml: yaml)
        #expect(found.count == 1 && found[0].hasPrefix(message), "\(found)")
    }

    @Test func `has all its faults reported at once`() throws {
        let found = try faults(yaml: "workers: {threads: x}\nlog:\n  level: loud\n  colour: red\n")
        #expect(found.map { $0.prefix(6) } == ["FILE:1", "FILE:3", "FILE:4"])
    }

    @Test func `that does not exist is an error`() {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.load(file: "/nowhere/millrace.yaml", environment: ["HOME": "/home/m"])
        }
        #expect(error?.description == "/nowhere/millrace.yaml: cannot be opened: No such file or directory")
    }

    @Test func `that is a folder is an error`() {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader.load(file: "/", environment: ["HOME": "/home/m"])
        }
        #expect(error?.description == "/: cannot be read")
    }

    @Test func `is read up to its largest size and not beyond`() throws {
        let full = "#" + String(repeating: "x", count: ConfigurationFile.bytesMax - 1)
        #expect(try load(yaml: full).configuration == load().configuration)
        #expect(try faults(yaml: full + "x") == ["FILE: is larger than 1 MiB"])
    }
}
