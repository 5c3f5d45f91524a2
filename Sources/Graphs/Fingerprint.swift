import Digest

/// Identifies what a revision was made of: SHA-256 (FIPS 180-4) of the document as written and the files that it
/// names. The same on every machine and in every run, so it can be kept in the store.
package struct Fingerprint: Sendable, Hashable, CustomStringConvertible {
    /// 64 hexadecimal digits.
    package let description: String

    /// Each part goes in with its length, so that no two different sets of parts give the same bytes.
    package init(document: [UInt8], files: GraphFiles = GraphFiles()) {
        var hash = SHA256()
        hash.update(part: document)
        let all = files.all
        let names = all.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for name in names {
            hash.update(part: Array(name.utf8))
            hash.update(part: all[name] ?? [])
        }
        description = SHA256.text(hash.finish())
    }

    /// One that was kept as text.
    package init(kept description: String) {
        self.description = description
    }
}

extension SHA256 {
    fileprivate mutating func update(part: [UInt8]) {
        update(withUnsafeBytes(of: UInt64(part.count).bigEndian) { [UInt8]($0) })
        update(part)
    }
}
