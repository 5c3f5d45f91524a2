import Glibc

/// What the process may do to files (access(2)).
package enum FileAccess {
    /// Whether this process could change what lies at an absolute path without links: by writing into it, or by putting another
    /// in the place of it or of a folder above it.
    package static func isReplaceable(_ path: String) -> Bool {
        var path = path
        while !path.isEmpty {
            if access(path, W_OK) == 0 { return true }
            path = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        }
        return access("/", W_OK) == 0
    }
}
