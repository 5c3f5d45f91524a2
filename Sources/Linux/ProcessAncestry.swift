import Glibc

/// Which processes were started by this one, as far as the kernel tells (proc(5)).
package enum ProcessAncestry {
    /// More than any chain of parents has.
    private static let depthMax = 1_000

    /// Whether a process is this one or descends from it. Where that cannot be seen, because the process is gone or /proc hides
    /// its parents (hidepid), it counts as a descendant unless it is seen to be in another control group.
    package static func descendsFromThis(_ process: Int32) -> Bool {
        let own = getpid()
        var current = process
        for _ in 0..<depthMax {
            if current == own { return true }
            if current <= 1 { return false }
            guard let parent = parent(of: current) else { return !isInAnotherGroup(process) }
            current = parent
        }
        return true
    }

    private static func parent(of process: Int32) -> Int32? {
        guard let bytes = try? SmallFile.read("/proc/\(process)/stat", bytesMax: 4_096) else { return nil }
        // The name, in parentheses, may hold anything; behind it stand the state and the parent.
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        return fields.count > 1 ? Int32(String(decoding: fields[1], as: UTF8.self)) : nil
    }

    private static func isInAnotherGroup(_ process: Int32) -> Bool {
        guard let its = try? SmallFile.read("/proc/\(process)/cgroup", bytesMax: 65_536),
            let own = try? SmallFile.read("/proc/self/cgroup", bytesMax: 65_536)
        else { return false }
        return its != own
    }
}
