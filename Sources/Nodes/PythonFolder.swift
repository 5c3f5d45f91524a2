import Executions
import Glibc
import Graphs
import JSON
import Linux

/// A private folder of one worker: the Python files of a graph revision as they were when it was made, and where they stand
/// for people (`millrace_worker/sources.py`).
struct PythonFolder: Sendable {
    /// What folders here begin with; leftovers of a daemon that was killed are found by it.
    private static let prefix = "python-"
    /// Entries that are removed in one job of the pool: a millisecond or two.
    private static let removalSteps = 100

    let path: String

    /// Where the files are, for a graph that has no folder.
    var files: String { "\(path)/files" }

    /// Makes a folder of its own (0700) below `parent`, which is made on demand.
    /// - Parameter ownFolder: the folder of the node's file, below the graph's.
    init(of graph: GraphIdentity, ownFolder: String, in parent: String) throws(NodeFailure) {
        try Self.make(parent)
        var template = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
        // mkdtemp(3) makes it readable for its owner only.
        guard let made = mkdtemp(&template) else { throw Self.failure("make a folder in \(parent)", errno) }
        path = String(cString: made)
        do throws(NodeFailure) {
            try Self.make(files)
            for (name, content) in graph.files.all { try lay(name, content) }
            let manifest: JSONText = [
                "folder": graph.folder.map { JSONText($0) } ?? .null, "own": JSONText(ownFolder),
                "named": JSONText(array: graph.files.files.keys.sorted().map { JSONText($0) }),
            ]
            try write("\(path)/graph.json", manifest.bytes)
        } catch {
            var removal = FolderRemoval(path)
            _ = removal.advance(steps: 10 * GraphBounds.importedFilesMax)
            throw error
        }
    }

    /// Removes it with all that was put into it, in slices.
    func remove(on pool: WorkerPool, then done: @escaping @Sendable () -> Void) {
        pool.submit {
            var removal = FolderRemoval(path)
            guard removal.advance(steps: Self.removalSteps) == .unfinished else { return done() }
            remove(on: pool, then: done)
        }
    }

    /// What a daemon before this one has left behind.
    static func leftovers(in parent: String) -> [PythonFolder] {
        entries(of: parent).filter { $0.hasPrefix(prefix) }.map { PythonFolder(existing: "\(parent)/\($0)") }
    }

    private init(existing path: String) {
        self.path = path
    }

    private func lay(_ name: String, _ content: [UInt8]) throws(NodeFailure) {
        let components = name.split(separator: "/", omittingEmptySubsequences: false)
        guard components.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), !name.utf8.contains(0) else {
            throw NodeFailure("the file \(name) is no path below the graph's folder")
        }
        var folder = files
        for component in components.dropLast() {
            folder += "/\(component)"
            try Self.make(folder)
        }
        try write("\(files)/\(name)", content)
    }

    private func write(_ path: String, _ content: [UInt8]) throws(NodeFailure) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure("write \(path)", errno) }
        defer { close(file) }
        var offset = 0
        while offset < content.count {
            let (count, code) = content.withUnsafeBytes { bytes in
                let count = Glibc.write(file, bytes.baseAddress! + offset, bytes.count - offset)
                return (count, errno)
            }
            if count >= 0 { offset += count } else if code != EINTR { throw Self.failure("write \(path)", code) }
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
