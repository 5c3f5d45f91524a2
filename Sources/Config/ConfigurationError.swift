/// A configuration that cannot be used, with everything that is wrong in it.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// At least one; in the order file, environment, flags.
    package let faults: [ConfigurationFault]

    /// One line for each fault.
    package var description: String { faults.map(\.description).joined(separator: "\n") }
}

/// One thing that is wrong: where it stands and what is expected there.
package struct ConfigurationFault: Equatable, Sendable, CustomStringConvertible {
    /// Nil for a file that cannot be read at all.
    package let key: String?
    package let place: String
    package let message: String

    /// One line, such as `millrace.yaml:12: http.body_bytes_max: expected …, found "lots"`.
    package var description: String {
        let parts = [place, key, message].compactMap(\.self)
        return parts.joined(separator: ": ").split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

extension ConfigurationFault {
    static func unknown(_ name: String, at place: String) -> ConfigurationFault {
        if let inner = ConfigurationKey.all.first(where: { $0.name.hasPrefix(name + ".") }) {
            let message = "is a section with keys such as \(inner.name), not a key"
            return ConfigurationFault(key: name, place: place, message: message)
        }
        let near = Suggestion.nearest(to: name, among: ConfigurationKey.all.map(\.name))
        return ConfigurationFault(key: name, place: place, message: "unknown key" + Suggestion.question(near))
    }

    static func mismatch(_ key: ConfigurationKey, found: String, at place: String) -> ConfigurationFault {
        ConfigurationFault(key: key.name, place: place, message: "expected \(key.type.expectation), found \(found)")
    }
}
