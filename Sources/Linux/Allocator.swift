import CLinux

/// The C library's allocator, which all memory of this process comes from (malloc(3)).
package enum Allocator {
    package struct Usage: Sendable {
        /// What the program holds.
        package let usedBytes: Int
        /// What the program has given back, and the system has not got.
        package let keptBytes: Int
    }

    /// A block of this size and more is a mapping of its own, which goes back to the system as soon as it is let go of. By default
    /// the bound grows to 32 MiB with the first such block that is freed, and states of megabytes leave holes behind in the heaps
    /// of all threads.
    private static let mappedBytesMin: Int32 = 256 << 10

    /// Once, before other threads begin.
    package static func configure() {
        _ = clinux_set_mmap_threshold(mappedBytesMin)
    }

    /// mallinfo2(3). Looks through the lists of free blocks, which takes some microseconds.
    package static var usage: Usage {
        var (used, unused) = (UInt64(0), UInt64(0))
        clinux_allocator_usage(&used, &unused)
        return Usage(usedBytes: Int(used), keptBytes: Int(unused))
    }

    /// malloc_trim(3): gives whole pages that nobody uses back to the system. Holds up whoever allocates meanwhile.
    package static func giveBack() {
        _ = clinux_trim()
    }
}
