import JSON

/// What a JSON Patch (RFC 6902) does to a value, as lines for people.
struct StateDiff {
    /// A value in a line of its own is cut there.
    private static let valueBytesMax = 2000

    let patch: JSONText
    /// What it is applied to.
    let old: JSONText

    var lines: [StyledLine] { (patch.array ?? []).map(line) }

    private func line(_ operation: JSONText) -> StyledLine {
        let path = operation["path"]?.string ?? ""
        let before = value(at: path)
        let after = operation["value"]
        var line = StyledLine("  ")
        switch (before, after) {
        case (let before?, let after?) where before == after:
            line.append("= \(label(path))  \(words(after))", .dim)
        case (let before?, let after?):
            line.append("~ \(label(path))  ", .yellow)
            line.append(words(before), .red)
            line.append(" → ")
            line.append(words(after), .green)
        case (nil, let after?): line.append("+ \(label(path))  \(words(after))", .green)
        case (let before?, nil): line.append("- \(label(path))  \(words(before))", .red)
        case (nil, nil): line.append("- \(label(path))", .red)
        }
        return line
    }

    /// `/a/b` as `a.b` where no name needs more than that.
    private func label(_ path: String) -> String {
        guard let tokens = try? JSONPointer(parsing: path).tokens, !tokens.isEmpty else { return path }
        let isPlain = tokens.allSatisfy { !$0.isEmpty && !$0.contains { ".\"/ ".contains($0) } }
        return isPlain ? tokens.joined(separator: ".") : path
    }

    private func words(_ value: JSONText) -> String {
        let bytes = value.bytes
        guard bytes.count > Self.valueBytesMax else { return value.description }
        return String(decoding: bytes.prefix(Self.valueBytesMax), as: UTF8.self) + "… (\(bytes.count) bytes)"
    }

    private func value(at path: String) -> JSONText? {
        guard let tokens = try? JSONPointer(parsing: path).tokens else { return nil }
        var value = old
        for token in tokens {
            if let member = value[JSONKey(token)] {
                value = member
            } else if let elements = value.array, let index = Int(token), elements.indices.contains(index) {
                value = elements[index]
            } else {
                return nil
            }
        }
        return value
    }
}
