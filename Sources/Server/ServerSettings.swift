import HTTP

/// What the configuration says about the server.
package struct ServerSettings: Sendable {
    package var requestLimits = RequestLimits()
    /// From the first byte of a request to the end of its head, and from there to the end of its body.
    package var headerTimeoutMilliseconds: Int64 = 10_000
    package var bodyTimeoutMilliseconds: Int64 = 30_000
    /// How long a kept-alive connection may stay without a request.
    package var idleTimeoutMilliseconds: Int64 = 75_000
    /// How long a client may take nothing of what it is sent.
    package var writeTimeoutMilliseconds: Int64 = 180_000
    /// Of one address that is neither near nor a trusted proxy; 0: no limit.
    package var connectionsPerAddressMax = 1_000
    /// Silence after which a stream gets a comment.
    package var keepAliveMilliseconds: Int64 = 15_000
    /// The middle of what `retry:` tells clients; each gets a value of its own around it, so that they come back one by one.
    package var retryMilliseconds = 2_000
    /// What the events that streams are sent may take of memory; looked at when the server is made.
    package var streamMemoryBytesMax = 128 << 20
    /// Names beside loopback's that a `Host` on TCP may have, without port.
    package var allowedHosts: Set<String> = []
    /// Origins of other sites whose pages may call the API, such as `https://app.example.org`.
    package var allowedOrigins: Set<String> = []
    /// Whose word on where requests came from is believed: addresses, networks, `unix`.
    package var trustedProxies: [String] = []
    /// In the long run; four seconds' worth may come at once. 0: no limit.
    package var requestsPerSecondPerAddress = 100
    package var requestsPerSecondPerToken = 500
    /// Wrong tokens that one address may try.
    package var failuresPerMinutePerAddress = 30
    /// How long a session of the console lasts.
    package var sessionMilliseconds: Int64 = 43_200_000
    /// Forwarded requests are served although no tokens are configured.
    package var allowsForwardedWithoutTokens = false
    /// The graph that the console opens first; empty: the first of the list.
    package var startGraph = ""
    package var version = ""
    /// The console, and the description of the API.
    package var files = StaticFiles()

    package init() {}
}
