import Config
import Glibc
import Linux
import ReactorServices

extension ChildConfinement {
    /// Of node code, which runs as the daemon's user: without it, that code could read whatever the daemon can.
    init(
        _ configuration: Configuration, _ installation: Installation, environment: [String: String],
        cgroups: ControlGroups?
    ) {
        let kinds = configuration.kinds
        self.init(openFiles: kinds.openFilesMax)
        processes = kinds.processesMax
        userProcesses = Self.userProcesses(kinds.processesMax)
        guard kinds.confined else { return }
        // The history, the tokens, the daemon's own socket; and what the service manager hands to services.
        let secrets =
            [configuration.stateDirectory, "/run/credentials"]
            + (configuration.secrets.folder.isEmpty ? [] : [configuration.secrets.folder])
            + (environment["CREDENTIALS_DIRECTORY"].map { [$0] } ?? [])
        hiddenPaths = (secrets + kinds.hiddenPaths).map(Self.real)
        // What the daemon's user cannot change is not worth a rule in each child.
        keptPaths = installation.folders.map(Self.real).filter(FileAccess.isReplaceable)
        // Its files are the daemon's user's, to make cgroups for trees: none shall leave the one it was put into.
        if cgroups != nil { keptPaths.append("/sys/fs/cgroup") }
    }

    /// How many times `kinds.processes_max` all trees together may have where processes are counted by user only.
    fileprivate static let treesOfUser = 8

    /// What the user has already does not count.
    private static func userProcesses(_ ofTree: Int) -> Int {
        ProcessUsage.tasks(ofUser: geteuid()) + ofTree * treesOfUser
    }

    /// Where a path leads in the end, as children name their folders by that.
    private static func real(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

/// What this host cannot keep node code from, or what the configuration leaves open: for the log, `config show` and whoever
/// asks.
struct ConfinementReport {
    let lines: [String]

    /// - Parameter cgroups: nil where none is delegated, or where that is not known.
    init(_ configuration: Configuration, _ installation: Installation, cgroups: ControlGroups? = nil) {
        let kinds = configuration.kinds
        let root = geteuid() == 0 ? ["the daemon runs as root, and so does the code of its nodes; give it a user"] : []
        guard kinds.runsCode else {
            lines = root
            return
        }
        guard kinds.confined else {
            lines =
                root + [
                    "kinds.confined is off: python and process nodes can do whatever the daemon's user can, and millrace.sock asks for a token"
                ]
            return
        }
        lines =
            root + Self.landlock(ProcessPrivacy.landlockVersion)
            + (ProcessPrivacy.hasSeccomp
                ? []
                : [
                    "this kernel has no seccomp: node code can change limits and priorities of the daemon and its helpers"
                ])
            + Self.bounds(cgroups) + Self.program(installation)
    }

    private static func landlock(_ version: Int32) -> [String] {
        if version < 1 {
            return [
                "this kernel has no Landlock: python and process nodes can reach every file of the daemon's user, and millrace.sock asks for a token"
            ]
        }
        var lines: [String] = []
        if version < 3 {
            lines.append(
                "this kernel has Landlock \(version), which does not know truncation: truncate(2) by path, openat2(2) and io_uring are refused to node code everywhere"
            )
        }
        if version < 6 {
            lines.append(
                "this kernel has Landlock \(version), which does not know signals: node code can signal other processes of the daemon's user, those of other nodes too, but not the daemon, its own helper, or all at once"
            )
        }
        return lines
    }

    private static func bounds(_ cgroups: ControlGroups?) -> [String] {
        if cgroups?.countsProcesses == true { return [] }
        if geteuid() == 0 {
            return [
                "no cgroup that counts processes is delegated, and root has no limit of them: nothing bounds the processes of a node"
            ]
        }
        return [
            "no cgroup that counts processes is delegated: kinds.processes_max bounds those of all nodes together, at \(ChildConfinement.treesOfUser) times its value"
        ]
    }

    /// Whoever can replace what confines is not confined for long: Landlock keeps node code from it, and nothing else.
    private static func program(_ installation: Installation) -> [String] {
        guard geteuid() != 0, FileAccess.isReplaceable(installation.helper) else { return [] }
        return ["the daemon's user can replace \(installation.helper), which confines node code; install it as root"]
    }
}
