import CLinux
import Glibc

/// How much memory this process may use.
package enum UsableMemory {
    private static let fileBytesMax = 64 << 10
    private static let controlGroups = "/sys/fs/cgroup"

    /// The machine's memory, or the lowest limit of the control groups (cgroups(7), version 2) that the process is in.
    package static var bytes: Int {
        min(machineBytes, controlGroupBytes ?? .max)
    }

    private static var machineBytes: Int {
        sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    }

    private static var controlGroupBytes: Int? {
        guard let list = text("/proc/self/cgroup"),
            let path = list.split(separator: "\n").first(where: { $0.hasPrefix("0::") })?.dropFirst(3)
        else { return nil }
        return limit(ofGroup: path, below: controlGroups)
    }

    /// The lowest of a group's limits and those of the groups around it.
    static func limit(ofGroup path: Substring, below root: String) -> Int? {
        var lowest: Int?
        var names = path.split(separator: "/")
        while true {
            let folder = ([root] + names.map(String.init)).joined(separator: "/")
            for name in ["memory.max", "memory.high"] {
                // Without a limit it says "max".
                guard let word = text("\(folder)/\(name)")?.split(separator: "\n").first, let bytes = Int(word) else {
                    continue
                }
                lowest = min(lowest ?? .max, bytes)
            }
            if names.isEmpty { return lowest }
            names.removeLast()
        }
    }

    private static func text(_ path: String) -> String? {
        (try? SmallFile.read(path, bytesMax: fileBytesMax)).map { String(decoding: $0, as: UTF8.self) }
    }
}
