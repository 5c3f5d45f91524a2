import Yams

/// A service of language models, as the configuration names it.
package struct ProviderEntry: Equatable, Sendable {
    package let name: String
    /// Empty: it only plays what was recorded.
    package var baseURL = ""
    /// The name of a secret; empty: none is needed.
    package var secret = ""
    /// A file of recorded traffic; empty: nothing is recorded.
    package var replay = ""

    package init(name: String, baseURL: String = "", secret: String = "", replay: String = "") {
        self.name = name
        self.baseURL = baseURL
        self.secret = secret
        self.replay = replay
    }

    static let expectation =
        "a mapping of names to mappings of base_url (http or https), secret (a name) and replay (a file)"

    /// The entries of a mapping; nil if it says anything else.
    static func entries(_ node: Node?) -> [ProviderEntry]? {
        guard case .mapping(let mapping)? = node else { return nil }
        var entries: [ProviderEntry] = []
        for (key, value) in mapping {
            guard let name = key.scalar?.string, case .mapping(let fields) = value,
                let entry = ProviderEntry(name, fields)
            else { return nil }
            entries.append(entry)
        }
        return entries
    }

    static func entries(text: String) -> [ProviderEntry]? {
        entries((try? Yams.compose(yaml: text)) ?? nil)
    }

    private init?(_ name: String, _ fields: Node.Mapping) {
        self.init(name: name)
        for (key, value) in fields {
            guard let text = value.scalar?.string else { return nil }
            switch key.scalar?.string {
            case "base_url": baseURL = text
            case "secret": secret = text
            case "replay": replay = text
            default: return nil
            }
        }
        let isURL = baseURL.hasPrefix("http://") || baseURL.hasPrefix("https://")
        let isName = secret.isEmpty || secret.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil
        guard !name.isEmpty, isName, isURL || baseURL.isEmpty && !replay.isEmpty else { return nil }
    }

    /// YAML in one line.
    var yaml: String {
        let fields = [("base_url", baseURL), ("secret", secret), ("replay", replay)].filter { !$0.1.isEmpty }
        return ConfigValue.string(name).yaml + ": {"
            + fields.map { "\($0.0): \(ConfigValue.string($0.1).yaml)" }.joined(separator: ", ") + "}"
    }
}

extension ConfigurationKey {
    static func providers(
        _ name: String, _ path: Property<[ProviderEntry]>, _ summary: String
    ) -> ConfigurationKey {
        let assign: @Sendable (inout Configuration, ConfigValue) -> Void = { configuration, value in
            guard case .providers(let entries) = value else { preconditionFailure("\(name) takes providers") }
            configuration[keyPath: path] = entries
        }
        return ConfigurationKey(
            name: name, type: .providers, summary: summary, flag: nil,
            value: { .providers($0[keyPath: path]) }, assign: assign)
    }
}
