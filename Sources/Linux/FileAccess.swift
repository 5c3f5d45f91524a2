import CLinux
import Glibc

/// What the process may do to files (access(2)).
package enum FileAccess {
    /// Whether this process could change what lies at an absolute path without links: by writing into it, or by putting another
    /// in the place of it or of a folder above it.
    package static func isReplaceable(_ path: String) -> Bool {
        var path = path
        var owner: UInt32?
        while true {
            var status = stat()
            guard stat(path, &status) == 0 else { return false }
            // In a sticky folder, such as /tmp, only owners replace their entries.
            let isOthers = status.st_mode & S_ISVTX != 0 && geteuid() != 0 && owner.map { $0 != geteuid() } ?? false
            if access(path, W_OK) == 0, !isOthers { return true }
            guard path != "/" else { return false }
            owner = status.st_uid
            path = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "/"
        }
    }
}
