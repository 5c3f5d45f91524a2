import Digest
import Glibc
import JSON
import Linux

/// What was seen in Python files, by the content of the files, kept across restarts in a folder of the daemon's own. What is
/// lost of it is seen again.
struct KeptLooks: Sendable {
    /// One answer of `look.py`, and what is kept with it.
    private static let bytesMax = 32 << 20
    private static let ending = ".json"

    /// Nil: nothing is kept.
    let folder: String?

    /// What was kept of a file, whatever the file has become since.
    func read(_ name: String) -> PythonSight? {
        guard let path = path(of: name),
            let bytes = try? SmallFile.read(path, bytesMax: Self.bytesMax, followsLinks: false),
            let text = try? JSONText(parsing: bytes), text["name"]?.string == name, let key = text["key"]?.string,
            let answer = text["answer"]
        else { return nil }
        return PythonSight(key: key, answer: answer)
    }

    func keep(_ sight: PythonSight, of name: String) {
        guard let folder, let path = path(of: name) else { return }
        mkdir(folder, 0o700)
        let text: JSONText = ["name": JSONText(name), "key": JSONText(sight.key), "answer": sight.answer]
        try? SmallFile.replace(path, with: text.bytes, mode: 0o600)
    }

    /// Forgets what is kept of all other files.
    func prune(keeping names: Set<String>) {
        guard let folder, let entries = opendir(folder) else { return }
        defer { closedir(entries) }
        let kept = Set(names.map(Self.fileName))
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { name in
                String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(Self.ending), !kept.contains(name) { unlink("\(folder)/\(name)") }
        }
    }

    private func path(of name: String) -> String? {
        folder.map { "\($0)/\(Self.fileName(name))" }
    }

    private static func fileName(_ name: String) -> String {
        var hash = SHA256()
        hash.update(Array(name.utf8))
        return SHA256.text(hash.finish()) + ending
    }
}

/// What was seen in a Python file.
struct PythonSight: Sendable, Equatable {
    /// Identifies what it goes by: the file, what it imports, and who runs it.
    let key: String
    /// That of `look.py`.
    let answer: JSONText
}
