import ArgumentParser
import Auth
import Config
import Glibc
import Linux

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the daemon.",
        prose: """
            Serves the API, and the console if it is installed, until SIGTERM. Without any option it listens on
            127.0.0.1:8080 and keeps its state under the user's state folder; the line on stdout says when it is ready.

              millrace serve
              millrace serve --listen 127.0.0.1:9000 --graphs ./graphs
              curl -N -X POST http://127.0.0.1:8080/api/graphs/hello/execute/stream

            Front ends that were written for the system which Millrace replaces have their own addresses and events below
            http://HOST/classic: they change their base URL to that, and nothing else.

            As long as there was never a token (millrace token create), it serves loopback and unix sockets only. It also
            listens on millrace.sock in its state folder, for the other commands: the key that lies beside it is as good as a
            token there, and only this user and root can read it. A second line on stdout says who may enter. SIGHUP reads the
            configuration, the tokens and the graphs folder again; what cannot be read leaves everything as it was. Exit
            status: 0 after SIGTERM, 78 for a configuration or tokens that cannot be used, 1 for any other reason not to start.
            """)

    @Option(
        help: "The configuration file (default: \(ConfigurationLoader.systemFile), if it exists).",
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(help: "Listen on HOST:PORT or unix:PATH; may be given several times.")
    var listen: [String] = []

    @Option(help: "The folder of the history and the lock.", completion: .directory)
    var stateDir: String?

    @Option(help: "The folder of graph documents.", completion: .directory)
    var graphs: String?

    @Flag(
        help: ArgumentHelp(
            "Take up nothing by itself: all that an earlier daemon has left is held until it is resumed or cancelled."))
    var hold = false

    @Option(help: ArgumentHelp("Set any key of the configuration.", valueName: "key=value"))
    var set: [String] = []

    func run() throws {
        Allocator.configure()
        Signals.block([.terminate, .interrupt, .hangUp])
        Signals.ignore(.pipe)
        // A limit of file sizes is as a full disk: the write says so (EFBIG).
        Signals.ignore(.fileSize)
        // Node code runs as the same user.
        ProcessPrivacy.forbidInspection()
        let (source, loaded) = try load()
        let log = DaemonLog(level: loaded.configuration.log.level, format: loaded.configuration.log.format)
        do {
            _ = try DescriptorLimit.raiseToMaximum()
            try log.start()
            for warning in loaded.warnings { log.log(.warning, "configuration", ["reason": warning]) }
            try Daemon(loaded.configuration, from: source, holdsAll: hold, log: log).run()
        } catch {
            log.stop()
            Self.fail("\(error)", status: Self.status(of: error))
        }
        log.stop()
    }

    /// Tokens that cannot be read stay so, and nobody enters by a doubt.
    private static func status(of error: any Error) -> Int32 {
        if error is TokenFile.Failure { return ExitStatus.configuration }
        return (error as? StartError)?.status ?? ExitStatus.other
    }

    private func load() throws -> (ConfigurationSource, LoadedConfiguration) {
        var flags: [String: ConfigValue] = [:]
        if !listen.isEmpty { flags["listen"] = .list(listen) }
        if let stateDir { flags["state_dir"] = .string(stateDir) }
        if let graphs { flags["graphs_dir"] = .string(graphs) }
        for assignment in set {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw ValidationError("--set takes key=value, not \(assignment)") }
            flags[String(parts[0])] = .string(String(parts[1]))
        }
        let system = access(ConfigurationLoader.systemFile, F_OK) == 0 ? ConfigurationLoader.systemFile : nil
        do {
            let source = ConfigurationSource(file: config ?? system, flags: flags)
            return (source, try source.load())
        } catch {
            Self.fail("\(error)", status: ExitStatus.configuration)
        }
    }

    private static func fail(_ message: String, status: Int32) -> Never {
        for line in message.split(separator: "\n") { Terminal.complain("millrace: \(line)") }
        Glibc.exit(status)
    }
}

/// The variables of this process (environ(7)).
enum ProcessEnvironment {
    static var current: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee.map({ String(cString: $0) }) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            entry = entry.successor()
        }
        return variables
    }
}
