/// A media type such as `application/json; charset=utf-8` (RFC 9110, 8.3.1).
package struct MediaType: Sendable, Hashable, CustomStringConvertible {
    /// Lower-case.
    package let type: String
    /// Lower-case.
    package let subtype: String
    /// In the order written; names are lower-case.
    package let parameters: [Parameter]

    package struct Parameter: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    package static let json = MediaType(type: "application", subtype: "json")
    package static let yaml = MediaType(type: "application", subtype: "yaml")
    package static let problemJSON = MediaType(type: "application", subtype: "problem+json")
    /// Prometheus' text format.
    package static let prometheus = MediaType(
        type: "text", subtype: "plain",
        parameters: [Parameter(name: "version", value: "0.0.4"), Parameter(name: "charset", value: "utf-8")])
    package static let openMetrics = MediaType(
        type: "application", subtype: "openmetrics-text",
        parameters: [Parameter(name: "version", value: "1.0.0"), Parameter(name: "charset", value: "utf-8")])
    package static let eventStream = MediaType(type: "text", subtype: "event-stream")

    package init(type: String, subtype: String, parameters: [Parameter] = []) {
        self.type = type.lowercased()
        self.subtype = subtype.lowercased()
        self.parameters = parameters
    }

    /// - Returns: nil unless `text` is one media type and nothing else.
    package init?(_ text: String) {
        var scanner = FieldScanner(text)
        scanner.skipBlanks()
        guard let parsed = MediaType(&scanner) else { return nil }
        scanner.skipBlanks()
        guard scanner.isAtEnd else { return nil }
        self = parsed
    }

    init?(_ scanner: inout FieldScanner) {
        guard let type = scanner.token(), scanner.take(ASCII.slash), let subtype = scanner.token(),
            let parameters = scanner.parameters()
        else { return nil }
        var checked: [Parameter] = []
        for (name, value) in parameters {
            guard let value else { return nil }
            checked.append(Parameter(name: name, value: value))
        }
        self.init(type: type, subtype: subtype, parameters: checked)
    }

    /// `type/subtype`, without parameters.
    package var essence: String { "\(type)/\(subtype)" }

    /// The value of the first parameter of that name, given in lower case.
    package subscript(parameter: String) -> String? {
        parameters.first { $0.name == parameter }?.value
    }

    /// As it stands in a field, with values quoted where they are not tokens.
    package var description: String {
        parameters.reduce(essence) { text, parameter in
            let isToken = !parameter.value.isEmpty && parameter.value.utf8.allSatisfy(ByteSet.token.contains)
            return "\(text); \(parameter.name)=\(isToken ? parameter.value : Self.quoted(parameter.value))"
        }
    }

    private static func quoted(_ value: String) -> String {
        let escaped = value.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
        return "\"\(String(escaped))\""
    }
}
