import CLinux
import Glibc

/// What keeps other processes of the same user out of this one.
package enum ProcessPrivacy {
    /// Closes /proc/PID/environ, fd and mem, core dumps and ptrace(2) to everybody but root (prctl(2), PR_SET_DUMPABLE).
    package static func forbidInspection() {
        let result = clinux_forbid_inspection()
        precondition(result == 0, "0 is a valid value")
    }

    /// What the kernel can do to confine children (landlock(7)): 1 files, 6 signals too; -1 nothing.
    package static var landlockVersion: Int32 { clinux_landlock_version() }

    /// Whether it can also refuse them single calls (seccomp(2)).
    package static var hasSeccomp: Bool { clinux_has_seccomp() != 0 }
}
