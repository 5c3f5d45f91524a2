/// What values a key takes, and how they are written.
package enum ConfigurationType: Sendable {
    case integer(ClosedRange<Int>, unit: ConfigurationUnit)
    case boolean
    case string
    case choice([String])
    case list(of: ConfigurationElement, countMin: Int)
    case providers

    /// A value as it stands in the environment, in a scalar of the file or after a flag. Nil when it is none of this type.
    func value(text: String) -> ConfigValue? {
        switch self {
        case .integer(let range, let unit):
            unit.number(text).flatMap { range.contains($0) ? .integer($0) : nil }
        case .boolean:
            switch text {
            case "true", "1": .boolean(true)
            case "false", "0": .boolean(false)
            default: nil
            }
        case .string: .string(text)
        case .choice(let words): words.contains(text) ? .string(text) : nil
        case .list: value(items: Self.items(text))
        case .providers: ProviderEntry.entries(text: text).map { .providers($0) }
        }
    }

    /// A value that was given as a list. Nil when it is none of this type.
    func value(items: [String]) -> ConfigValue? {
        guard case .list(let element, let countMin) = self else { return nil }
        return items.count >= countMin && items.allSatisfy(element.accepts) ? .list(items) : nil
    }

    /// Checks a value that has a type already, such as a parsed flag. A string stands for its text.
    func value(_ value: ConfigValue) -> ConfigValue? {
        switch value {
        case .list(let items): self.value(items: items)
        case .providers: if case .providers = self { value } else { nil }
        case .string(let text): self.value(text: text)
        case .integer(let number): self.value(text: String(number))
        case .boolean(let flag): self.value(text: String(flag))
        }
    }

    /// What a valid value looks like, to stand behind "expected".
    package var expectation: String {
        switch self {
        case .integer(let range, let unit):
            "an integer from \(unit.text(range.lowerBound)) to \(unit.text(range.upperBound))\(unit.note)"
        case .boolean: "true or false"
        case .string: "a string"
        case .choice(let words): words.dropLast().joined(separator: ", ") + " or " + words.last!
        case .providers: ProviderEntry.expectation
        case .list(let element, let countMin):
            "a list of \(element.expectation)" + (countMin > 0 ? " with at least \(countMin) element" : "")
        }
    }

    /// Splits at commas, the list separator of the environment; blanks around an item do not count.
    private static func items(_ text: String) -> [String] {
        let items = text.split(separator: ",", omittingEmptySubsequences: true)
        return items.map { String($0.trimming { $0 == " " }) }.filter { !$0.isEmpty }
    }
}

package enum ConfigurationUnit: Sendable {
    case none, milliseconds, bytes

    /// A decimal number; a number of bytes may carry KiB, MiB or GiB.
    func number(_ text: String) -> Int? {
        guard self == .bytes, let suffix = Self.suffixes.first(where: { text.hasSuffix($0.name) }) else {
            return Self.digits(text)
        }
        let count = Self.digits(text.dropLast(suffix.name.count).trimming { $0 == " " })
        guard let (bytes, overflow) = count?.multipliedReportingOverflow(by: suffix.bytes) else { return nil }
        return overflow ? nil : bytes
    }

    /// The number in the shortest form that `number` reads back.
    func text(_ number: Int) -> String {
        guard self == .bytes, number > 0, let suffix = Self.suffixes.first(where: { number % $0.bytes == 0 }) else {
            return String(number)
        }
        return "\(number / suffix.bytes) \(suffix.name)"
    }

    /// A word on the unit behind a range.
    var note: String {
        switch self {
        case .none: ""
        case .milliseconds: " (milliseconds)"
        case .bytes: " (bytes, or with KiB, MiB, GiB)"
        }
    }

    private static let suffixes = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)].map {
        (name: $0.0, bytes: $0.1)
    }

    private static func digits(_ text: some StringProtocol) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}

/// What the elements of a list are. The check is one of shape, so that a slip shows at the line where it was made;
/// whether an address can be bound or a kind exists shows when the daemon uses it.
package enum ConfigurationElement: Sendable {
    case address, host, origin, network, subnet, word, path, variable

    var expectation: String {
        switch self {
        case .address: "addresses (HOST:PORT, [IPv6]:PORT or unix:PATH)"
        case .host: "host names, each in full (no * for all of them), without scheme, port or path"
        case .origin: "origins (scheme://host or scheme://host:port)"
        case .network: "IP addresses or networks (10.0.0.0/8), or unix"
        case .subnet: "IP addresses or networks (10.0.0.0/8)"
        case .word: "names"
        case .path: "absolute paths"
        case .variable: "names of environment variables"
        }
    }

    func accepts(_ text: String) -> Bool {
        let isPrintable = text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        guard !text.isEmpty, isPrintable || text.hasPrefix("unix:") else { return false }
        switch self {
        case .address: return Self.isAddress(text)
        // Names are compared as they are: a pattern would match none.
        case .host:
            return !text.contains("*") && !text.contains("/")
                && (text.hasPrefix("[") ? text.hasSuffix("]") : !text.contains(":"))
        case .origin: return Self.isOrigin(text)
        case .network: return text == "unix" || Self.isNetwork(text)
        case .subnet: return Self.isNetwork(text)
        case .word: return !text.contains(",")
        case .path: return text.hasPrefix("/") && !text.contains(",")
        case .variable: return text.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil
        }
    }

    private static func isAddress(_ text: String) -> Bool {
        if text.hasPrefix("unix:") { return text.utf8.count > "unix:".utf8.count }
        guard let colon = text.lastIndex(of: ":") else { return false }
        let host = text[..<colon], port = text[text.index(after: colon)...]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
        guard isBracketed || !(host.isEmpty || host.contains { ":/[]".contains($0) }) else { return false }
        return ConfigurationUnit.none.number(String(port)).map { $0 <= 65535 } == true && !port.isEmpty
    }

    private static func isOrigin(_ text: String) -> Bool {
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else { return false }
        let host = text.drop { $0 != "/" }.dropFirst(2)
        return !host.isEmpty && !host.contains("/")
    }

    private static func isNetwork(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let isIPv6 = parts[0].contains(":")
        let isAddress = parts[0].utf8.allSatisfy { byte in
            let isHex = (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
            return isHex && (isIPv6 || byte < 0x40) || byte == 0x2E || isIPv6 && byte == 0x3A
        }
        let isWhole = isIPv6 || parts[0].split(separator: ".", omittingEmptySubsequences: false).count == 4
        guard isAddress, isWhole, parts.count == 2 else { return isAddress && isWhole }
        return ConfigurationUnit.none.number(String(parts[1])).map { $0 <= (isIPv6 ? 128 : 32) } == true
    }
}

extension StringProtocol {
    /// Without the matching characters at both ends.
    func trimming(_ matches: (Character) -> Bool) -> SubSequence {
        let head = drop(while: matches)
        return head[..<(head.lastIndex { !matches($0) }.map { head.index(after: $0) } ?? head.startIndex)]
    }
}
