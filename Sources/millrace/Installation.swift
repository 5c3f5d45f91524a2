import Glibc
import Server

/// Where the program's own files lie: beside an installed program under its prefix, or in the source tree of a build.
struct Installation {
    /// `millrace-exec`.
    let helper: String
    /// The folder with `worker.py`.
    let pythonFolder: String
    let consoleFolder: String
    let openAPI: String
    /// The program itself, and what it runs and serves.
    let folders: [String]
    /// The example graphs, for a daemon that was not told where its graphs are.
    let graphsFolder: String

    static let version = "0.1.0"

    /// Found from the program's path (proc(5), `/proc/self/exe`).
    static func find() -> Installation {
        let program = (try? programPath()) ?? CommandLine.arguments[0]
        let folder = parent(program)
        if folder.hasSuffix("/bin") {
            let prefix = parent(folder)
            return Installation(
                helper: "\(prefix)/libexec/millrace/millrace-exec", pythonFolder: "\(prefix)/libexec/millrace/python",
                consoleFolder: "\(prefix)/share/millrace/console", openAPI: "\(prefix)/share/millrace/openapi.json",
                folders: [folder, "\(prefix)/libexec/millrace", "\(prefix)/share/millrace"],
                graphsFolder: "\(prefix)/share/millrace/examples")
        }
        // PACKAGE/.build/TRIPLE/CONFIGURATION/millrace, whose last folder may be reached through a link.
        let package = parent(parent(parent(folder)))
        return Installation(
            helper: "\(folder)/millrace-exec", pythonFolder: "\(package)/Sources/Nodes/Python",
            consoleFolder: "\(package)/Sources/Console/Files", openAPI: "\(package)/Sources/Server/openapi.json",
            folders: [folder, "\(package)/Sources/Nodes/Python", "\(package)/Sources/Console/Files"],
            graphsFolder: "\(package)/config/graphs")
    }

    /// What is served as it is; blocks.
    func files() -> StaticFiles { StaticFiles(consoleFolder: consoleFolder, openAPIPath: openAPI) }

    private struct NoProgramPath: Error {}

    private static func programPath() throws -> String {
        guard let path = realpath("/proc/self/exe", nil) else { throw NoProgramPath() }
        defer { free(path) }
        return String(cString: path)
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(path[..<slash])
    }
}
