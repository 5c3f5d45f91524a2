// The layout, beneath the cgroup (version 2) that the service manager delegates:
//
//   daemon/     this process: a cgroup that hands controllers on has no processes of its own
//   tree-PID/   what runs under the millrace-exec with that process id, which makes it and removes it

import CLinux
import Glibc

/// The cgroup that was delegated to this process (cgroups(7); systemd.resource-control(5), `Delegate=`).
package struct ControlGroups: Sendable {
    package let path: String
    /// Whether the processes of each tree can be bounded (`pids.max`).
    package let countsProcesses: Bool

    /// Nil where none is delegated. Moves this process into a cgroup of its own there.
    package static func takeDelegated() -> ControlGroups? {
        guard let path = own(), isDelegated(path), access("\(path)/cgroup.procs", W_OK) == 0 else { return nil }
        let daemon = "\(path)/daemon"
        guard mkdir(daemon, 0o755) == 0 || errno == EEXIST, access("\(daemon)/cgroup.kill", W_OK) == 0,
            write("0", to: "\(daemon)/cgroup.procs")
        else { return nil }
        return ControlGroups(path: path, countsProcesses: write("+pids", to: "\(path)/cgroup.subtree_control"))
    }

    /// SIGKILL to all that a helper has left, and takes its cgroup away.
    /// - Returns: false while something is still dying there: then call it again.
    package func endTree(of helper: Int32) -> Bool { Self.end("\(path)/tree-\(helper)") }

    private static func end(_ tree: String) -> Bool {
        guard write("1", to: "\(tree)/cgroup.kill") else { return true }
        return rmdir(tree) == 0 || errno != EBUSY
    }

    /// The helpers whose trees are there: at the start, those that an earlier daemon has left.
    package func trees() -> [Int32] {
        guard let entries = opendir(path) else { return [] }
        defer { closedir(entries) }
        var helpers: [Int32] = []
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix("tree-"), let helper = Int32(name.dropFirst("tree-".count)) { helpers.append(helper) }
        }
        return helpers
    }

    /// Where the cgroup of this process is seen: its path (proc(5), `/proc/self/cgroup`) below the mount.
    private static func own() -> String? {
        guard let groups = try? SmallFile.read("/proc/self/cgroup", bytesMax: 65_536),
            let line = lines(groups).first(where: { $0.hasPrefix("0::/") })
        else { return nil }
        let relative = line.dropFirst("0::".count)
        for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            let path = relative == "/" ? mount : mount + relative
            if access("\(path)/cgroup.procs", F_OK) == 0 { return path }
        }
        return nil
    }

    /// The manager gives it to the service's user, and says so in an attribute, which counts for root.
    private static func isDelegated(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return false }
        if geteuid() != 0 { return status.st_uid == geteuid() }
        return ["user.delegate", "trusted.delegate"].contains { name in
            var value: UInt8 = 0
            return clinux_getxattr(path, name, &value, 1) == 1 && value == UInt8(ascii: "1")
        }
    }

    private static func lines(_ bytes: [UInt8]) -> [Substring] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    private static func write(_ text: String, to path: String) -> Bool {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return Glibc.write(file, text, text.utf8.count) == text.utf8.count
    }
}
