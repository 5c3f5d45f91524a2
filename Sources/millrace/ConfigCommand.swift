import ArgumentParser
import Config
import Glibc

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check and show the daemon's configuration.",
        prose: """
            Each key a.b_c of the configuration file is also the variable MILLRACE_A_B_C; flags win over variables, and
            variables over the file.

              millrace config default > millrace.yaml
              millrace config check millrace.yaml
              millrace config show
            """,
        subcommands: [ConfigCheckCommand.self, ConfigShowCommand.self, ConfigDefaultCommand.self])

    /// The file that `serve` would read.
    static func file(_ given: String?) -> String? {
        given ?? (access(ConfigurationLoader.systemFile, F_OK) == 0 ? ConfigurationLoader.systemFile : nil)
    }
}

struct ConfigCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check a configuration file, and the variables over it.",
        prose: """
            Names every fault and its line. Exit status 1 if there is any.

              millrace config check /etc/millrace/millrace.yaml
            """)

    @Argument(
        help: "The file (default: \(ConfigurationLoader.systemFile), if it exists).",
        completion: .file(extensions: ["yaml", "yml"]))
    var file: String?

    func run() throws {
        try reportingFailures {
            let file = ConfigCommand.file(file)
            let loaded = try ConfigurationLoader.load(file: file, environment: ProcessEnvironment.current)
            for warning in loaded.warnings { Terminal.complain("millrace: \(TerminalText.line(warning))") }
            try Terminal.print("\(TerminalText.line(file ?? "the built-in configuration")): valid")
            return .success
        }
    }
}

struct ConfigShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show each key, its value and where the value comes from.",
        prose: """
            Behind them, in lines that begin with #, it says what this host cannot keep the code of nodes from, as the daemon's
            log does at each start.

              millrace config show | grep -v default$
            """)

    @Option(
        help: "The configuration file (default: \(ConfigurationLoader.systemFile), if it exists).",
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    func run() throws {
        try reportingFailures {
            let file = ConfigCommand.file(config)
            let loaded = try ConfigurationLoader.load(file: file, environment: ProcessEnvironment.current)
            for warning in loaded.warnings { Terminal.complain("millrace: \(TerminalText.line(warning))") }
            for line in loaded.listing.split(separator: "\n") { try Terminal.print(TerminalText.line(line)) }
            for line in ConfinementReport(loaded.configuration, .find()).lines {
                try Terminal.print("# \(TerminalText.line(line))")
            }
            return .success
        }
    }
}

struct ConfigDefaultCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "default", abstract: "Print a configuration file with every key, its default and what it does.",
        prose: "  millrace config default > millrace.yaml")

    func run() throws {
        try reportingFailures {
            try Terminal.write(Configuration.commentedFile)
            return .success
        }
    }
}
