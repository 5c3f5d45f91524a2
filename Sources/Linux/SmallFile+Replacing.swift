import CLinux
import Glibc

extension SmallFile {
    /// Replaces the file at `path`, or makes it: whoever reads sees the old one or the new one, also after a loss of power.
    ///
    /// A file that root writes belongs to the folder's owner, for whom it is. `mode` are its permissions from the first
    /// moment on.
    package static func replace(_ path: String, with bytes: [UInt8], mode: UInt32) throws(SystemError) {
        let draft = "\(path).new"
        // A draft that a crash has left behind may have other permissions.
        _ = unlink(draft)
        let raw = try checked("open \(draft)") {
            open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        }
        do throws(SystemError) {
            let file = Descriptor(owning: raw)
            try giveToOwner(of: folder(path), file)
            try write(bytes, to: file, draft)
            try checked("fsync \(draft)") { fsync(file.raw) }
            try checked("rename \(draft)") { rename(draft, path) }
        } catch {
            _ = unlink(draft)
            throw error
        }
        try sync(folder(path))
    }

    /// Adds to the end of a file, or makes it; what is added in one call stands together.
    package static func append(_ bytes: [UInt8], to path: String, mode: UInt32) throws(SystemError) {
        let raw = try checked("open \(path)") {
            open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, mode)
        }
        try write(bytes, to: Descriptor(owning: raw), path)
    }

    private static func folder(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func giveToOwner(of folder: String, _ file: borrowing Descriptor) throws(SystemError) {
        guard geteuid() == 0 else { return }
        var status = stat()
        try checked("stat \(folder)") { stat(folder, &status) }
        let raw = file.raw
        try checked("fchown in \(folder)") { fchown(raw, status.st_uid, status.st_gid) }
    }

    private static func write(_ bytes: [UInt8], to file: borrowing Descriptor, _ path: String) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let raw = file.raw
            let (count, code) = bytes.withUnsafeBytes { buffer in
                uninterrupted { Glibc.write(raw, buffer.baseAddress! + written, buffer.count - written) }
            }
            if count == -1 { throw SystemError(code, "write \(path)") }
            written += count
        }
    }

    private static func sync(_ folder: String) throws(SystemError) {
        let raw = try checked("open \(folder)") { open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        let descriptor = Descriptor(owning: raw)
        try checked("fsync \(folder)") { fsync(descriptor.raw) }
    }
}
