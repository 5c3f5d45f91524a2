/// Why there is no response, or not all of one. The description is for people; it names no query and no credentials.
package enum TransferError: Error, Sendable, Equatable {
    /// No http or https URL.
    case badURL(String)
    case nameNotFound(host: String, reason: String)
    /// All addresses of the server lie where nobody may go.
    case denied(address: String, host: String)
    case notConnected(host: String, reason: String)
    /// The server has shown no certificate for its name from an authority that is trusted here, or speaks no TLS.
    case insecure(host: String, reason: String)
    case tooManyRedirects(max: Int)
    case headTooLong(bytesMax: Int)
    /// The connection broke in the middle, or what came is no HTTP.
    case broken(host: String, reason: String)
    /// The receiver wanted no more.
    case refused
    case cancelled
    /// The daemon is stopping, or has no thread for this.
    case stopped(String)
}

extension TransferError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badURL(let reason): "the url \(reason)"
        case .nameNotFound(let host, let reason): "\(host) was not found: \(reason)"
        case .denied(let address, let host):
            "\(host) is not reached: its address \(address) is one of kinds.http.denied_networks"
        case .notConnected(let host, let reason): "no connection to \(host): \(reason)"
        case .insecure(let host, let reason): "no secure connection to \(host): \(reason)"
        case .tooManyRedirects(let max): "more than \(max) redirects"
        case .headTooLong(let bytesMax): "the head of the response is longer than \(bytesMax) bytes"
        case .broken(let host, let reason): "the response of \(host) broke off: \(reason)"
        case .refused: "the response was not wanted any more"
        case .cancelled: "cancelled"
        case .stopped(let reason): reason
        }
    }
}
