import Config
import Glibc
import Linux

/// Where the state folder lies, as seen by the code of nodes: Landlock can only open folders, whole or entry by entry, so to
/// keep that code out of one folder leaves no right to make new entries in the folders around it.
enum StatePlacement {
    /// What the operator should know, in words; nil when nothing that people work in is concerned.
    /// - Parameters:
    ///   - graphs: the graphs folder, in which nodes work.
    ///   - start: the folder that the daemon was started in.
    static func complaint(_ configuration: Configuration, graphs: String?, start: String) -> String? {
        guard configuration.kinds.confined, ProcessPrivacy.landlockVersion >= 1 else { return nil }
        let state = real(configuration.stateDirectory)
        let around = [graphs, start].compactMap { $0.map(real) }.filter { $0 != "/" && state.hasPrefix("\($0)/") }
        guard let folder = around.max(by: { $0.utf8.count < $1.utf8.count }) else { return nil }
        return "the state folder lies below \(folder): python and process nodes can change what is directly in there, but "
            + "make no new files and folders, and those that run do not see files that are replaced; "
            + "put the state elsewhere with --state-dir DIR"
    }

    private static func real(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
