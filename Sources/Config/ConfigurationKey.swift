/// One thing that can be set: its name, what it takes and what it does. The file, the environment, flags, error messages,
/// `config show` and the shipped file all come from this description; the default is that of the property in `Configuration`.
package struct ConfigurationKey: Sendable {
    /// The dotted name, such as `http.body_bytes_max`.
    package let name: String
    package let type: ConfigurationType
    /// What the key does, as one or more sentences.
    package let summary: String
    /// The flag of `millrace serve` that sets it, such as `--state-dir`. Nil: only `--set NAME=VALUE` does.
    package let flag: String?
    /// Reads the key's value.
    package let value: @Sendable (Configuration) -> ConfigValue
    /// Sets the key. The value has passed `type`.
    let assign: @Sendable (inout Configuration, ConfigValue) -> Void

    /// The environment variable: `a.b_c` is `MILLRACE_A_B_C`.
    package var variable: String {
        Self.variablePrefix + String(name.map { $0 == "." ? "_" : $0 }).uppercased()
    }

    static let variablePrefix = "MILLRACE_"

    /// How the key is named on the command line.
    package var flagSpelling: String { flag ?? "--set \(name)" }

    /// The default as `Configuration` has it.
    package var defaultValue: ConfigValue { value(Configuration()) }

    /// A value as it is written in the file.
    package func text(_ value: ConfigValue) -> String {
        guard case .integer(let number) = value, case .integer(_, let unit) = type else { return value.yaml }
        return unit.text(number)
    }
}

extension ConfigurationKey {
    typealias Property<Value> = any WritableKeyPath<Configuration, Value> & Sendable

    static func integer(
        _ name: String, _ path: Property<Int>, _ range: ClosedRange<Int>,
        unit: ConfigurationUnit = .none, _ summary: String
    ) -> ConfigurationKey {
        let assign: @Sendable (inout Configuration, ConfigValue) -> Void = { configuration, value in
            guard case .integer(let number) = value else { preconditionFailure("\(name) takes an integer") }
            configuration[keyPath: path] = number
        }
        return ConfigurationKey(
            name: name, type: .integer(range, unit: unit), summary: summary, flag: nil,
            value: { .integer($0[keyPath: path]) }, assign: assign)
    }

    static func boolean(
        _ name: String, _ path: Property<Bool>, _ summary: String
    ) -> ConfigurationKey {
        let assign: @Sendable (inout Configuration, ConfigValue) -> Void = { configuration, value in
            guard case .boolean(let flag) = value else { preconditionFailure("\(name) takes a boolean") }
            configuration[keyPath: path] = flag
        }
        return ConfigurationKey(
            name: name, type: .boolean, summary: summary, flag: nil,
            value: { .boolean($0[keyPath: path]) }, assign: assign)
    }

    static func string(
        _ name: String, _ path: Property<String>, flag: String? = nil,
        _ summary: String
    ) -> ConfigurationKey {
        let assign: @Sendable (inout Configuration, ConfigValue) -> Void = { configuration, value in
            guard case .string(let text) = value else { preconditionFailure("\(name) takes a string") }
            configuration[keyPath: path] = text
        }
        return ConfigurationKey(
            name: name, type: .string, summary: summary, flag: flag,
            value: { .string($0[keyPath: path]) }, assign: assign)
    }

    static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String, _ path: Property<Choice>, _ summary: String
    ) -> ConfigurationKey {
        let assign: @Sendable (inout Configuration, ConfigValue) -> Void = { configuration, value in
            guard case .string(let word) = value, let choice = Choice(rawValue: word) else {
                preconditionFailure("\(name) takes one of its words")
            }
            configuration[keyPath: path] = choice
        }
        return ConfigurationKey(
            name: name, type: .choice(Choice.allCases.map(\.rawValue)), summary: summary, flag: nil,
            value: { .string($0[keyPath: path].rawValue) }, assign: assign)
    }

    static func list(
        _ name: String, _ path: Property<[String]>, of element: ConfigurationElement,
        countMin: Int = 0, flag: String? = nil, _ summary: String
    ) -> ConfigurationKey {
        let assign: @Sendable (inout Configuration, ConfigValue) -> Void = { configuration, value in
            guard case .list(let items) = value else { preconditionFailure("\(name) takes a list") }
            configuration[keyPath: path] = items
        }
        return ConfigurationKey(
            name: name, type: .list(of: element, countMin: countMin), summary: summary, flag: flag,
            value: { .list($0[keyPath: path]) }, assign: assign)
    }
}
