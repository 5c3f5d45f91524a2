extension ConfigurationKey {
    /// The keys that a running daemon takes over when it reloads. For all others what they say is built into something
    /// that lives as long as the daemon: sockets, threads, the open store, the kinds that graphs were compiled with.
    private static let reloadable: Set<String> = [
        "http.allowed_hosts", "http.allowed_origins", "http.trusted_proxies",
        "http.request_line_bytes_max", "http.header_bytes_max", "http.header_fields_max", "http.body_bytes_max",
        "http.header_timeout_ms", "http.body_timeout_ms", "http.idle_timeout_ms", "http.write_timeout_ms",
        "http.connections_per_address_max", "http.requests_per_second_per_address",
        "auth.requests_per_second_per_token", "auth.failures_per_minute_per_address", "auth.session_ms",
        "stream.keep_alive_ms", "stream.retry_ms",
        "executions.max_running", "executions.max_queued", "executions.state_bytes_max", "executions.drain_ms",
        "history.retain_days", "history.retain_executions", "history.retain_bytes",
        "history.large_removal_delay_ms",
        "console.start_graph", "log.level", "log.format", "auth.allow_forwarded_without_tokens",
    ]

    package var appliesOnReload: Bool { Self.reloadable.contains(name) }
}

/// What a reload does to the keys that differ, by name.
package struct ConfigurationChange: Equatable, Sendable {
    package var applied: [String] = []
    /// These keep their values until the daemon starts anew.
    package var awaitingRestart: [String] = []
}

extension Configuration {
    /// Takes over what can change while the daemon runs.
    package mutating func reload(from new: Configuration) -> ConfigurationChange {
        var change = ConfigurationChange()
        for key in ConfigurationKey.all where key.value(self) != key.value(new) {
            if key.appliesOnReload {
                key.assign(&self, key.value(new))
                change.applied.append(key.name)
            } else {
                change.awaitingRestart.append(key.name)
            }
        }
        return change
    }
}
