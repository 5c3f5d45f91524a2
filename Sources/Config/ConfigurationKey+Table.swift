extension ConfigurationKey {
    /// Every key, in the order of the shipped file. Keys of one section stand together.
    package static let all: [ConfigurationKey] = general + http + engine + kinds + models + edges

    /// The key of a name, or nil.
    package static func named(_ name: String) -> ConfigurationKey? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let general: [ConfigurationKey] = [
        .list(
            "listen", \.listen, of: .address, countMin: 1, flag: "--listen",
            """
            Where the API is served: HOST:PORT, [IPv6]:PORT or unix:PATH; port 0 takes a free one. Sockets that systemd hands \
            over take its place. Addresses beyond loopback need configured tokens.
            """),
        .string(
            "state_dir", \.stateDirectory, flag: "--state-dir",
            """
            The folder of the history store, locked by the daemon that uses it. Empty: $STATE_DIRECTORY under systemd, else \
            /var/lib/millrace/state for root, else $XDG_STATE_HOME/millrace or ~/.local/state/millrace.
            """),
        .string(
            "graphs_dir", \.graphsDirectory, flag: "--graphs",
            """
            The folder that graph documents (*.yaml, *.json) are loaded from. Empty: /etc/millrace/graphs if it exists, else \
            the examples beside the source tree when the program runs from a build.
            """),
        .integer(
            "workers.threads", \.workers.threads, 0...1024,
            "Threads that run nodes. 0: one per core."),
    ]

    private static let http: [ConfigurationKey] = [
        .list(
            "http.allowed_hosts", \.http.allowedHosts, of: .host,
            "Host names, besides loopback, that requests over TCP may name in Host. Others get 421."),
        .list(
            "http.allowed_origins", \.http.allowedOrigins, of: .origin,
            "Origins of web pages, besides the daemon's own, that may call the API (CORS). Others get 403."),
        .list(
            "http.trusted_proxies", \.http.trustedProxies, of: .network,
            """
            Peers whose X-Forwarded-For and Forwarded are believed: addresses, networks, or unix for peers on unix sockets.
            """),
        .integer(
            "http.request_line_bytes_max", \.http.requestLineBytesMax, 256...65536, unit: .bytes,
            "Longest request line. Beyond: 414."),
        .integer(
            "http.header_bytes_max", \.http.headerBytesMax, 1024...(1 << 20), unit: .bytes,
            "Most bytes of all header fields of a request. Beyond: 431."),
        .integer(
            "http.header_fields_max", \.http.headerFieldsMax, 8...10_000,
            "Most header fields of a request. Beyond: 431."),
        .integer(
            "http.body_bytes_max", \.http.bodyBytesMax, 1024...(1 << 30), unit: .bytes,
            "Longest body of a request. Beyond: 413."),
        .integer(
            "http.header_timeout_ms", \.http.headerTimeoutMilliseconds, 100...600_000, unit: .milliseconds,
            "Time for a request's head to arrive, from its first byte. Beyond: 408."),
        .integer(
            "http.body_timeout_ms", \.http.bodyTimeoutMilliseconds, 100...3_600_000, unit: .milliseconds,
            "Time for a request's body to arrive. Beyond: 408."),
        .integer(
            "http.idle_timeout_ms", \.http.idleTimeoutMilliseconds, 100...86_400_000, unit: .milliseconds,
            "How long a connection is kept between requests."),
        .integer(
            "http.write_timeout_ms", \.http.writeTimeoutMilliseconds, 100...86_400_000, unit: .milliseconds,
            """
            How long a client may take nothing at all of what it is sent, be it stalled or dead, before its connection is \
            given up. One that reads slowly is kept. A stream is resumed where it was.
            """),
        .integer(
            "http.connections_per_address_max", \.http.connectionsPerAddressMax, 0...1_000_000,
            """
            Connections that one address (of IPv6: one network of 64 bits) may have open, and never more than a quarter of \
            all. Those beyond get 429. 0: no limit. Never for loopback, unix sockets and trusted proxies.
            """),
        .integer(
            "http.requests_per_second_per_address", \.http.requestsPerSecondPerAddress, 0...1_000_000,
            """
            Requests that one client address may send in the long run; what four seconds allow may come at once. Those \
            beyond get 429. 0: no limit. Never for loopback and unix sockets; behind a trusted proxy the forwarded address \
            counts.
            """),
    ]

    private static let engine: [ConfigurationKey] = [
        .integer(
            "stream.keep_alive_ms", \.stream.keepAliveMilliseconds, 100...3_600_000, unit: .milliseconds,
            "Silence after which a stream carries a comment, so that proxies keep it open."),
        .integer(
            "stream.retry_ms", \.stream.retryMilliseconds, 100...600_000, unit: .milliseconds,
            "How long clients wait before they resume a broken stream. Each stream is told a value around this one."),
        .integer(
            "stream.memory_bytes_max", \.stream.memoryBytesMax, (1 << 20)...(1 << 46), unit: .bytes,
            """
            Memory of the events that streams are sent, however many lag at however many places. Beyond it, those that lag \
            wait for each other, and have events made again that had to go.
            """),
        .integer(
            "graphs.nodes_max", \.graphs.nodesMax, 1...1_000_000,
            "Most nodes of one graph."),
        .integer(
            "executions.max_running", \.executions.maxRunning, 1...1_000_000,
            "Executions that run at once. Those beyond wait in the queue."),
        .integer(
            "executions.max_queued", \.executions.maxQueued, 0...1_000_000,
            "Executions that wait. Those beyond are refused with 429."),
        .integer(
            "executions.state_bytes_max", \.executions.stateBytesMax, 1024...(1 << 30), unit: .bytes,
            """
            Largest state of an execution, as JSON: also where branches join, and at the end. The node at which it is passed \
            fails, and an execution whose final state would pass it.
            """),
        .integer(
            "executions.memory_bytes_max", \.executions.memoryBytesMax, 0...(1 << 46), unit: .bytes,
            """
            Memory of all executions together: their events and states, what streams are sent, and bodies of requests. Beyond \
            it executions wait in the queue, and only the oldest start nodes. When the history cannot be written, twice as much \
            may wait for it; then nothing starts, and output is dropped with a word. 0: a quarter of the machine's memory, or \
            of what the control group allows if that is less.
            """),
        .integer(
            "executions.deaths_max", \.executions.deathsMax, 0...1000,
            """
            Deaths of the daemon in a row at which an execution was running, without a node of it having ended between, after \
            which it is held: it goes on when somebody resumes it. 0: never.
            """),
        .integer(
            "executions.held_within_ms", \.executions.heldWithinMilliseconds, 1...86_400_000, unit: .milliseconds,
            "A death counts for an execution only this long after it was started or taken up."),
        .integer(
            "executions.drain_ms", \.executions.drainMilliseconds, 0...86_400_000, unit: .milliseconds,
            """
            How long nodes that run may go on when the daemon is told to stop. Those that still run then are interrupted, and \
            run again when the daemon is back.
            """),
        .choice(
            "history.durability", \.history.durability,
            "What a stored event survives: process, the death of the daemon (kill -9); power, also the loss of power, at the cost of a disk flush per commit."
        ),
        .integer(
            "history.retain_days", \.history.retainDays, 0...36_500,
            "Days after its end for which an execution is kept. 0: for ever."),
        .integer(
            "history.retain_executions", \.history.retainExecutions, 0...1_000_000_000,
            "Executions that are kept; beyond that the oldest that have ended are removed. 0: all."),
        .integer(
            "history.retain_bytes", \.history.retainBytes, 0...(1 << 46), unit: .bytes,
            """
            Bytes of events that are kept; beyond that those of the oldest executions that have ended are removed, and their \
            summaries stay. Documents of graphs do not count. Freed space is used again, the file does not shrink. 0: no limit.
            """),
        .integer(
            "history.large_removal_delay_ms", \.history.largeRemovalDelayMilliseconds, 0...604_800_000,
            unit: .milliseconds,
            """
            For which a removal of more than half of the history (and of more than 1,000 executions, or 100 by their age) waits \
            after it was announced in the log: a setting may be wrong, or the clock. 0: not at all.
            """),
    ]

    private static let kinds: [ConfigurationKey] = [
        .list(
            "kinds.enabled", \.kinds.enabled, of: .word,
            """
            Node kinds that graphs may use; "*" stands for all. Where python, langgraph, process or worker is among them, whoever may edit \
            graphs may run code as the daemon's user.
            """),
        .boolean(
            "kinds.confined", \.kinds.confined,
            """
            Keep the code of python, process and worker nodes away from the state folder, from credentials and from \
            kinds.hidden_paths, let it change nothing of the daemon's own program, signal no process but its own (Landlock), \
            and set limits and priorities of itself alone (seccomp). In a folder that contains one of those paths, such as a \
            home whose state folder lies below, such code can use what is there, and make no new entries. What this kernel \
            cannot hold is said at the start and by `millrace config show`.
            """),
        .list(
            "kinds.hidden_paths", \.kinds.hiddenPaths, of: .path,
            "Further files and folders that the code of nodes cannot reach where it is confined."),
        .list(
            "kinds.environment", \.kinds.environment, of: .variable,
            """
            Names of variables of the daemon that python, process and worker nodes get beside PATH, HOME and TZ, such as HTTPS_PROXY; \
            no log shows their values. The unit sets them with Environment= or EnvironmentFile= in a drop-in.
            """),
        .integer(
            "kinds.open_files_max", \.kinds.openFilesMax, 16...1_048_576,
            "Most open files of each process that runs the code of nodes."),
        .integer(
            "kinds.processes_max", \.kinds.processesMax, 1...1_000_000,
            """
            Most processes and threads of one node, or of one Python process, all together, where the daemon has a delegated \
            cgroup that counts them (Delegate=yes in the unit). Elsewhere all nodes together may have eight times as many \
            beside what the daemon's user has when it starts.
            """),
        .string(
            "kinds.python.interpreter", \.kinds.python.interpreter,
            """
            The interpreter of python nodes, or the folder of a virtual environment: a path, or a name that is looked up in PATH. \
            A graph whose document names one, or has a .venv beside it, uses that.
            """),
        .integer(
            "kinds.python.max_workers", \.kinds.python.maxWorkers, 0...10_000,
            """
            Most Python processes and processes of worker nodes. 0: eight per core. Calls that wait for one are served by turns between graphs; a graph \
            that has none gets one more, up to twice as many in all, and idle ones leave for others.
            """),
        .integer(
            "kinds.python.idle_ms", \.kinds.python.idleMilliseconds, 0...86_400_000, unit: .milliseconds,
            "How long a Python process, or one of a worker node, is kept without work."),
        .integer(
            "kinds.python.look_ms", \.kinds.python.lookMilliseconds, 100...600_000, unit: .milliseconds,
            """
            How long a Python file of the graphs folder may take to be run, in a process of its own, to see which graph it \
            makes.
            """),
        .integer(
            "kinds.python.start_ms", \.kinds.python.startMilliseconds, 100...3_600_000, unit: .milliseconds,
            """
            How long Python may take to start and to import what a node needs, or another worker to say hello; then the node fails. This time does not count \
            for the node's timeout_ms.
            """),
        .integer(
            "kinds.python.memory_bytes_max", \.kinds.python.memoryBytesMax, 0...(1 << 40), unit: .bytes,
            "Most memory (address space) of one Python process. 0: no limit."),
        .list(
            "kinds.http.denied_networks", \.kinds.http.deniedNetworks, of: .subnet,
            """
            Where http nodes send nothing: addresses and networks, in every form in which IPv6 carries those of IPv4. What \
            counts is the address that is connected to, at each redirect too. The default is this host, its links and where \
            clouds keep the credentials of their machines; add 10.0.0.0/8 and the like to keep graphs out of your own network.
            """),
        .boolean(
            "kinds.http.proxy", \.kinds.http.proxy,
            """
            Whether http nodes go through the proxies that http_proxy, HTTPS_PROXY and NO_PROXY of the daemon's environment \
            name. The proxy decides then which addresses are reached.
            """),
        .string(
            "kinds.http.ca_file", \.kinds.http.authoritiesFile,
            "A PEM file of authorities whose certificates http nodes trust beside those of the system. Empty: none."),
        .integer(
            "kinds.http.response_bytes_max", \.kinds.http.responseBytesMax, 1024...(1 << 30), unit: .bytes,
            "Longest body of a response that an http node takes. A longer one fails the node."),
        .integer(
            "kinds.http.connections_max", \.kinds.http.connectionsMax, 1...100_000,
            "Most connections of all http nodes together, at most a quarter of the open files. Further requests wait."),
        .integer(
            "kinds.http.connections_per_host_max", \.kinds.http.connectionsPerHostMax, 1...100_000,
            "Most connections of http nodes to one server. Further requests to it wait."),
        .integer(
            "kinds.lua.time_ms_max", \.kinds.lua.timeMillisecondsMax, 1...600_000, unit: .milliseconds,
            "Longest time that one run of Lua code may compute."),
        .integer(
            "kinds.lua.memory_bytes_max", \.kinds.lua.memoryBytesMax, (1 << 20)...(1 << 32), unit: .bytes,
            "Most memory of one run of Lua code."),
    ]

    private static let models: [ConfigurationKey] = [
        .providers(
            "llm.providers", \.llm.providers,
            """
            Who answers llm nodes, by names of your choice: base_url of a service that speaks OpenAI's protocol, such as \
            https://api.openai.com/v1, which may be anywhere (kinds.http.denied_networks does not apply); the name of the \
            secret that it is asked with; and replay, a file of recorded answers: known questions are answered from it, others \
            are asked and recorded.
            """),
        .string(
            "secrets.folder", \.secrets.folder,
            """
            A folder with a file for each secret, by its name, which only the daemon's user can read (mode 0600). It is read \
            anew at each use, and code of nodes cannot reach it where it is confined. Empty: there are only those that systemd \
            hands over as credentials, secret.NAME.
            """),
    ]

    private static let edges: [ConfigurationKey] = [
        .string(
            "console.start_graph", \.console.startGraph,
            "Id of the graph that the web console opens with. Empty: the first of the list."),
        .choice(
            "log.level", \.log.level,
            "The least severe messages that are logged."),
        .choice(
            "log.format", \.log.format,
            "Messages as lines of text, or as one JSON object per line."),
        .boolean(
            "auth.allow_forwarded_without_tokens", \.auth.allowForwardedWithoutTokens,
            """
            Serve requests that a proxy forwarded although no tokens are configured. The proxy then decides alone who may run \
            code here.
            """),
        .integer(
            "auth.requests_per_second_per_token", \.auth.requestsPerSecondPerToken, 0...1_000_000,
            """
            Requests that may come with one token in the long run, from wherever the limit per address applies; what four \
            seconds allow may come at once. Those beyond get 429. 0: no limit.
            """),
        .integer(
            "auth.failures_per_minute_per_address", \.auth.failuresPerMinutePerAddress, 1...1_000_000,
            "Wrong tokens that one address may try; from then on they get 429. Good ones are served all the same."),
        .integer(
            "auth.session_ms", \.auth.sessionMilliseconds, 60_000...2_592_000_000, unit: .milliseconds,
            "How long a session of the web console lasts, at most as long as the token that opened it."),
    ]
}
