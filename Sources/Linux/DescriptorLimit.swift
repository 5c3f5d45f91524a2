import CLinux
import Glibc

/// RLIMIT_NOFILE: how many descriptors the process may have.
package enum DescriptorLimit {
    /// The limit now (getrlimit(2)).
    package static func current() throws(SystemError) -> (soft: UInt, hard: UInt) {
        var limit = rlimit()
        try checked("getrlimit") { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        return (limit.rlim_cur, limit.rlim_max)
    }

    /// setrlimit(2) of the soft limit.
    package static func set(soft: UInt) throws(SystemError) {
        var limit = rlimit(rlim_cur: soft, rlim_max: try current().hard)
        try checked("setrlimit") { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
    }

    /// Raises the soft limit to the hard one and returns it.
    package static func raiseToMaximum() throws(SystemError) -> UInt {
        let hard = try current().hard
        try set(soft: hard)
        return hard
    }
}
