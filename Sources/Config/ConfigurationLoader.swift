import Glibc

/// Lays flags over environment over file over defaults, and remembers for each key which of them won.
package struct ConfigurationLoader {
    /// Read when no other file is named and it exists.
    package static let systemFile = "/etc/millrace/millrace.yaml"

    /// Variables with the prefix that are not keys: the command line's own.
    static let otherVariables: Set<String> = ["MILLRACE_CONFIG", "MILLRACE_SERVER", "MILLRACE_TOKEN"]

    private var configuration = Configuration()
    private var origins: [String: ConfigurationOrigin] = [:]
    private var faults: [ConfigurationFault] = []
    private var warnings: [String] = []

    /// Loads a configuration.
    /// - Parameters:
    ///   - file: A YAML file that must exist, or nil for none.
    ///   - environment: All variables of the process; those of other programs do not matter.
    ///   - flags: Values by key name. A string is read as text of the key's type, so that `--set` needs no parsing.
    ///   - isRoot: Whether the state folder is the system's.
    ///   - folder: Where relative paths are taken from: the folder of the start. Children work elsewhere.
    /// - Throws: All faults of all sources together; a file that cannot be read or parsed counts as one.
    package static func load(
        file: String?, environment: [String: String], flags: [String: ConfigValue] = [:], isRoot: Bool = geteuid() == 0,
        folder: String = workingFolder()
    ) throws(ConfigurationError) -> LoadedConfiguration {
        var loader = ConfigurationLoader()
        if let file { loader.apply(file: file) }
        loader.apply(environment: environment)
        loader.apply(flags: flags)
        loader.placeState(environment: environment, isRoot: isRoot)
        loader.placePaths(in: folder)
        guard loader.faults.isEmpty else { throw ConfigurationError(faults: loader.faults) }
        return LoadedConfiguration(
            configuration: loader.configuration, origins: loader.origins, warnings: loader.warnings)
    }

    /// getcwd(3); empty, so that paths stay as they are, where it cannot be told.
    package static func workingFolder() -> String {
        guard let folder = getcwd(nil, 0) else { return "" }
        defer { free(folder) }
        return String(cString: folder)
    }

    private mutating func placePaths(in folder: String) {
        func absolute(_ path: String) -> String {
            if path.isEmpty || folder.isEmpty || path.hasPrefix("/") { return path }
            let rest = path == "." ? "" : path.hasPrefix("./") ? String(path.dropFirst(2)) : path
            return rest.isEmpty ? folder : folder == "/" ? "/\(rest)" : "\(folder)/\(rest)"
        }
        configuration.stateDirectory = absolute(configuration.stateDirectory)
        configuration.graphsDirectory = absolute(configuration.graphsDirectory)
        configuration.kinds.http.authoritiesFile = absolute(configuration.kinds.http.authoritiesFile)
        configuration.secrets.folder = absolute(configuration.secrets.folder)
        for index in configuration.llm.providers.indices {
            configuration.llm.providers[index].replay = absolute(configuration.llm.providers[index].replay)
        }
        // A bare name is looked up in PATH.
        if configuration.kinds.python.interpreter.contains("/") {
            configuration.kinds.python.interpreter = absolute(configuration.kinds.python.interpreter)
        }
    }

    private init() {
        for key in ConfigurationKey.all { origins[key.name] = .defaultValue }
    }

    private mutating func apply(file path: String) {
        let entries: [ConfigurationFile.Entry]
        do {
            entries = try ConfigurationFile.entries(path: path)
        } catch {
            faults += error.faults
            return
        }
        var lines: [String: Int] = [:]
        for entry in entries {
            let place = "\(path):\(entry.line)"
            guard let key = ConfigurationKey.named(entry.name) else {
                faults.append(.unknown(entry.name, at: place))
                continue
            }
            if let line = lines.updateValue(entry.line, forKey: key.name) {
                faults.append(ConfigurationFault(key: key.name, place: place, message: "set in line \(line) already"))
            } else if let value = Self.value(entry.content, of: key.type) {
                set(key, value, from: .file(path: path, line: entry.line))
            } else {
                faults.append(.mismatch(key, found: Self.words(entry.content), at: place))
            }
        }
    }

    private mutating func apply(environment: [String: String]) {
        let own = environment.filter { $0.key.hasPrefix(ConfigurationKey.variablePrefix) }
        for key in ConfigurationKey.all {
            guard let text = own[key.variable] else { continue }
            if let value = key.type.value(text: text) {
                set(key, value, from: .environment(key.variable))
            } else {
                faults.append(.mismatch(key, found: "\"\(text)\"", at: key.variable))
            }
        }
        let variables = ConfigurationKey.all.map(\.variable)
        let known = Self.otherVariables.union(variables)
        for name in own.keys.filter({ !known.contains($0) }).sorted() {
            let near = Suggestion.nearest(to: name, among: variables)
            warnings.append("\(name): no key has this environment variable" + Suggestion.question(near))
        }
    }

    private mutating func apply(flags: [String: ConfigValue]) {
        for (name, given) in flags.sorted(by: { $0.key < $1.key }) {
            guard let key = ConfigurationKey.named(name) else {
                faults.append(.unknown(name, at: "--set"))
                continue
            }
            if let value = key.type.value(given) {
                set(key, value, from: .flag(key.flagSpelling))
            } else {
                let place = key.flag ?? "--set"
                faults.append(.mismatch(key, found: given.yaml, at: place))
            }
        }
    }

    private mutating func set(_ key: ConfigurationKey, _ value: ConfigValue, from origin: ConfigurationOrigin) {
        key.assign(&configuration, value)
        origins[key.name] = origin
    }

    /// Fills in the state folder where nobody chose one. The XDG base directory specification says that a relative
    /// `XDG_STATE_HOME` is to be ignored.
    private mutating func placeState(environment: [String: String], isRoot: Bool) {
        guard configuration.stateDirectory.isEmpty else { return }
        // systemd separates several folders by colons (systemd.exec(5)).
        if let folder = environment["STATE_DIRECTORY"]?.split(separator: ":").first {
            configuration.stateDirectory = String(folder)
            origins["state_dir"] = .environment("STATE_DIRECTORY")
        } else if isRoot {
            configuration.stateDirectory = "/var/lib/millrace/state"
        } else if let home = environment["XDG_STATE_HOME"], home.hasPrefix("/") {
            configuration.stateDirectory = home + "/millrace"
            origins["state_dir"] = .environment("XDG_STATE_HOME")
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            configuration.stateDirectory = home + "/.local/state/millrace"
        } else {
            faults.append(
                ConfigurationFault(
                    key: "state_dir", place: "HOME",
                    message: "not set, so there is no default; set state_dir or --state-dir"))
        }
    }

    private static func value(_ content: ConfigurationFile.Content, of type: ConfigurationType) -> ConfigValue? {
        switch (content, type) {
        case (.list(let items), _): type.value(items: items)
        // One address needs no brackets.
        case (.scalar(let text, _), .list): type.value(items: [text])
        case (.scalar(let text, let isString), .string): isString ? .string(text) : nil
        case (.scalar(let text, _), _): type.value(text: text)
        case (.providers(let entries), .providers): .providers(entries)
        case (.providers, _), (.other, _): nil
        }
    }

    private static func words(_ content: ConfigurationFile.Content) -> String {
        switch content {
        case .scalar(let text, let isString): isString ? "\"\(text)\"" : text
        case .list(let items): ConfigValue.list(items).yaml
        case .providers: "a mapping"
        case .other(let words): words
        }
    }
}
