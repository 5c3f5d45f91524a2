import CLinux
import Glibc

/// Removes folders with all that lies in them, however deep: node code may nest them beyond any path's length (path_resolution(7)).
///
/// Two folders are open at a time. What lies two levels down is moved up to the first before its own folder is removed, so that
/// nothing is ever deeper than that, and each folder is moved and removed once.
package struct FolderRemoval: ~Copyable {
    /// Names that are read at a time: a folder may have millions.
    private static let namesMax = 1_024

    private let top: Descriptor
    private var lastNumber = 0

    /// Removes `path` if it is there. A link is removed, not what it leads to. Nobody else may change it meanwhile.
    package static func remove(_ path: String) throws(SystemError) {
        let path = Array(path.utf8CString)
        if unlink(path) == 0 || errno == ENOENT { return }
        var removal = FolderRemoval(top: try open(path, at: AT_FDCWD))
        try removal.empty()
        try checked("rmdir") { rmdir(path) }
    }

    private init(top: consuming Descriptor) {
        self.top = top
    }

    private mutating func empty() throws(SystemError) {
        while case let names = try Self.names(in: top), !names.isEmpty {
            for name in names where try !Self.removeFile(name, in: top) {
                let folder = try Self.open(name, at: top.raw)
                while case let inner = try Self.names(in: folder), !inner.isEmpty {
                    for each in inner where try !Self.removeFile(each, in: folder) { try moveUp(each, from: folder) }
                }
                let raw = top.raw
                try checked("rmdir") { unlinkat(raw, name, AT_REMOVEDIR) }
            }
        }
    }

    private mutating func moveUp(_ name: [CChar], from folder: borrowing Descriptor) throws(SystemError) {
        let (from, to) = (folder.raw, top.raw)
        // To move a folder takes the right to write into it.
        _ = fchmodat(from, name, 0o700, 0)
        while true {
            lastNumber += 1
            let newName = "\(lastNumber)"
            // An empty folder of that name is replaced, which is as good as removed.
            let (result, code) = uninterrupted { renameat(from, name, to, newName) }
            if result == 0 { return }
            // The numbers go on long after the names that are there.
            guard [EEXIST, ENOTEMPTY, ENOTDIR].contains(code) else { throw SystemError(code, "rename") }
        }
    }

    /// - Returns: false for a folder.
    private static func removeFile(_ name: [CChar], in folder: borrowing Descriptor) throws(SystemError) -> Bool {
        let raw = folder.raw
        let (result, code) = uninterrupted { unlinkat(raw, name, 0) }
        if result == 0 || code == ENOENT { return true }
        // Linux says EISDIR, POSIX EPERM.
        guard code == EISDIR || code == EPERM else { throw SystemError(code, "unlink") }
        return false
    }

    /// For reading, whatever its modes were.
    private static func open(_ path: [CChar], at folder: Int32) throws(SystemError) -> Descriptor {
        _ = fchmodat(folder, path, 0o700, 0)
        return Descriptor(
            owning: try checked("open") {
                openat(folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            })
    }

    private static func names(in folder: borrowing Descriptor) throws(SystemError) -> [[CChar]] {
        let raw = folder.raw
        // A description of its own: reading begins at the first entry each time.
        let copy = try checked("open") { openat(raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let entries = fdopendir(copy) else {
            let code = errno
            close(copy)
            throw SystemError(code, "fdopendir")
        }
        defer { closedir(entries) }
        var names: [[CChar]] = []
        while names.count < namesMax, let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
                }
            }
            if name != [0x2E, 0], name != [0x2E, 0x2E, 0] { names.append(name) }
        }
        return names
    }
}
