extension ConfigurationFile {
    /// Columns of a line of the commented file.
    private static let width = 100

    /// The file that ships: every key with its description and its default, commented out, so that later defaults apply
    /// to whoever did not choose a value.
    static var commented: String {
        var text = """
            # Millrace: the configuration.
            #
            # Every key stands here with its default, commented out: remove the "# " before a key to set it. A key a.b_c is also
            # the environment variable MILLRACE_A_B_C (lists separated by commas). Flags win over the environment, the
            # environment over this file. `millrace config show` prints what is in force and where each value came from.
            #
            # A running daemon reads this file again on SIGHUP (`systemctl reload millrace`) and takes over the keys that say so;
            # for the others it logs that they need a restart. A file with a fault changes nothing.

            """
        var open: [Substring] = []
        for key in ConfigurationKey.all {
            let parts = key.name.split(separator: ".")
            let sections = parts.dropLast()
            text += "\n"
            for (depth, section) in sections.enumerated()
            where !open.prefix(depth + 1).elementsEqual(sections.prefix(depth + 1)) {
                text += indent(depth) + section + ":\n"
            }
            open = Array(sections)
            text += comment(key, depth: sections.count)
            text += indent(sections.count) + "# \(parts.last!): \(key.text(key.defaultValue))\n"
        }
        return text
    }

    private static func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    /// The description and what is expected, wrapped into comment lines with a second `#`, which sets them apart from keys.
    private static func comment(_ key: ConfigurationKey, depth: Int) -> String {
        let words = "\(key.summary) Takes \(key.type.expectation).\(key.appliesOnReload ? " A reload applies it." : "")"
            .split(separator: " ")
        var lines = [""]
        for word in words {
            if lines.last!.count + word.count + 1 > width - depth * 2 { lines.append("") }
            lines[lines.count - 1] += " " + word
        }
        return lines.map { indent(depth) + "##\($0)\n" }.joined()
    }
}

extension Configuration {
    /// The text of the shipped configuration file.
    package static var commentedFile: String { ConfigurationFile.commented }
}
