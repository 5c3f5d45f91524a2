/// What a client would like of the server (`Prefer`, RFC 7240).
package struct Preferences: Sendable, Equatable {
    /// How many preferences are looked at, over all `Prefer` fields; only a handful is registered.
    package static let preferencesMax = 32

    /// Eleven days: whoever waits longer waits for the end.
    private static let waitSecondsMax = 1_000_000

    private var values: [String: String] = [:]

    /// Members that are no preferences are left out, as are repetitions: the first one counts.
    package init(_ headers: HeaderFields) {
        for value in headers.values(of: "prefer") { add(value) }
    }

    /// The value of a preference, its name in lower case: empty where none was written, nil where it is absent.
    package subscript(name: String) -> String? { values[name] }

    /// Whether the client wants an answer at once, with the work going on behind it (RFC 7240, 4.1).
    package var respondsAsync: Bool { values["respond-async"] != nil }

    /// For how long the client wants to wait for an answer at most (RFC 7240, 4.3).
    package var waitSeconds: Int? {
        values["wait"].flatMap { ASCII.decimal($0.utf8) }.map { Int(min($0, UInt64(Self.waitSecondsMax))) }
    }

    /// The preference that an answer was sent for before the work was done, for `Preference-Applied`.
    package var applied: String? {
        waitSeconds.map { "wait=\($0)" } ?? (respondsAsync ? "respond-async" : nil)
    }

    private mutating func add(_ value: String) {
        var scanner = FieldScanner(value)
        while !scanner.isAtEnd, values.count < Self.preferencesMax {
            scanner.skipBlanks()
            if scanner.take(ASCII.comma) { continue }
            let preference = Self.preference(&scanner)
            scanner.skipBlanks()
            if let preference, scanner.isAtEnd || scanner.next == ASCII.comma, values[preference.name] == nil {
                values[preference.name] = preference.value
            }
            scanner.skipMember()
        }
    }

    private static func preference(_ scanner: inout FieldScanner) -> (name: String, value: String)? {
        guard let name = scanner.token() else { return nil }
        var value = ""
        if scanner.take(ASCII.equals) {
            guard let written = scanner.tokenOrQuotedString() else { return nil }
            value = written
        }
        guard scanner.parameters() != nil else { return nil }
        return (name.lowercased(), value)
    }
}
