import Executions
import Glibc
import Graphs

/// A private folder that holds the files of one graph revision, so that a worker sees them as they were when the revision
/// was made, whatever happens to the originals.
struct PythonFolder: Sendable {
    /// What folders here begin with; leftovers of a daemon that was killed are found by it.
    private static let prefix = "python-"

    let path: String

    /// Makes a folder of its own (0700) below `parent`, which is made on demand.
    init(files: GraphFiles, in parent: String) throws(NodeFailure) {
        try Self.make(parent)
        var template = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
        // mkdtemp(3) makes it readable for its owner only.
        guard let made = mkdtemp(&template) else { throw Self.failure("make a folder in \(parent)", errno) }
        path = String(cString: made)
        do throws(NodeFailure) {
            for (name, content) in files.files { try write(name, content) }
        } catch {
            Self.remove(path)
            throw error
        }
    }

    func remove() {
        Self.remove(path)
    }

    /// Removes what a daemon before this one has left behind.
    static func removeLeftovers(in parent: String) {
        for name in entries(of: parent) where name.hasPrefix(prefix) { remove("\(parent)/\(name)") }
    }

    /// Removes a folder with all that is in it, never following a link.
    static func remove(_ path: String) {
        // To read and change a folder that its user has closed, it has to be opened first.
        chmod(path, 0o700)
        for name in entries(of: path) {
            let entry = "\(path)/\(name)"
            if unlink(entry) != 0 { remove(entry) }
        }
        rmdir(path)
    }

    private func write(_ name: String, _ content: [UInt8]) throws(NodeFailure) {
        let components = name.split(separator: "/", omittingEmptySubsequences: false)
        guard components.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), !name.utf8.contains(0) else {
            throw NodeFailure("the file \(name) is no path below the graph's folder")
        }
        var folder = path
        for component in components.dropLast() {
            folder += "/\(component)"
            try Self.make(folder)
        }
        let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure("write \(name)", errno) }
        defer { close(file) }
        var offset = 0
        while offset < content.count {
            let (count, code) = content.withUnsafeBytes { bytes in
                let count = Glibc.write(file, bytes.baseAddress! + offset, bytes.count - offset)
                return (count, errno)
            }
            if count >= 0 { offset += count } else if code != EINTR { throw Self.failure("write \(name)", code) }
        }
    }

    private static func make(_ path: String) throws(NodeFailure) {
        guard mkdir(path, 0o700) != 0 else { return }
        let code = errno
        if code == EEXIST { return }
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        guard code == ENOENT, path.hasPrefix("/"), !parent.isEmpty else { throw failure("make \(path)", code) }
        try make("/\(parent)")
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("make \(path)", errno) }
    }

    private static func entries(of path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func failure(_ what: String, _ code: Int32) -> NodeFailure {
        NodeFailure("the graph's files cannot be laid out: \(what): \(String(cString: strerror(code)))")
    }
}
