// A path ends at PATH_MAX, and a descriptor for each level ends at RLIMIT_NOFILE; so a tree is made flat instead: what is in
// a folder is removed, or moved to the top when it is a folder that holds something. Two descriptors are enough for any depth.

import CLinux
import Glibc

/// Removes a folder with all that is in it, never following a link, in slices.
package struct FolderRemoval: ~Copyable {
    /// How a slice has ended.
    package enum Progress: Sendable, Equatable {
        case removed
        /// There is more to do.
        case unfinished
        /// Something in it cannot be removed by this process.
        case stuck
    }

    private let path: String
    /// Stays open as long as this value lives; -1 if the folder cannot be opened.
    private let top: Int32
    private var lastName = 0
    private var doneCount = 0

    /// Of a folder that is not there nothing is left to remove.
    package init(_ path: String) {
        self.path = path
        top = Self.open(AT_FDCWD, path)
    }

    deinit {
        if top >= 0 { close(top) }
    }

    /// Looks at up to `steps` entries.
    package mutating func advance(steps: Int) -> Progress {
        guard top >= 0 else { return access(path, F_OK) == 0 ? .stuck : .removed }
        var left = steps
        while left > 0 {
            let (countBefore, leftBefore) = (doneCount, left)
            for name in Self.names(in: top, countMax: left) where left > 0 {
                left -= 1
                if remove(name, in: top) { continue }
                empty(name, &left)
            }
            if rmdir(path) == 0 { return .removed }
            if doneCount == countBefore, left > 0 || leftBefore == steps { return .stuck }
        }
        return .unfinished
    }

    /// Removes all that a folder of the top holds, or moves it there, and then the folder.
    private mutating func empty(_ name: [CChar], _ left: inout Int) {
        let folder = Self.open(top, name)
        guard folder >= 0 else { return }
        defer { close(folder) }
        for entry in Self.names(in: folder, countMax: max(left, 1)) {
            left -= 1
            if !remove(entry, in: folder) { moveUp(entry, from: folder, to: top) }
        }
        _ = remove(name, in: top)
    }

    private mutating func remove(_ name: [CChar], in folder: Int32) -> Bool {
        guard unlinkat(folder, name, 0) == 0 || unlinkat(folder, name, AT_REMOVEDIR) == 0 else { return false }
        doneCount += 1
        return true
    }

    private mutating func moveUp(_ name: [CChar], from folder: Int32, to top: Int32) {
        // To move a folder changes its `..`, so it must be writable itself.
        let moved = Self.open(folder, name)
        if moved >= 0 { close(moved) }
        while true {
            lastName += 1
            if renameat(folder, name, top, ".removed-\(lastName)") == 0 { break }
            let code = errno
            guard code == ENOTEMPTY || code == EEXIST || code == ENOTDIR else { return }
        }
        doneCount += 1
    }

    /// A folder, made readable and writable for its owner first: its user may have closed it. -1 for anything else.
    private static func open(_ folder: Int32, _ name: UnsafePointer<CChar>) -> Int32 {
        let place = openat(folder, name, __O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard place >= 0 else { return -1 }
        defer { close(place) }
        // fchmod(2) takes no descriptor of this kind.
        chmod("/proc/self/fd/\(place)", 0o700)
        return openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    /// The names in a folder but `.` and `..`, in their bytes: they need not be UTF-8. Of very many the first ones.
    private static func names(in folder: Int32, countMax: Int) -> [[CChar]] {
        var names: [[CChar]] = []
        let own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0, let stream = fdopendir(own) else { return names }
        defer { closedir(stream) }
        while names.count < countMax, let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
            }
            if name != [0x2E, 0], name != [0x2E, 0x2E, 0] { names.append(name) }
        }
        return names
    }
}
