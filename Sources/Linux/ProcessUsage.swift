import CLinux
import Glibc

/// What this process uses, as the kernel tells (proc_pid_stat(5), proc_pid_fd(5)).
package struct ProcessUsage: Sendable {
    package let cpuSeconds: Double
    package let startedAtSeconds: Double
    package let residentBytes: Int
    package let virtualBytes: Int
    package let threads: Int
    package let openDescriptors: Int

    private static let statBytesMax = 4096

    /// Blocks on /proc, for some tens of microseconds.
    package static func current() throws(SystemError) -> ProcessUsage {
        let text = String(decoding: try SmallFile.read("/proc/self/stat", bytesMax: statBytesMax), as: UTF8.self)
        // The name, in parentheses, may hold anything; what follows it are numbers, the third of the file first.
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ").dropFirst()
            .map { Double($0) ?? 0 }
        guard fields.count > 21 else { throw SystemError(.init(rawValue: EPROTO), "read /proc/self/stat") }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        var boot = timespec()
        clock_gettime(CLOCK_BOOTTIME, &boot)
        let age = Double(boot.tv_sec) + Double(boot.tv_nsec) / 1e9 - fields[19] / ticks
        return ProcessUsage(
            cpuSeconds: (fields[11] + fields[12]) / ticks,
            startedAtSeconds: Double(SystemClock.wallMicroseconds()) / 1e6 - age,
            residentBytes: Int(fields[21]) * sysconf(Int32(_SC_PAGESIZE)), virtualBytes: Int(fields[20]),
            threads: Int(fields[17]), openDescriptors: countDescriptors())
    }

    /// The processes and threads of a user, as RLIMIT_NPROC counts them. Blocks on all of /proc.
    package static func tasks(ofUser user: UInt32) -> Int {
        guard let folder = opendir("/proc") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) {
            guard entry.pointee.d_name.0 >= 0x31, entry.pointee.d_name.0 <= 0x39 else { continue }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let bytes = try? SmallFile.read("/proc/\(name)/status", bytesMax: 65_536) else { continue }
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            func number(_ label: String) -> Int? {
                lines.first { $0.hasPrefix(label) }?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap {
                    Int($0)
                }
            }
            if number("Uid:") == Int(user) { count += number("Threads:") ?? 1 }
        }
        return count
    }

    /// Since Linux 6.2 the size of the folder is their number; before they must be counted.
    private static func countDescriptors() -> Int {
        var status = stat()
        if stat("/proc/self/fd", &status) == 0, status.st_size > 0 { return Int(status.st_size) }
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Beside ".", ".." and the folder's own.
        return max(count - 3, 0)
    }
}
