/// A configuration together with where each of its values came from.
package struct LoadedConfiguration: Sendable {
    package let configuration: Configuration
    /// The origin of every key, by name.
    package let origins: [String: ConfigurationOrigin]
    /// What looks like a slip but does no harm, one line each.
    package let warnings: [String]

    /// What `config show` prints: a line with key, value and origin for every key, in columns.
    package var listing: String {
        let rows = ConfigurationKey.all.map { key in
            (key.name, key.text(key.value(configuration)), origins[key.name, default: .defaultValue].description)
        }
        let names = rows.map(\.0.count).max() ?? 0
        let values = rows.map(\.1.count).filter { $0 <= Self.valueWidthMax }.max() ?? 0
        return rows.map { "\(Self.padded($0.0, names))  \(Self.padded($0.1, values))  \($0.2)\n" }.joined()
    }

    /// Longer values push their origin to the right instead of everybody's.
    private static let valueWidthMax = 48

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

/// Where a value came from.
package enum ConfigurationOrigin: Equatable, Sendable, CustomStringConvertible {
    case defaultValue
    case file(path: String, line: Int)
    case environment(String)
    case flag(String)

    package var description: String {
        switch self {
        case .defaultValue: "default"
        case .file(let path, let line): "file \(path):\(line)"
        case .environment(let variable): "environment \(variable)"
        case .flag(let spelling): "flag \(spelling)"
        }
    }
}
