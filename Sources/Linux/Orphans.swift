import CLinux
import Glibc

/// Processes that this one has not started and is the parent of all the same: what descends from a child that was killed.
package enum Orphans {
    /// From here on, descendants that lose their parent become children of this process (prctl(2), PR_SET_CHILD_SUBREAPER).
    package static func adopt() {
        let result = clinux_become_subreaper()
        precondition(result == 0, "1 is a valid value")
    }

    /// SIGKILL to all children that were not started by `ChildProcess`, and reaps those that have ended. What they have started
    /// comes next.
    /// - Returns: whether there were any, or may be: then call it again.
    package static func end() -> Bool {
        guard let orphans = StartedProcesses.strangers(among: children) else { return true }
        for child in orphans {
            // Its parent is this process, so the number is its own until it is reaped.
            kill(child, SIGKILL)
            _ = waitpid(child, nil, WNOHANG)
        }
        return !orphans.isEmpty
    }

    /// By thread, as the kernel lists them (proc(5)): any may be the parent of an orphan.
    private static func children() -> [Int32] {
        guard let threads = opendir("/proc/self/task") else { return [] }
        defer { closedir(threads) }
        var children: [Int32] = []
        while let entry = readdir(threads) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let list = try? SmallFile.read("/proc/self/task/\(name)/children", bytesMax: listBytesMax) else {
                continue
            }
            children += String(decoding: list, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
        }
        return children
    }

    /// Room for a hundred thousand.
    private static let listBytesMax = 1 << 20
}
