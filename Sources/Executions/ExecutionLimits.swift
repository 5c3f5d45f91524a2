/// Bounds of one execution that the daemon's config sets.
package struct ExecutionLimits: Sendable {
    /// The text of one state, in bytes.
    package var stateBytesMax = 16 << 20
    /// The output of one attempt of a node, in bytes as they are stored: the JSON, the names of the channels, and 24 for each.
    package var outputBytesMax = 16 << 20
    /// CPU time of all conditions that are judged when one node ends: as much as a `lua` node may take where nothing else is
    /// said. Each of them has a limit of its own too.
    package var judgeNanosecondsMax: UInt64 = 1_000_000_000
    /// What backoff may make of `retry.delay_ms`.
    package var retryDelayMillisecondsMax = 3_600_000.0

    package init() {}
}
