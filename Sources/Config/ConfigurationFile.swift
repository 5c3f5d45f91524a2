import Glibc
import Yams

// The file is read by own code over Yams. swift-configuration (1.4.0) keeps no line numbers of a YAML file, does not report
// keys that nobody reads and merges providers without saying which one won in a form that a listing can use; to add these
// to it takes more code than this file.

/// The configuration file: its entries with their lines, and the commented file that ships.
enum ConfigurationFile {
    /// A scalar or a list of scalars, as written.
    struct Entry {
        let name: String
        let line: Int
        let content: Content
    }

    enum Content {
        case scalar(String, isString: Bool)
        case list([String])
        case providers([ProviderEntry])
        /// Something that no key takes, in words.
        case other(String)
    }

    /// A configuration is a page or two; a larger file is a wrong path.
    static let bytesMax = 1 << 20

    /// Reads a file into a flat list of entries with dotted names. A section with nothing in it is no entry.
    static func entries(path: String) throws(ConfigurationError) -> [Entry] {
        try entries(yaml: contents(path: path), path: path)
    }

    static func entries(yaml: String, path: String) throws(ConfigurationError) -> [Entry] {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw ConfigurationError(faults: [fault(error, path: path)])
        }
        guard let root, !isNull(root) else { return [] }
        guard case .mapping(let mapping) = root else {
            let place = "\(path):\(root.mark?.line ?? 1)"
            throw ConfigurationError(faults: [
                ConfigurationFault(key: nil, place: place, message: "expected a mapping of keys to values")
            ])
        }
        var entries: [Entry] = []
        flatten(mapping, under: "", into: &entries)
        return entries
    }

    private static func flatten(_ mapping: Node.Mapping, under section: String, into entries: inout [Entry]) {
        for (key, value) in mapping {
            let name = section + (key.scalar?.string ?? "?")
            let isSection = ConfigurationKey.all.contains { $0.name.hasPrefix(name + ".") }
            if case .mapping(let inner) = value, ConfigurationKey.named(name) == nil {
                flatten(inner, under: name + ".", into: &entries)
            } else if !(isSection && isNull(value)) {
                entries.append(Entry(name: name, line: key.mark?.line ?? 1, content: content(value)))
            }
        }
    }

    private static func content(_ node: Node) -> Content {
        switch node {
        case .scalar(let scalar):
            return isNull(node)
                ? .other("nothing") : .scalar(scalar.string, isString: node.tag.description == Tag.Name.str.rawValue)
        case .sequence(let sequence):
            let items = sequence.compactMap { isNull($0) ? nil : $0.scalar?.string }
            return items.count == sequence.count ? .list(items) : .other("a list of something else than scalars")
        case .mapping: return ProviderEntry.entries(node).map { .providers($0) } ?? .other("a mapping")
        case .alias: return .other("an alias")
        }
    }

    private static func isNull(_ node: Node) -> Bool {
        node.scalar != nil && node.tag.description == Tag.Name.null.rawValue
    }

    private static func fault(_ error: any Error, path: String) -> ConfigurationFault {
        let (line, message): (Int?, String) =
            switch error as? YamlError {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                (mark.line, "not valid YAML: \(problem)")
            case .duplicatedKeysInMapping(let duplicates, let context):
                (
                    context.mark.line,
                    "the same key twice in the mapping that begins here: \(duplicates.joined(separator: ", "))"
                )
            default: (nil, "not valid YAML: \(error)")
            }
        return ConfigurationFault(key: nil, place: line.map { "\(path):\($0)" } ?? path, message: message)
    }

    private static func contents(path: String) throws(ConfigurationError) -> String {
        func failure(_ message: String) -> ConfigurationError {
            ConfigurationError(faults: [ConfigurationFault(key: nil, place: path, message: message)])
        }
        guard let file = fopen(path, "re") else {
            throw failure("cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { throw failure("cannot be read") }
        guard count <= bytesMax else { throw failure("is larger than \(bytesMax >> 20) MiB") }
        guard let text = String(validating: bytes[..<count], as: UTF8.self) else { throw failure("is not UTF-8") }
        return text
    }
}
