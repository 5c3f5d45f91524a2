import Config
import Glibc
import Linux
import ReactorServices

extension ChildConfinement {
    /// Of node code, which runs as the daemon's user: without it, that code could read whatever the daemon can.
    init(_ configuration: Configuration, environment: [String: String]) {
        let kinds = configuration.kinds
        self.init(openFiles: kinds.openFilesMax)
        guard kinds.confined else { return }
        // The history, the tokens, the daemon's own socket; and what the service manager hands to services.
        let secrets =
            [configuration.stateDirectory, "/run/credentials"]
            + (environment["CREDENTIALS_DIRECTORY"].map { [$0] } ?? [])
        hiddenPaths = (secrets + kinds.hiddenPaths).map(Self.real)
    }

    /// Where a path leads in the end, as children name their folders by that.
    private static func real(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// What the operator should know, in words; nil when all is as it should be.
    static func complaint(_ configuration: Configuration) -> String? {
        guard configuration.kinds.confined, ProcessPrivacy.landlockVersion < 1 else { return nil }
        return "this kernel has no Landlock: python and process nodes can reach every file of the daemon's user"
    }
}
