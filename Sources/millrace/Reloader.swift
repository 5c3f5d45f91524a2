import Auth
import Config
import Executions
import Reactor
import Server

/// Where the configuration comes from, so that it can be read again.
struct ConfigurationSource: Sendable {
    var file: String?
    var flags: [String: ConfigValue] = [:]

    func load() throws(ConfigurationError) -> LoadedConfiguration {
        try ConfigurationLoader.load(file: file, environment: ProcessEnvironment.current, flags: flags)
    }
}

/// Reads the configuration and the graphs folder again while the daemon serves. What cannot be read leaves everything as
/// it was. Lives on the reactor's thread.
final class Reloader {
    private let source: ConfigurationSource
    private let installation: Installation
    private let server: Server
    private let engine: Engine
    private let log: DaemonLog
    private let report: ServiceReport
    /// What is in force.
    private(set) var configuration: Configuration
    private var isReloading = false
    private var isWantedAgain = false

    init(
        _ source: ConfigurationSource, inForce configuration: Configuration, _ installation: Installation,
        _ server: Server, _ engine: Engine, _ log: DaemonLog, _ report: ServiceReport
    ) {
        self.source = source
        self.configuration = configuration
        self.installation = installation
        self.server = server
        self.engine = engine
        self.log = log
        self.report = report
    }

    func reload() {
        guard !isReloading else {
            isWantedAgain = true
            return
        }
        isReloading = true
        report.reloading()
        let installation = installation
        let (source, mailbox) = (source, server.reactor.mailbox)
        server.folderLook.everything { [self] looked in
            let graphFaults = note(looked)
            let confined = Confined(self, to: server.reactor)
            let (log, inForce) = (log, configuration)
            // A slow disk must not hold up the streams, nor compiling what runs.
            engine.lanes.documents.submit {
                let files = installation.files()
                let loaded = Result { () throws(ConfigurationError) in try source.load() }
                log.warnOfInterpreter(inForce)
                mailbox.post { reactor in confined.open(on: reactor).finish(loaded, graphFaults, files) }
            }
        }
    }

    /// - Returns: how many graphs keep their old revision because of a fault.
    private func note(_ looked: Result<Int, StoreError>) -> Int {
        switch looked {
        case .success(let refused):
            log.log(.notice, "reloaded the graphs folder", ["graphs": "\(server.catalog.list.count)"])
            return refused
        case .failure(let error):
            log.log(.error, "the graphs folder cannot be reloaded", ["reason": "\(error)"])
            return 1
        }
    }

    private func finish(
        _ loaded: Result<LoadedConfiguration, ConfigurationError>, _ graphFaults: Int, _ files: StaticFiles
    ) {
        var faults = Self.words(graphFaults)
        switch loaded {
        case .success(let loaded):
            apply(loaded, files)
        case .failure(let error):
            let lines = error.description.split(separator: "\n")
            for line in lines {
                log.log(.error, .configurationRefused, ["reason": String(line)])
            }
            server.settings.files = files
            faults.insert("the configuration cannot be reloaded, the old one stays: \(lines.first ?? "")", at: 0)
        }
        server.reloadTokens { [self] failure in
            if let failure {
                log.log(.error, "the tokens cannot be reloaded; the old ones stay", ["reason": failure.description])
                faults.append("the old tokens stay: \(failure.description)")
            }
            finish(faults)
        }
    }

    private func finish(_ faults: [String]) {
        isReloading = false
        report.reloaded(fault: faults.isEmpty ? nil : faults.joined(separator: "; "))
        if isWantedAgain {
            isWantedAgain = false
            reload()
        }
    }

    private static func words(_ graphFaults: Int) -> [String] {
        switch graphFaults {
        case 0: []
        case 1: ["a graph file was not loaded, see the log"]
        default: ["\(graphFaults) graph files were not loaded, see the log"]
        }
    }

    private func apply(_ loaded: LoadedConfiguration, _ files: StaticFiles) {
        for warning in loaded.warnings { log.log(.warning, "configuration", ["reason": warning]) }
        let change = configuration.reload(from: loaded.configuration)
        server.settings = ServerSettings(configuration, files)
        engine.use(configuration)
        log.change(leastSevere: configuration.log.level)
        log.change(format: configuration.log.format)
        if !change.awaitingRestart.isEmpty {
            log.log(
                .warning, "changed settings that need a restart",
                ["keys": change.awaitingRestart.joined(separator: " ")])
        }
        log.log(.notice, .configurationReloaded, ["changed": change.applied.joined(separator: " ")])
    }
}
