import Testing

@testable import Config

@Suite struct `The table of keys` {
    @Test func `has names and variables that are unique`() {
        #expect(Set(ConfigurationKey.all.map(\.name)).count == ConfigurationKey.all.count)
        #expect(Set(ConfigurationKey.all.map(\.variable)).count == ConfigurationKey.all.count)
    }

    @Test func `covers every property of the configuration`() {
        #expect(leaves(Configuration()) == ConfigurationKey.all.count)
    }

    @Test func `makes the variable from the name`() {
        #expect(ConfigurationKey.named("http.body_bytes_max")?.variable == "MILLRACE_HTTP_BODY_BYTES_MAX")
    }

    @Test(arguments: ConfigurationKey.all.map(\.name))
    func `has a default that the key itself takes`(name: String) throws {
        let key = try #require(ConfigurationKey.named(name))
        #expect(key.type.value(key.defaultValue) == key.defaultValue)
    }

    @Test(arguments: ConfigurationKey.all.map(\.name))
    func `reads and writes the same property`(name: String) throws {
        let key = try #require(ConfigurationKey.named(name))
        var configuration = Configuration()
        let other = otherValue(key)
        key.assign(&configuration, other)
        #expect(key.value(configuration) == other)
        let changed = ConfigurationKey.all.filter { $0.value(configuration) != $0.defaultValue }
        #expect(changed.map(\.name) == [name])
    }

    @Test func `takes integers at the ends of their range and not one past them`() throws {
        for key in ConfigurationKey.all {
            guard case .integer(let range, _) = key.type else { continue }
            #expect(
                key.type.value(.integer(range.lowerBound)) != nil && key.type.value(.integer(range.upperBound)) != nil)
            #expect(key.type.value(.integer(range.lowerBound - 1)) == nil)
            #expect(key.type.value(.integer(range.upperBound + 1)) == nil, "\(key.name)")
        }
    }

    private func otherValue(_ key: ConfigurationKey) -> ConfigValue {
        switch (key.type, key.defaultValue) {
        case (.integer(let range, _), _): .integer(range.upperBound)
        case (.boolean, .boolean(let flag)): .boolean(!flag)
        case (.choice(let words), let current): .string(words.first { .string($0) != current }!)
        case (.list, _): .list(["other"])
        case (.providers, _): .providers([ProviderEntry(name: "other", baseURL: "http://h")])
        default: .string("other")
        }
    }

    private func leaves(_ value: Any) -> Int {
        let mirror = Mirror(reflecting: value)
        guard mirror.displayStyle == .struct, !(value is String), !(value is [String]), !(value is Int),
            !(value is Bool)
        else {
            return 1
        }
        return mirror.children.map { leaves($0.value) }.reduce(0, +)
    }
}

@Suite struct `An element of a list` {
    @Test(arguments: ["127.0.0.1:8080", "localhost:0", "[::1]:65535", "*:80", "unix:/run/m.sock", "unix:@m"])
    func `is an address`(text: String) {
        #expect(ConfigurationElement.address.accepts(text))
    }

    @Test(arguments: [
        "", "8080", ":8080", "host", "host:", "host:65536", "host:-1", "::1:80", "[]:80", "unix:", "http://a:80",
        "a b:80",
    ])
    func `is no address`(text: String) {
        #expect(!ConfigurationElement.address.accepts(text))
    }

    @Test(arguments: ["https://a.example", "http://localhost:3000"])
    func `is an origin`(text: String) {
        #expect(ConfigurationElement.origin.accepts(text))
    }

    @Test(arguments: ["a.example", "https://", "https://a/b", "ftp://a", "https://a/"])
    func `is no origin`(text: String) {
        #expect(!ConfigurationElement.origin.accepts(text))
    }

    @Test(arguments: ["10.0.0.0/8", "10.1.2.3", "::1", "fd00::/8", "unix"])
    func `is a network`(text: String) {
        #expect(ConfigurationElement.network.accepts(text))
    }

    @Test(arguments: ["10.0.0.0/33", "10.0.0", "proxy.example", "fd00::/129", "10.0.0.0/", "10.0.0.0/x"])
    func `is no network`(text: String) {
        #expect(!ConfigurationElement.network.accepts(text))
    }

    @Test(arguments: [
        ("a.example", true), ("[::1]", true), ("https://a", false), ("a:80", false), ("a/b", false), ("*", false),
        ("*.a.example", false),
    ])
    func `is a host name or not`(text: String, isHost: Bool) {
        #expect(ConfigurationElement.host.accepts(text) == isHost)
    }
}

@Suite struct `A value` {
    @Test(arguments: [
        "", "a", "yes", "8080", "a: b", "#x", "\"q\"\\", "line\nline", "tab\t", "\u{1}", "*", "~", "null", "/a/b-c_d.e",
        "ä", "1e3",
    ])
    func `of any string is read back from its YAML`(text: String) throws {
        let entries = try ConfigurationFile.entries(
            yaml: "console.start_graph: \(ConfigValue.string(text).yaml)", path: "FILE")
        guard case .scalar(text, isString: true) = entries.first?.content else {
            Issue.record("\(entries)")
            return
        }
    }

    @Test(arguments: [("listen", "lisen", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0)])
    func `is as far from another as its edits`(left: String, right: String, distance: Int) {
        #expect(Suggestion.distance(left, right) == distance)
        #expect(Suggestion.distance(right, left) == distance)
    }
}
