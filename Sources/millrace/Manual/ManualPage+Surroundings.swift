import Config

extension ManualPage {
    /// What a command ends with, and what it reads beside its arguments.
    mutating func surroundings(isDaemon: Bool, hasServer: Bool) {
        heading("EXIT STATUS")
        for (status, words) in isDaemon ? daemonStatuses : statuses(hasServer) { item(status, words) }
        heading("ENVIRONMENT")
        for (name, words) in isDaemon ? daemonVariables : variables(hasServer) { item(name, words) }
        heading("FILES")
        for (path, words) in files { item(path, words) }
    }

    private func statuses(_ hasServer: Bool) -> [(String, String)] {
        CommandStatus.meanings.filter { hasServer || [.success, .error, .usage].contains($0.status) }
            .map { (String($0.status.code), $0.words + ".") }
    }

    private func variables(_ hasServer: Bool) -> [(String, String)] {
        (hasServer ? clientVariables : []) + [
            ("NO_COLOR", "If it is set and not empty, nothing is coloured."),
            ("MILLRACE_STATE_DIR, MILLRACE_A_B_C", "Keys of the configuration: see millrace.yaml(5)."),
        ]
    }
}

private let daemonStatuses = [
    ("0", "It was told to stop, and has."),
    ("78", "The configuration or the tokens cannot be used; trying again does not help."),
    ("64", "Wrong usage."),
    ("1", "It cannot start for any other reason."),
]

private let daemonVariables = [
    ("MILLRACE_A_B_C", "The key a.b_c of the configuration: see millrace.yaml(5)."),
    ("PATH, HOME, TZ", "Handed on to python and process nodes, as are those that kinds.environment names."),
    ("XDG_STATE_HOME", "Where the state folder lies, if no state_dir is configured."),
    ("LISTEN_FDS, LISTEN_PID, NOTIFY_SOCKET, WATCHDOG_USEC, CREDENTIALS_DIRECTORY", "As systemd sets them."),
]

private let clientVariables = [
    ("MILLRACE_SERVER", "The daemon to work through, where --server names none."),
    ("MILLRACE_TOKEN", "The token to show it. Over http to another host it can be read on its way."),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "A file, or a folder as openssl-rehash(1) makes it, with authorities that are trusted beside the system's."
    ),
    ("HTTPS_PROXY, NO_PROXY", "The proxy through which daemons on other hosts are reached by https, and where not."),
]

private let files = [
    (ConfigurationLoader.systemFile, "The configuration, if no other is named."),
    (
        "~/.local/state/millrace",
        "The state folder of a daemon that was not told another; /var/lib/millrace/state of the service."
    ),
    ("STATE/millrace.sock, STATE/millrace.key", "The socket for the commands of the daemon's user, and the key to it."),
    ("STATE/tokens.json", "What is kept of tokens."),
    ("STATE/history.sqlite", "Graphs of the API, executions and their events."),
]
