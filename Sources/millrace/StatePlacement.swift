import Config
import Glibc
import Linux

/// Where the state folder lies, as seen by the code of nodes: Landlock can only open folders, whole or entry by entry, so to
/// keep that code out of one folder leaves no right to make new entries in the folders around it.
enum StatePlacement {
    /// What the operator should know: a warning where nodes work, a notice where they may want to.
    /// - Parameters:
    ///   - graphs: the graphs folder, in which nodes work.
    ///   - start: the folder that the daemon was started in.
    static func complaint(
        _ configuration: Configuration, graphs: String?, start: String
    ) -> (level: LogLevel, text: String)? {
        guard configuration.kinds.confined, ProcessPrivacy.landlockVersion >= 1 else { return nil }
        let state = real(configuration.stateDirectory)
        for (level, folder) in [(LogLevel.warning, graphs), (.notice, start)] {
            guard let folder = folder.map(real), folder != "/", state.hasPrefix("\(folder)/") else { continue }
            let text =
                "the state folder lies below \(folder): python and process nodes can change what is directly in there, but "
                + "make no new files and folders, and those that run do not see files that are replaced; "
                + "put the state elsewhere with --state-dir DIR"
            return (level, text)
        }
        return nil
    }

    private static func real(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
