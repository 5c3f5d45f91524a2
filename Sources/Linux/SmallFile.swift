import CLinux
import Glibc

package enum SmallFile {
    /// The whole regular file at `path`; throws `fileTooLarge` when it has more than `bytesMax`.
    /// - Parameter followsLinks: whether `path` itself may be a link to the file.
    package static func read(_ path: String, bytesMax: Int, followsLinks: Bool = true) throws(SystemError) -> [UInt8] {
        let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (followsLinks ? 0 : O_NOFOLLOW)
        let raw = try checked("open \(path)") { open(path, flags) }
        let file = Descriptor(owning: raw)
        var bytes: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: min(bytesMax + 1, 65_536), alignment: 1)
        defer { chunk.deallocate() }
        while true {
            let (count, code) = uninterrupted { Glibc.read(file.raw, chunk.baseAddress, chunk.count) }
            if count == -1 { throw SystemError(code, "read \(path)") }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
            if bytes.count > bytesMax { throw SystemError(.fileTooLarge, "read \(path)") }
            if count == 0 { return bytes }
        }
    }

    /// Whether there is anything of that name, be it a link that leads nowhere.
    package static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Why what a file says need not be the word of this process's user or root; nil if it is. Root itself may read whoever's.
    package static func doubt(about path: String) throws(SystemError) -> String? {
        var status = stat()
        try checked("stat \(path)") { stat(path, &status) }
        let user = geteuid()
        if user != 0, status.st_uid != 0, status.st_uid != user { return "belongs to user \(status.st_uid)" }
        return status.st_mode & 0o022 == 0 ? nil : "others may write it"
    }

    /// Who besides the owner may read or change a file; nil if nobody may.
    package static func exposure(of path: String) throws(SystemError) -> String? {
        if let doubt = try doubt(about: path) { return doubt }
        var status = stat()
        try checked("stat \(path)") { stat(path, &status) }
        return status.st_mode & 0o077 == 0 ? nil : "others may read it"
    }

    /// /dev/null: for a child that nobody listens to.
    package static func openNothing() throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked("open /dev/null") { open("/dev/null", O_RDWR | O_CLOEXEC) })
    }
}
