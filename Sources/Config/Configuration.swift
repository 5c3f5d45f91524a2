/// Everything that an operator can set. The initial values here are the defaults, and the only place where they are written;
/// `ConfigurationKey.all` gives each property its name, range and description.
package struct Configuration: Equatable, Sendable {
    package var listen = ["127.0.0.1:8080"]
    /// Never empty in a loaded configuration.
    package var stateDirectory = ""
    /// Empty: the daemon looks for one when it starts.
    package var graphsDirectory = ""
    package var workers = Workers()
    package var http = HTTP()
    package var stream = Stream()
    package var graphs = Graphs()
    package var executions = Executions()
    package var history = History()
    package var kinds = Kinds()
    package var llm = LanguageModels()
    package var secrets = Secrets()
    package var console = Console()
    package var log = Log()
    package var auth = Auth()

    package init() {}

    package struct Workers: Equatable, Sendable {
        /// 0: one per core.
        package var threads = 0
    }

    package struct HTTP: Equatable, Sendable {
        package var allowedHosts: [String] = []
        package var allowedOrigins: [String] = []
        package var trustedProxies: [String] = []
        package var requestLineBytesMax = 8 << 10
        package var headerBytesMax = 32 << 10
        package var headerFieldsMax = 100
        package var bodyBytesMax = 8 << 20
        package var headerTimeoutMilliseconds = 10_000
        package var bodyTimeoutMilliseconds = 30_000
        package var idleTimeoutMilliseconds = 75_000
        package var writeTimeoutMilliseconds = 180_000
        /// 0: no limit.
        package var connectionsPerAddressMax = 1_000
        package var requestsPerSecondPerAddress = 100
    }

    package struct Stream: Equatable, Sendable {
        package var keepAliveMilliseconds = 15_000
        /// The middle of the range that the `retry:` of a stream is drawn from.
        package var retryMilliseconds = 2_000
        package var memoryBytesMax = 128 << 20
    }

    package struct Graphs: Equatable, Sendable {
        package var nodesMax = 10_000
    }

    package struct Executions: Equatable, Sendable {
        package var maxRunning = 10_000
        package var maxQueued = 10_000
        package var stateBytesMax = 16 << 20
        /// 0: a quarter of what the process may use.
        package var memoryBytesMax = 0
        package var deathsMax = 3
        package var heldWithinMilliseconds = 60_000
        package var drainMilliseconds = 10_000
    }

    package struct History: Equatable, Sendable {
        package var durability = Durability.process
        package var retainDays = 30
        package var retainExecutions = 1_000_000
        package var retainBytes = 20 << 30
        package var largeRemovalDelayMilliseconds = 600_000
    }

    package struct Kinds: Equatable, Sendable {
        /// Names of node kinds; the single element `*` stands for all.
        package var enabled = ["*"]
        package var confined = true
        package var hiddenPaths: [String] = []
        package var environment: [String] = []
        package var openFilesMax = 1024
        package var processesMax = 1024
        package var python = Python()
        package var http = Requests()
        package var lua = Lua()

        /// Whether there are kinds that run code of the graphs' authors outside of the daemon.
        package var runsCode: Bool { ["python", "process", "langgraph", "worker"].contains(where: enables) }

        /// Whether graphs may use the kind.
        package func enables(_ kind: String) -> Bool {
            enabled.contains("*") || enabled.contains(kind)
        }
    }

    package struct Python: Equatable, Sendable {
        package var interpreter = "python3"
        /// 0: eight per core.
        package var maxWorkers = 0
        package var idleMilliseconds = 60_000
        package var startMilliseconds = 120_000
        package var lookMilliseconds = 30_000
        /// 0: no limit.
        package var memoryBytesMax = 0
    }

    package struct Requests: Equatable, Sendable {
        package var deniedNetworks = [
            "127.0.0.0/8", "::1", "169.254.0.0/16", "fe80::/10", "0.0.0.0/8", "::", "fd00:ec2::254",
        ]
        package var proxy = false
        /// Empty: those of the system alone.
        package var authoritiesFile = ""
        package var responseBytesMax = 16 << 20
        package var connectionsMax = 4_096
        package var connectionsPerHostMax = 2_048
    }

    package struct Lua: Equatable, Sendable {
        package var timeMillisecondsMax = 1_000
        package var memoryBytesMax = 64 << 20
    }

    package struct LanguageModels: Equatable, Sendable {
        package var providers: [ProviderEntry] = []
    }

    package struct Secrets: Equatable, Sendable {
        /// Empty: there is none.
        package var folder = ""
    }

    package struct Console: Equatable, Sendable {
        /// Empty: the first graph of the list.
        package var startGraph = ""
    }

    package struct Log: Equatable, Sendable {
        package var level = LogLevel.info
        package var format = LogFormat.text
    }

    package struct Auth: Equatable, Sendable {
        package var allowForwardedWithoutTokens = false
        /// 0: no limit.
        package var requestsPerSecondPerToken = 500
        package var failuresPerMinutePerAddress = 30
        package var sessionMilliseconds = 43_200_000
    }
}

/// What a stored event survives.
package enum Durability: String, CaseIterable, Sendable {
    /// The death of the daemon.
    case process
    /// The loss of power.
    case power
}

/// The levels of swift-log, by their names there.
package enum LogLevel: String, CaseIterable, Sendable {
    case trace, debug, info, notice, warning, error, critical
}

package enum LogFormat: String, CaseIterable, Sendable {
    case text, json
}
