/// What the server has counted since it started; touched on the reactor's thread only.
struct ServerMetrics {
    var connectionsAccepted: UInt64 = 0
    /// Turned away because their address had too many.
    var connectionsRefused: UInt64 = 0
    var requests: UInt64 = 0
    /// Requests that could not be parsed or came too slowly.
    var faults: UInt64 = 0
    var streams: UInt64 = 0
    var bytesSent: UInt64 = 0
    /// To streams.
    var eventsSent: UInt64 = 0
}
