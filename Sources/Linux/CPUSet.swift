import CLinux

/// The cores that this process may run on.
package enum CPUSet {
    /// sched_getaffinity(2): less than the machine has under taskset(1) or a cgroup's cpuset; at least 1.
    package static var usableCount: Int { max(1, Int(clinux_usable_cpus())) }
}
