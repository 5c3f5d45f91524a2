import CLinux
import Glibc

/// How a process ended.
package enum ProcessExit: Hashable, Sendable {
    case exited(Int32)
    case signalled(Signal)
}

/// A started process: its id and a pidfd, which becomes readable when it has ended and is never reused.
package struct ChildProcess: ~Copyable {
    package let processID: Int32
    package let pidfd: Descriptor

    /// What to start. Only the mapped descriptors reach the child, and of the standard ones those that are not;
    /// signals are unblocked and at their defaults.
    package struct Specification {
        /// A path; PATH is not searched.
        package var executable: String
        /// With the program's own name first.
        package var arguments: [String]
        /// `NAME=value`, complete: nothing is inherited.
        package var environment: [String]
        package var workingDirectory: String?
        /// Number in the child → descriptor here, which stays open and ours.
        package var descriptors: [Int32: Int32]

        package init(
            executable: String, arguments: [String], environment: [String] = [], workingDirectory: String? = nil,
            descriptors: [Int32: Int32] = [:]
        ) {
            self.executable = executable
            self.arguments = arguments
            self.environment = environment
            self.workingDirectory = workingDirectory
            self.descriptors = descriptors
        }
    }

    /// posix_spawn(3), then pidfd_open(2). Throws `notFound`, `accessDenied` and the like when it cannot start.
    package static func start(_ specification: Specification) throws(SystemError) -> ChildProcess {
        let processID = try StartedProcesses.start { () throws(SystemError) in try spawn(specification) }
        let (raw, code) = uninterrupted { clinux_pidfd_open(processID) }
        if raw >= 0 { return ChildProcess(processID: processID, pidfd: Descriptor(owning: raw)) }
        // Without a pidfd nobody could wait for it on the loop.
        kill(processID, SIGKILL)
        _ = uninterrupted { waitpid(processID, nil, 0) }
        StartedProcesses.forget(processID)
        throw SystemError(code, "pidfd_open")
    }

    /// waitid(2) P_PIDFD, WNOHANG: how it ended, nil while it runs. Reaps; ask no more after an end.
    package borrowing func end() throws(SystemError) -> ProcessExit? {
        try ChildProcess.end(pidfd, processID)
    }

    /// The same for a pidfd of a child.
    package static func end(_ pidfd: borrowing Descriptor, _ processID: Int32) throws(SystemError) -> ProcessExit? {
        let raw = pidfd.raw
        var reason: Int32 = 0
        var status: Int32 = 0
        let ended = try checked("waitid") { clinux_pidfd_wait(raw, &reason, &status) }
        if ended == 0 { return nil }
        StartedProcesses.forget(processID)
        return reason == Int32(CLD_EXITED) ? .exited(status) : .signalled(Signal(rawValue: status))
    }

    /// pidfd_send_signal(2); a process that has ended is no error.
    package borrowing func send(_ signal: Signal) {
        _ = clinux_pidfd_send_signal(pidfd.raw, signal.rawValue)
    }

    /// The parts, when the pidfd gets another owner.
    package consuming func takePidfd() -> Descriptor { pidfd }

    private static func spawn(_ specification: Specification) throws(SystemError) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let lifted = try add(specification.descriptors, to: &actions)
        defer { for raw in lifted { close(raw) } }
        if let directory = specification.workingDirectory { clinux_spawn_add_chdir(&actions, directory) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        resetSignals(&attributes)

        let arguments = CStrings(specification.arguments)
        let environment = CStrings(specification.environment)
        var processID: pid_t = 0
        let code = posix_spawn(
            &processID, specification.executable, &actions, &attributes, arguments.pointers, environment.pointers)
        if code != 0 { throw SystemError(code, "start \(specification.executable)") }
        return processID
    }

    /// Maps the descriptors. Sources within the range of the targets are lifted above it first, so that no mapping
    /// overwrites the source of a later one; the lifted ones are returned, to be closed.
    private static func add(
        _ descriptors: [Int32: Int32], to actions: inout posix_spawn_file_actions_t
    ) throws(SystemError) -> [Int32] {
        let firstFree = (descriptors.keys.max() ?? 2) + 1
        var lifted: [Int32] = []
        for (target, source) in descriptors {
            var origin = source
            if source < firstFree {
                let (copy, code) = uninterrupted { clinux_fcntl(source, F_DUPFD_CLOEXEC, firstFree) }
                if copy == -1 {
                    for raw in lifted { close(raw) }
                    throw SystemError(code, "dup")
                }
                lifted.append(copy)
                origin = copy
            }
            posix_spawn_file_actions_adddup2(&actions, origin, target)
        }
        // What others have opened without close-on-exec.
        for gap in 3..<max(3, firstFree) where descriptors[gap] == nil {
            posix_spawn_file_actions_addclose(&actions, gap)
        }
        clinux_spawn_add_closefrom(&actions, firstFree)
        return lifted
    }

    private static func resetSignals(_ attributes: inout posix_spawnattr_t) {
        var all = sigset_t()
        clinux_sigset_fill(&all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    }
}

/// A null-terminated array of C strings that lives as long as this object.
private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { pointers[index] = strdup(string) }
        pointers[count] = nil
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
