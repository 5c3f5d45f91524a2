import Glibc

/// Files of one folder, never of another: the source for documents that stand in it.
///
/// A name is a relative path without `.` and `..`. Symbolic links are followed (Kubernetes mounts a folder's files as
/// links within it), and judged by where they lead: the file is opened with `O_PATH`, which touches nothing, its true
/// path is read from `/proc/self/fd` (proc_pid_fd(5)), and only a regular file below the folder's own true path is
/// opened for reading, by that same descriptor. So what is checked is what is read, whatever is renamed meanwhile.
package struct FolderFiles: GraphFileSource, Sendable {
    /// The folder, as it was given.
    package let path: String

    package init(path: String) {
        self.path = path
    }

    package func read(_ name: String) throws(GraphFileError) -> [UInt8] {
        try readFile(name).content
    }

    /// The content of a file, and its true path.
    func readFile(_ name: String) throws(GraphFileError) -> (content: [UInt8], truePath: String) {
        try checkName(name)
        let file = try open(name, 0)
        let truePath = try file.truePath(name: name)
        return (try file.content(name: name, bytesMax: GraphBounds.fileBytesMax), truePath)
    }

    /// Bytes of a file from an offset on; fewer than `bytesMax` only at its end.
    package func readPart(_ name: String, at offset: Int, bytesMax: Int) throws(GraphFileError) -> [UInt8] {
        try checkName(name)
        return try open(name, 0).part(name: name, at: offset, bytesMax: bytesMax)
    }

    /// The content of a document itself, which may be a link to wherever the folder's owner wants, and its true path.
    func readDocument(_ name: String) throws(GraphFileError) -> (content: [UInt8], truePath: String) {
        let file = try FileDescriptor(opening: path + "/" + name, 0, name: name)
        let truePath = try file.truePath(name: name)
        return (try file.content(name: name, bytesMax: GraphBounds.documentBytesMax), truePath)
    }

    package func names(inFolder name: String) -> Set<String>? {
        listFolder(name)?.names
    }

    /// The names in a folder, and its true path; nil for one of more than `GraphBounds.folderNamesMax`.
    func listFolder(_ name: String) -> (names: Set<String>, truePath: String)? {
        do throws(GraphFileError) {
            if !name.isEmpty { try checkName(name) }
            let folder = try open(name, O_DIRECTORY)
            let truePath = try folder.truePath(name: name)
            return folder.names(countMax: GraphBounds.folderNamesMax).map { ($0, truePath) }
        } catch {
            return nil
        }
    }

    /// Opens what lies in the folder, or the folder itself, which is "".
    private func open(_ name: String, _ flags: Int32) throws(GraphFileError) -> FileDescriptor {
        let folder = try FileDescriptor(opening: path, O_DIRECTORY, name: path)
        let file = try FileDescriptor(opening: name.isEmpty ? path : path + "/" + name, flags, name: name)
        let inside = try folder.truePath(name: path)
        let truePath = try file.truePath(name: name)
        guard truePath == inside || truePath.hasPrefix(inside == "/" ? inside : inside + "/") else {
            throw GraphFileError("the file \(Suggestion.quoted(name)) leads out of the document's folder")
        }
        return file
    }

    private func checkName(_ name: String) throws(GraphFileError) {
        guard !name.isEmpty else { throw GraphFileError("a file's name must not be empty") }
        guard name.utf8.count <= Int(PATH_MAX) / 2 else { throw GraphFileError("the file's name is too long") }
        let components = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isBad = components.contains { $0.isEmpty || $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
        guard !isBad, !name.utf8.contains(0) else {
            throw GraphFileError("\(Suggestion.quoted(name)) is no path below the document's folder")
        }
    }
}

/// A descriptor of something on disk, closed at the end of its life.
private struct FileDescriptor: ~Copyable {
    private let number: Int32

    /// open(2) with `O_PATH`.
    init(opening path: String, _ flags: Int32, name: String) throws(GraphFileError) {
        number = Glibc.open(path, __O_PATH | O_CLOEXEC | flags)
        let error = errno
        guard number >= 0 else { throw Self.failure(name, error) }
    }

    deinit {
        close(number)
    }

    func truePath(name: String) throws(GraphFileError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/fd/\(number)", &buffer, buffer.count)
        guard count >= 0 else {
            throw GraphFileError("where \(Suggestion.quoted(name)) leads cannot be told: /proc is not there")
        }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Reads a regular file as it is at the moment, one of more than `bytesMax` not at all.
    func content(name: String, bytesMax: Int) throws(GraphFileError) -> [UInt8] {
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw GraphFileError("\(Suggestion.quoted(name)) is not a regular file")
        }
        guard status.st_size <= bytesMax else { throw .tooLarge(name, bytesMax) }
        let file = Glibc.open("/proc/self/fd/\(number)", O_RDONLY | O_CLOEXEC)
        let error = errno
        guard file >= 0 else { throw Self.failure(name, error) }
        defer { close(file) }
        var content: [UInt8] = []
        // One byte more than the status said shows a file that has grown since.
        while content.count <= bytesMax {
            let chunk = try Self.chunk(of: file, countMax: max(4096, Int(status.st_size) + 1 - content.count), name)
            if chunk.isEmpty { return content }
            content += chunk
        }
        throw .tooLarge(name, bytesMax)
    }

    /// Reads some of a regular file, pread(2).
    func part(name: String, at offset: Int, bytesMax: Int) throws(GraphFileError) -> [UInt8] {
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw GraphFileError("\(Suggestion.quoted(name)) is not a regular file")
        }
        let file = Glibc.open("/proc/self/fd/\(number)", O_RDONLY | O_CLOEXEC)
        let error = errno
        guard file >= 0 else { throw Self.failure(name, error) }
        defer { close(file) }
        var content: [UInt8] = []
        while content.count < bytesMax {
            let wanted = bytesMax - content.count
            var error: Int32 = 0
            let part = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                let result = pread(file, buffer.baseAddress, wanted, off_t(offset + content.count))
                error = result < 0 ? errno : 0
                count = max(0, result)
            }
            guard error == 0 || error == EINTR else { throw Self.failure(name, error) }
            if part.isEmpty, error == 0 { break }
            content += part
        }
        return content
    }

    /// What a folder holds, but `.` and `..`; nil if it cannot be listed, or holds more.
    func names(countMax: Int) -> Set<String>? {
        guard let folder = opendir("/proc/self/fd/\(number)") else { return nil }
        defer { closedir(folder) }
        var names: Set<String> = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { name in
                String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.insert(name) }
            if names.count > countMax { return nil }
        }
        return names
    }

    private static func chunk(of file: Int32, countMax: Int, _ name: String) throws(GraphFileError) -> [UInt8] {
        while true {
            var error: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: countMax) { buffer, count in
                let result = Glibc.read(file, buffer.baseAddress, countMax)
                error = result < 0 ? errno : 0
                count = max(0, result)
            }
            if error == 0 { return chunk }
            guard error == EINTR else { throw failure(name, error) }
        }
    }

    private static func failure(_ name: String, _ error: Int32) -> GraphFileError {
        switch error {
        case ENOENT, ENOTDIR: GraphFileError("there is no file \(Suggestion.quoted(name)) in the folder")
        default:
            GraphFileError("the file \(Suggestion.quoted(name)) cannot be read: \(String(cString: strerror(error)))")
        }
    }
}
