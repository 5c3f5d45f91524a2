/// How long a peer may take nothing of what it is sent. What it has not taken yet is looked at only when the time is over,
/// so that a connection costs nothing as long as it flows.
struct Patience {
    /// The connection is kept for what is still to be sent.
    var isWanted = false
    /// The peer was waited for.
    var wasNeeded = false
    private var sinceNanoseconds: Int64 = 0
    private var unsentBytes: Int?

    /// The kernel takes no more: from now on the peer has to.
    mutating func begin(_ now: Int64) {
        wasNeeded = true
        sinceNanoseconds = now
        unsentBytes = nil
    }

    /// - Parameter unsentBytes: what the peer has not taken yet.
    /// - Returns: milliseconds until the next look; 0 for a peer whose time is over.
    mutating func left(_ now: Int64, unsentBytes: Int?, timeoutMilliseconds timeout: Int64) -> Int64 {
        // The first look has nothing to compare with.
        let hasRead = unsentBytes.map { bytes in self.unsentBytes.map { bytes < $0 } ?? true } ?? false
        self.unsentBytes = unsentBytes
        if hasRead { sinceNanoseconds = now }
        return max(0, timeout - (now - sinceNanoseconds) / 1_000_000)
    }
}
